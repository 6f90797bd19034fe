"""The stacks put into an account by the command, against moto's server.

moto makes most of what the templates say and passes over aliases, alarms, bucket, topic and queue policies,
role policies of their own, dead letters, task sizes, scanning, signing and builds; those are looked at in
tests/deployments/aws/test_stacks.py.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import httpx
import pytest

from containers.common.image import image
from deployments.aws.deploy import STACKS
from flows.stacks import main

ROOT = Path(__file__).parents[2]
BASE = ["account", "foundation", "buckets", "network", "dashboard", "repositories"]
LOOK = ["--look", "0.05"]
ACCOUNT = "123456789012"  # moto's


pytestmark = pytest.mark.filterwarnings("ignore:Tried to parse AWS")


@pytest.fixture(scope="module")
def account(aws: str) -> Iterator[str]:
    """An account with everything but the flows' worker, and of the images faiss alone."""
    httpx.post(f"{aws}/moto-api/reset", trust_env=False).raise_for_status()
    with pytest.MonkeyPatch.context() as patch:
        # moto answers for its SQS at AWS's own address; its queues are reached at the server's.
        patch.setenv("NO_PROXY", "127.0.0.1")
        assert main([*BASE, "--image", "faiss", "--set", "AlarmEmail=ops@example.org", *LOOK]) == 0
        assert main(["images", "--image", "faiss", "--set", "Version=1.2.0", *LOOK]) == 0
        yield aws
    httpx.post(f"{aws}/moto-api/reset", trust_env=False).raise_for_status()


def test_the_function_has_the_settings_of_the_image(account):
    client, settings = boto3.client("lambda"), image("faiss")
    found = client.get_function(FunctionName="mediaflow-faiss")
    assert found["Code"]["ImageUri"].endswith(".amazonaws.com/mediaflow-faiss:1.2.0")
    configuration = found["Configuration"]
    assert (configuration["MemorySize"], configuration["Timeout"]) == (
        settings.function_mb,
        settings.timeout_s,
    )
    assert configuration["Role"] == f"arn:aws:iam::{ACCOUNT}:role/mediaflow-images/mediaflow-faiss"
    store = configuration["Environment"]["Variables"]["MEDIAFLOW_MODELS"]
    assert store == f"s3://mediaflow-models-{ACCOUNT}-us-east-1/models/current"


def test_the_task_is_the_same_image(account):
    found = boto3.client("ecs").describe_task_definition(taskDefinition="mediaflow-faiss")["taskDefinition"]
    (container,) = found["containerDefinitions"]
    assert container["image"].endswith("/mediaflow-faiss:stable")
    assert container["name"] == "faiss", "by which a call's overrides name it"


def test_versions_in_ecr_do_not_change(account):
    found = boto3.client("ecr").describe_repositories(repositoryNames=["mediaflow-faiss"])["repositories"][0]
    assert found["imageTagMutability"] == "IMMUTABLE_WITH_EXCLUSION"


def test_media_that_arrive_are_announced_in_the_queue(account):
    media = f"mediaflow-media-{ACCOUNT}-us-east-1"
    s3, sqs = boto3.client("s3"), boto3.client("sqs")
    # The template says so too; moto's CloudFormation passes it over.
    bridge = {"EventBridgeConfiguration": {}}
    s3.put_bucket_notification_configuration(Bucket=media, NotificationConfiguration=bridge)
    s3.put_object(Bucket=media, Key="incoming/talk.mp4", Body=b"media")
    s3.put_object(Bucket=media, Key="out/a/manifest.json", Body=b"no media")
    queue = sqs.get_queue_url(QueueName="mediaflow-incoming")["QueueUrl"]
    messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    events = [json.loads(message["Body"]) for message in messages]
    assert [event["detail"]["object"]["key"] for event in events] == ["incoming/talk.mp4"]


def test_the_settings_of_runtime_aws_come_from_the_account(account, capsys):
    from deployments.aws.settings import AwsSettings

    assert main(["settings"]) == 0
    settings = AwsSettings.model_validate_json(capsys.readouterr().out)
    assert settings.work == f"s3://mediaflow-work-{ACCOUNT}-us-east-1/work"
    assert len(settings.subnets) == 2
    assert settings.name("faiss") == "mediaflow-faiss"


def test_a_second_time_nothing_changes(account, capsys):
    assert main(["foundation", "buckets", *LOOK]) == 0
    assert capsys.readouterr().out == "mediaflow-foundation: as it was\nmediaflow-buckets: as it was\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["flows"], "Stack mediaflow-flows needs Version, PrefectApiUrl, PrefectApiKeySecret: add --set "),
        (
            ["flows", "--set", "Versoin=1"],
            "No template has a parameter Versoin; there are PrefectApiKeySecret,",
        ),
        (
            ["buckets", "--project", "other"],
            "Stack other-buckets is refused: No export named other-key found",
        ),
        (["settings", "--project", "other"], "There is no stack `network` to read the settings from"),
    ],
)
def test_what_is_wrong_is_one_sentence(account, capsys, arguments, sentence):
    assert main([*arguments, *LOOK]) == 1
    said = capsys.readouterr().err
    assert said.startswith(sentence)
    assert said.count("\n") == 1


def test_no_account_is_one_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "flows.stacks", "settings"],
        cwd=ROOT,
        env={"PATH": "", "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (1, "Unable to locate credentials\n")


def test_the_other_stacks_are_made_too(account):
    secret = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:prefect-abc"
    values = {"Version": "0.1.0", "PrefectApiUrl": "https://api.example.org", "PrefectApiKeySecret": secret}
    assert main(["flows", *[f"--set={key}={value}" for key, value in values.items()], *LOOK]) == 0
    connection = f"arn:aws:codeconnections:us-east-1:{ACCOUNT}:connection/1"
    repository = "https://github.com/example/mediaflow.git"
    assert main(["build", f"--set=Connection={connection}", f"--set=Repository={repository}", *LOOK]) == 0
    stacks = boto3.client("cloudformation").list_stacks()["StackSummaries"]
    made = {stack["StackName"] for stack in stacks if stack["StackName"].startswith("mediaflow-")}
    templates = {path.stem for path in STACKS.glob("*.yaml")} - {"image", "repository"}
    images = {"mediaflow-faiss", "mediaflow-repository-faiss"}
    assert made == {f"mediaflow-{name}" for name in templates} | images
