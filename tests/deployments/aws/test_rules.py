"""The services' own rules over every template, image and call; each rule is shown to see what it forbids."""

import copy
import re
import socket
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
import yaml

from containers.common.image import IMAGES, image
from deployments.aws.deploy import STACKS
from deployments.aws.functions import _refusal
from deployments.aws.keepalive import keep_alive
from deployments.aws.parameters import parameters
from deployments.aws.route import choose
from deployments.aws.settings import AwsSettings
from deployments.aws.tasks import Tasks
from deployments.images.build import Choices, _words
from tests.deployments.aws.rules import CALLS, NAT_IDLE_S, NEW_ACCOUNT_MB, RULES, refusing
from tests.deployments.aws.test_stacks import ROOT, TEMPLATES, read


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.says)
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_templates_keep_the_services_rules(path, rule):
    assert rule.source.startswith("https://docs.aws.amazon.com/")
    assert list(rule.check(read(path))) == []


@pytest.mark.parametrize(
    ("stack", "place", "value"),
    [
        ("foundation", "Resources/ErrorsPolicy/Properties/Topics", [{"Ref": "Errors"}, {"Ref": "Usage"}]),
        ("foundation", "Resources/Cluster/Properties/CapacityProviders", ["FARGATE"]),
        ("buckets", "Resources/Media/DeletionPolicy", "Retain"),
        ("build", "Resources/Builds/Properties/ConcurrentBuildLimit", 9),
        ("build", "Resources/Other", {"Type": "AWS::CodeBuild::SourceCredential", "Properties": {}}),
        ("dashboard", "Resources/Dashboard/Properties/DashboardBody", {"Fn::Sub": '\\"${Project}-\\"'}),
        (
            "image",
            "Resources/MemoryAlarm/Properties/Metrics/1/MetricStat/Metric/Dimensions",
            [{"Name": "image", "Value": "x"}],
        ),
        ("image", "Resources/ErrorsAlarm/Properties/Metrics/1/MetricStat/Metric/Dimensions", []),
        (
            "foundation",
            "Resources/FailedTaskRule/Properties/EventPattern/detail/$or",
            [{"stopCode": ["EssentialContainerExited"]}],
        ),
        ("flows", "Resources/FlowRun/Properties/ContainerDefinitions/0/SystemControls", None),
    ],
)
def test_every_rule_sees_what_it_forbids(stack, place, value):
    template = copy.deepcopy(read(STACKS / f"{stack}.yaml"))
    before = [fault for rule in RULES for fault in rule.check(template)]
    target: Any = template
    parts = place.split("/")
    for part in parts[:-1]:
        target = target[int(part)] if isinstance(target, list) else target[part]
    if value is None:
        del target[parts[-1]]
    else:
        target[parts[-1]] = value
    assert before == [] and [fault for rule in RULES for fault in rule.check(template)] != []


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_a_function_in_a_new_account_too(name):
    assert parameters(name)["MemoryMb"] <= NEW_ACCOUNT_MB


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        ({"model": "auto", "best": "whisper-base"}, "lambda"),
        ({"model": "auto", "best": "whisper-large-v3-turbo"}, "ecs"),
        ({"model": "whisper-large-v3"}, "ecs"),
        ({"model": "auto", "best": "whisper-base", "languages": {"ko": {"aligner": "align-ko"}}}, "ecs"),
    ],
)
def test_models_that_do_not_fit_a_function_are_run_on_ecs(request_, where):
    """A function's disk is its EphemeralStorage (Lambda's quotas: 512 to 10,240 MB); models go through it."""
    assert choose(image("whisperx"), {"audio": "s3://b/a.wav", **request_}, 60) == where


@pytest.mark.parametrize(
    ("engine", "wanted"),
    [("docker", ["--platform=linux/amd64", "--provenance=false"]), ("buildah", ["--platform=linux/amd64"])],
)
def test_images_are_of_the_functions_processor_and_no_index(engine, wanted):
    """https://docs.aws.amazon.com/lambda/latest/dg/images-create.html: one processor, no list."""
    words = _words(engine, "faiss", "mediaflow-faiss:1.0.0", Choices())
    assert set(wanted) <= set(words)
    recipe = (ROOT / "deployments/aws/buildspec.yml").read_text(encoding="utf-8")
    builds = [line for line in recipe.splitlines() if "docker buildx build" in line]
    assert builds and all("$FLAGS" in line for line in builds)
    assert re.search(r"FLAGS=.*--platform linux/amd64 --provenance=false", recipe)


