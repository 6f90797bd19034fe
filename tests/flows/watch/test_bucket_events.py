"""`python -m flows.watch sqs:QUEUE`: what arrives in a bucket is analysed, each object once."""

import json
import os
import subprocess
import sys
import time

import boto3
import pytest

from containers.common.errors import NothingThere
from flows.watch.bucket_events import Arrived, NotUnderstood, Queue, read_message
from tasks.media.find import survey
from tests.flows.serving import ROOT


def bridge(key: str, etag: str = "abc") -> str:
    """As EventBridge puts an S3 event into a queue."""
    return json.dumps(
        {
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {"bucket": {"name": "media"}, "object": {"key": key, "size": 9, "etag": etag}},
        }
    )


def test_an_object_by_eventbridge_and_by_s3_itself_is_the_same_object():
    record = {
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "media"}, "object": {"key": "in/a+talk.mp4", "eTag": "abc"}},
    }
    (by_s3,) = read_message(json.dumps({"Records": [record]}))
    (by_bridge,) = read_message(bridge("in/a talk.mp4"))
    assert by_s3 == by_bridge == Arrived("s3://media/in/a talk.mp4", "abc")
    assert by_s3.key == by_bridge.key != read_message(bridge("in/a talk.mp4", "other"))[0].key


@pytest.mark.parametrize(
    "name",
    [
        "ObjectRemoved:DeleteMarkerCreated",
        "ObjectTagging:Put",
        "LifecycleTransition",
        "s3:ObjectRestore:Post",
    ],
)
def test_only_a_new_object_starts_a_run(name):
    thing = {"bucket": {"name": "media"}, "object": {"key": "a.mp4", "eTag": "abc"}}
    assert read_message(json.dumps({"Records": [{"eventName": name, "s3": thing}]})) == []
    assert (
        len(read_message(json.dumps({"Records": [{"eventName": "s3:ObjectCreated:Copy", "s3": thing}]}))) == 1
    )
    for kind in (
        "Object Deleted",
        "Object Tags Added",
        "Object Storage Class Changed",
        "Object Restore Expired",
    ):
        assert read_message(json.dumps(json.loads(bridge("a.mp4")) | {"detail-type": kind})) == []


def test_what_sns_wraps_is_unwrapped():
    wrapped = {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:t", "Message": bridge("a.mp4")}
    assert read_message(json.dumps(wrapped)) == read_message(bridge("a.mp4"))
    assert read_message(json.dumps({"Type": "SubscriptionConfirmation", "Token": "t"})) == []
    with pytest.raises(NotUnderstood):
        read_message(json.dumps({"Type": "Notification", "Message": "hello"}))


def test_what_is_no_media_starts_nothing():
    assert read_message(bridge("in/notes.txt")) == []
    assert read_message(json.dumps({"Event": "s3:TestEvent", "Bucket": "media"})) == []


@pytest.mark.parametrize("body", ["no JSON", "[]", "{}", '{"detail": {}}', '{"Records": [{}]}'])
def test_a_message_that_tells_of_nothing_is_refused(body):
    with pytest.raises(NotUnderstood, match="tells of no object"):
        read_message(body)


@pytest.fixture
def queue(aws):
    """Four messages wait in it: an object twice, another, and one that nobody understands."""
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName="arrivals")["QueueUrl"]
    for body in (bridge("a.mp4"), bridge("a.mp4"), "what?", bridge("b.wav")):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    return sqs, url


def waiting(sqs, url: str) -> int:
    """Messages in the queue, also those that are being read."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


@pytest.mark.slow
def test_each_object_becomes_one_run_and_its_message_goes(server, queue, tmp_path):
    sqs, url = queue
    deployment = server.deployment("arrivals")
    server.call("PATCH", f"/deployments/{deployment['id']}", paused=True)  # the runs are asked for, and wait
    environment = {**os.environ, **server.variables}
    command = [sys.executable, "-m", "flows.watch", "sqs:arrivals", "--output", "s3://media/out"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout and watching.stderr
        lines = [watching.stdout.readline() for _ in range(2)]
        assert "It stays in the queue" in watching.stderr.readline()
        deadline = time.monotonic() + 60
        while (left := waiting(sqs, url)) > 1 and time.monotonic() < deadline:
            time.sleep(0.2)  # a run is told of before its message is taken away
        watching.kill()
    server.call("PATCH", f"/deployments/{deployment['id']}", paused=False)
    assert [line.split(": run")[0] for line in lines] == ["new: s3://media/a.mp4", "new: s3://media/b.wav"]
    wanted = {"flow_runs": {"tags": {"all_": ["media"]}}, "sort": "EXPECTED_START_TIME_DESC"}
    runs = [
        run
        for run in server.call("POST", "/flow_runs/filter", **wanted)
        if str(run["parameters"].get("media")).startswith("s3://media/")
    ]
    assert sorted(run["parameters"]["media"] for run in runs) == ["s3://media/a.mp4", "s3://media/b.wav"]
    assert left == 1, "only what nobody understands"
    for run in runs:
        server.call("DELETE", f"/flow_runs/{run['id']}")


def test_what_nobody_understands_goes_to_the_dead_letter_queue_once(aws):
    sqs = boto3.client("sqs")
    aside = sqs.create_queue(QueueName="aside")["QueueUrl"]
    asked = {"QueueUrl": aside, "AttributeNames": ["QueueArn"]}
    arn = sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "5"})
    url = sqs.create_queue(QueueName="news", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    for body in ("what?", bridge("a.mp4")):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    said: list[str] = []
    found = Queue(sqs, "news", said.append).look()
    assert [each.media for each in found] == ["s3://media/a.mp4"]
    assert len(said) == 1 and said[0].endswith("It is in aside now.")
    assert (waiting(sqs, aside), waiting(sqs, url)) == (1, 1)
    for queue in (aside, url):
        sqs.delete_queue(QueueUrl=queue)


def test_a_queue_that_is_not_there_is_one_sentence(aws):
    command = [sys.executable, "-m", "flows.watch", "sqs:nowhere"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("The queue cannot be used: ") and done.stderr.count("\n") == 1, done.stderr


def test_what_is_left_out_of_a_prefix_is_said_with_the_reason(bucket):
    for key in ("talks/a.wav", "talks/notes.txt", "talks/cover.jpg", "talks/.b.wav"):
        bucket.put_object(Key=key, Body=b"1")
    for name in ("manifest.json", "denoised.flac"):  # results are no media
        bucket.put_object(Key=f"talks/out/0123456789abcdef/{name}", Body=b"1")
    found = survey(["s3://media/talks/"])
    assert found.media == ["s3://media/talks/a.wav"]
    assert found.left_out == {
        "s3://media/talks/notes.txt": "no media",
        "s3://media/talks/cover.jpg": "a picture: name it to have it analysed",
    }
    bucket.Object("talks/a.wav").delete()
    with pytest.raises(NothingThere, match=r"^There is no media at s3://media/talks/: Left out: cover\.jpg"):
        survey(["s3://media/talks/"])
