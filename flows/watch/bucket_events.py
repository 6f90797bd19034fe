"""Objects that arrive in a bucket, as SQS tells of them: by EventBridge, or by S3's own notifications."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from containers.common.errors import UserError
from flows.watch.arrivals import Arrival
from tasks.media.find import is_media

CREATED = "Object Created"  # EventBridge's name of it
SUBSCRIBING = ("SubscriptionConfirmation", "UnsubscribeConfirmation")  # SNS about itself
WAIT = 20  # seconds that one question to the queue may last: SQS's most


class Arrived(NamedTuple):
    """An object as an event names it."""

    media: str
    version: str

    @property
    def key(self) -> str:
        """The same however often, and by whatever way, the same object is told of."""
        return hashlib.sha256(repr(tuple(self)).encode()).hexdigest()


class NotUnderstood(UserError):
    """A message that tells of no object."""


def read_message(body: str) -> list[Arrived]:
    """The new media objects that a message tells of, by S3, by EventBridge, or by either through SNS.

    None for S3's test message, for other files, and for what else happens to objects: they are removed, get
    tags, another storage class or an expiry. Raises NotUnderstood.
    """
    try:
        told = _unwrapped(json.loads(body))
        if told.get("Event") == "s3:TestEvent" or told.get("Type") in SUBSCRIBING:
            return []
        if "Records" in told:
            objects = [_from_s3(record) for record in told["Records"] if _is_new(record)]
        else:
            objects = [_from_bridge(told)] if told["detail-type"] == CREATED else []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotUnderstood(f"A message tells of no object ({type(error).__name__}: {error}).") from None
    return [each for each in objects if is_media(Path(each.media))]


def _unwrapped(told: dict[str, Any]) -> dict[str, Any]:
    """What SNS put into an envelope ("Parsing Amazon SNS message formats"), unless delivery is raw."""
    return json.loads(told["Message"]) if told.get("Type") == "Notification" else told


def _is_new(record: dict[str, Any]) -> bool:
    """By the event's name, with or without the prefix s3:, as "Supported event types" lists them."""
    return record["eventName"].removeprefix("s3:").startswith("ObjectCreated:")


def _from_bridge(event: dict[str, Any]) -> Arrived:
    """EventBridge's "Object Created", see "EventBridge event message structure" in S3's user guide."""
    detail = event["detail"]
    thing = detail["object"]
    return Arrived(
        f"s3://{detail['bucket']['name']}/{thing['key']}", thing.get("version-id") or thing["etag"]
    )


def _from_s3(record: dict[str, Any]) -> Arrived:
    """S3's own message, "Event message structure"; there keys are URL-encoded."""
    bucket, thing = record["s3"]["bucket"]["name"], record["s3"]["object"]
    return Arrived(f"s3://{bucket}/{unquote_plus(thing['key'])}", thing.get("versionId") or thing["eTag"])


class QueueAway(UserError):
    """Nothing answers where the queue is: it may be there again in a minute."""


class Queue:
    """One SQS queue, by its name or URL. Raises UserError when it cannot be used, QueueAway of silence."""

    def __init__(self, sqs: Any, name: str, complain: Callable[[str], object]) -> None:
        self._sqs = sqs
        self._complain = complain
        self._not_understood: set[str] = set()
        self._owed: dict[str, tuple[str, list[Arrival]]] = {}
        self._url = name if "://" in name else self._ask("get_queue_url", QueueName=name)["QueueUrl"]

    def look(self) -> list[Arrival]:
        """What the queue tells of within the next seconds. A message that tells of nothing stays in it."""
        answer = self._ask(
            "receive_message", QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=WAIT
        )
        found: list[Arrival] = []
        for message in answer.get("Messages", []):
            try:
                told = [Arrival(each.media, each.key) for each in read_message(message["Body"])]
            except NotUnderstood as error:
                if message["MessageId"] not in self._not_understood:
                    self._not_understood.add(message["MessageId"])
                    self._complain(f"{error} {self._set_aside(message)}")
                continue
            self._owed[message["MessageId"]] = (message["ReceiptHandle"], told)
            found += told
        return found

    def _set_aside(self, message: dict[str, Any]) -> str:
        """Where a message is that nobody understands: in the queue's dead-letter queue, where it has one and
        this user may write there; otherwise it stays. SQS would bring it again and again until then."""
        asked = {"QueueUrl": self._url, "AttributeNames": ["RedrivePolicy"]}
        policy = self._ask("get_queue_attributes", **asked).get("Attributes", {}).get("RedrivePolicy", "{}")
        *_, account, name = json.loads(policy).get("deadLetterTargetArn", "::").split(":")
        if name:
            try:
                aside = self._ask("get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
                self._ask("send_message", QueueUrl=aside, MessageBody=message["Body"])
            except UserError as error:
                return f"It stays in the queue, since {name} cannot take it: {error}"
            self._ask("delete_message", QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
            return f"It is in {name} now."
        return "It stays in the queue, for a dead-letter queue to take."

    def settled(self, begun: Callable[[Arrival], bool]) -> None:
        """Takes away the messages whose objects all have a run."""
        for name, (receipt, told) in list(self._owed.items()):
            if all(map(begun, told)):
                self._ask("delete_message", QueueUrl=self._url, ReceiptHandle=receipt)
                del self._owed[name]

    def pause(self, every: float) -> float:
        """None: a look lasts until something is told, 20 seconds at most."""
        return 0

    def _ask(self, verb: str, **asked: Any) -> dict[str, Any]:
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

        try:
            return getattr(self._sqs, verb)(**asked)
        except (ConnectionError, HTTPClientError) as error:
            raise QueueAway(f"The queue does not answer: {str(error).rstrip('.')}.") from None
        except (BotoCoreError, ClientError) as error:
            raise UserError(f"The queue cannot be used: {str(error).rstrip('.')}.") from None