def test_codebuild_pulls_no_base_from_docker_hub():
    """https://docs.docker.com/docker-hub/usage/pulls: unauthenticated pulls are counted by address."""
    recipe = yaml.safe_load((ROOT / "deployments/aws/buildspec.yml").read_text(encoding="utf-8"))
    lines = [line for phase in recipe["phases"].values() for line in phase["commands"]]
    assert any(line.startswith("BASE=public.ecr.aws/docker/library/") for line in lines)
    assert any("--build-arg BASE_IMAGE=$BASE" in line for line in lines)


def test_a_silent_connection_says_something_before_a_nat_drops_it():
    client = keep_alive(boto3.client("lambda", "us-east-1", endpoint_url="http://127.0.0.1:1"))
    with socket.create_server(("127.0.0.1", 0)) as server:
        session = client._endpoint.http_session
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        connection = session._manager.connection_from_url(url)._new_conn()
        connection.connect()
        found = connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        connection.close()
    assert found < NAT_IDLE_S


@pytest.mark.parametrize("code", ["ResourceConflictException", "ResourceNotReadyException"])
def test_the_first_call_after_weeks_is_repeated_for_minutes(code):
    """https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html: inactive, it is refused."""
    from botocore.exceptions import ClientError

    from deployments.aws.errors import Passing

    answer = {"Error": {"Code": code, "Message": "The function is currently in the following state: Pending"}}
    error = ClientError(answer | {"ResponseMetadata": {"HTTPStatusCode": 409}}, "Invoke")
    found = _refusal("faiss", "mediaflow-faiss:live", error)
    assert isinstance(found, Passing) and found.throttled


class Newborn:
    """ECS as it answers right after RunTask: it may not know the task yet (API reference of RunTask:
    eventual consistency)."""

    def __init__(self) -> None:
        self.looks = 0
        self.stopped: list[str] = []

    def describe_tasks(self, **_: Any) -> dict[str, Any]:
        self.looks += 1
        if self.looks < 3:
            return {"tasks": [], "failures": [{"reason": "MISSING"}]}
        return {"tasks": [{"lastStatus": "STOPPED", "stoppedAt": datetime.now(UTC)}]}

    def stop_task(self, task: str, **_: Any) -> None:
        self.stopped.append(task)


def test_a_newborn_task_is_not_given_up():
    ecs = Newborn()
    tasks = Tasks(ecs, AwsSettings(work="s3://w", poll_s=0.01), "run")
    assert tasks._wait("arn")["lastStatus"] == "STOPPED"
    assert ecs.stopped == []


def test_roles_of_images_are_no_wider_than_their_own_requests():
    template = read(STACKS / "image.yaml")["Resources"]
    (policy,) = template["Role"]["Properties"]["Policies"]
    for statement in policy["PolicyDocument"]["Statement"]:
        for resource in (
            statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        ):
            text = resource.get("Fn::Sub", "") if isinstance(resource, dict) else ""
            if "/work/" in text and "s3:PutObject" in statement["Action"]:
                assert text.endswith("/work/*/${Image}/*")


def test_calls_are_refused_as_the_services_would():
    client = boto3.client("lambda", "us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    assert all(rule.source.startswith("https://docs.aws.amazon.com/") for rule in CALLS)
    with refusing(client), pytest.raises(AssertionError, match="at most 3008"):
        client.create_function(FunctionName="f", Role="r", Code={}, MemorySize=4096)
    weights = {"AdditionalVersionWeights": {"1": 0.5}}
    with refusing(client), pytest.raises(AssertionError, match="no additional weight"):
        client.update_alias(FunctionName="f", Name="live", FunctionVersion="1", RoutingConfig=weights)
