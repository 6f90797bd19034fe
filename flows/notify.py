"""A message to people, for automations: SNS is nothing that a Prefect server can call itself."""

from prefect import flow

from containers.common.errors import UserError
from flows.runs.aws import client
from flows.settings.load import apply_with_server

SUBJECT_LENGTH = 99  # SNS takes fewer than 100 characters, in one line of ASCII


@flow(name="notify", flow_run_name="{subject}")
def notify(subject: str, message: str = "", topic: str | None = None) -> str:
    """Publishes to an SNS topic and returns the message's id. Raises UserError when it cannot be done.

    Args:
        subject: one line.
        message: what happened.
        topic: ARN; the setting MEDIAFLOW_TOPIC when empty.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    arn = topic or apply_with_server().topic
    if not arn:
        raise UserError("There is no topic to tell: set MEDIAFLOW_TOPIC.")
    line = " ".join(subject.split()).encode("ascii", "replace").decode()[:SUBJECT_LENGTH]
    try:
        told = client("sns").publish(TopicArn=arn, Subject=line, Message=f"{subject}\n{message}".strip())
    except (BotoCoreError, ClientError) as error:
        raise UserError(f"{arn} cannot be told: {str(error).rstrip('.')}.") from None
    return told["MessageId"]
