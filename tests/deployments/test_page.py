"""deployments/README.md, its numbered commands run as they stand: from an empty account to the nightly job.

The account is moto's server, Prefect's is a real one. What the nightly run does is in
tests/flows/analyze/test_s3.py.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "deployments/README.md"
AWS = ROOT / ".tools/aws/bin/aws"
BIN = Path(sys.executable).parent
# What is not run here, and where the same is.
ELSEWHERE = {
    "make images": "tests/deployments/images",
    "make models": "the tests' own setup",
    "uv run python -m flows.models publish": "tests/flows/release/test_model_store.py",
    "uv run python -m flows.release models:": "tests/flows/release/test_model_store.py",
    "for settings in": "tests/flows/release/test_release.py; moto's CloudFormation makes no alias",
    "uv run python -m flows.analyze": "tests/flows/analyze/test_s3.py",
    "uv run python -m flows.watch": "tests/flows/watch/test_bucket_events.py",
    "export PREFECT_API_": "Prefect Cloud's address and key; here a server of this machine",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Tried to parse AWS"),
    pytest.mark.skipif(not AWS.exists(), reason="`make .tools/aws/.synced` installs AWS's command line"),
]


def steps() -> list[list[str]]:
    """The commands of each numbered step of the page's first section."""
    section = PAGE.read_text(encoding="utf-8").split("\n## ")[1]
    numbered = re.split(r"^\d+\. ", section, flags=re.MULTILINE)[1:]
    blocks = ["".join(re.findall(r"```sh\n(.*?)```", step, re.DOTALL)) for step in numbered]
    return [[line.strip() for line in block.splitlines()] for block in blocks]


def is_elsewhere(line: str) -> bool:
    return any(line.startswith(beginning) for beginning in ELSEWHERE)


@pytest.fixture(scope="module")
def account() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def prefect() -> Iterator[str]:
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness  # the whole of Prefect's server

    with prefect_test_harness(server_startup_timeout=300):
        yield str(PREFECT_API_URL.value())


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands are run: this checkout's folders, and what they write."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("deployments", "flows", "containers", "tasks", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / "talk.mp4").write_bytes(b"media")
    return folder


@pytest.fixture(scope="module")
def environment(account: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shell's that reaches the account; `uv run` is the project's environment as it is."""
    programs = tmp_path_factory.mktemp("bin")
    (programs / "uv").write_text(f'#!/bin/sh\nshift\nexec "{BIN}/$@"\n')
    (programs / "uv").chmod(0o755)
    return {
        "PATH": f"{programs}:{AWS.parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path_factory.mktemp("home")),
        "AWS_ENDPOINT_URL": account,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "PREFECT_API_KEY": "the-key",
        "PREFECT_API_URL": "https://prefect.example.org/api",
    }


def run(lines: list[str], folder: Path, environment: dict[str, str]) -> str:
    """In one shell, as a person types them; what they printed."""
    script = "\n".join(lines).replace("flows.stacks ", "flows.stacks --look 0.1 ")
    script = script.replace("=ARN", "=arn:aws:codeconnections:us-east-1:123456789012:connection/1")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def is_prefects(line: str) -> bool:
    return line.startswith("uv run prefect ")


@pytest.fixture(scope="module")
def ran(clone: Path, environment: dict[str, str]) -> str:
    """The commands for the account."""
    lines = [line for step in steps() for line in step]
    return run(
        [line for line in lines if not is_elsewhere(line) and not is_prefects(line)], clone, environment
    )


@pytest.fixture(scope="module")
def deployed(ran: str, clone: Path, environment: dict[str, str], prefect: str) -> dict[str, str]:
    """The commands for Prefect, of this machine; the shell's variables with its server in them."""
    named = steps()[0]  # the variables that the first step sets
    lines = [line for step in steps() for line in step if is_prefects(line)]
    variables = environment | {"PREFECT_API_URL": prefect}
    run([*named, *lines], clone, variables)
    return variables


def client_options(account: str) -> dict[str, str]:
    return {
        "endpoint_url": account,
        "region_name": "us-east-1",
        "aws_access_key_id": "testing",
        "aws_secret_access_key": "testing",
    }


def test_every_step_is_run_here_or_elsewhere():
    assert len(steps()) == 11
    assert all(steps())
    for place in ELSEWHERE.values():
        if place.startswith("tests/flows"):
            assert (ROOT / place.split(";")[0]).exists()


def test_every_stack_is_made(ran, account):
    found = boto3.client("cloudformation", **client_options(account)).list_stacks()["StackSummaries"]
    assert {stack["StackStatus"] for stack in found} == {"CREATE_COMPLETE"}
    assert len(found) == 7 + 9 + 8, "stacks, repositories, images"
    assert ran.count(": made\n") == len(found) + 1, "and ECS's role"


def test_the_key_of_prefect_is_in_its_secret_as_it_is(ran, account):
    client = boto3.client("secretsmanager", **client_options(account))
    assert client.get_secret_value(SecretId="mediaflow-prefect-api-key")["SecretString"] == "the-key"


def test_flows_find_the_account_by_the_variable(deployed, prefect):
    variable = httpx.get(f"{prefect}/variables/name/mediaflow_aws", trust_env=False).json()
    value = variable["value"]
    settings = json.loads(value) if isinstance(value, str) else value
    assert settings["cluster"] == "mediaflow"
    assert settings["work"].startswith("s3://mediaflow-work-")


def test_the_nightly_jobs_are_scheduled(deployed, prefect):
    found = httpx.post(f"{prefect}/deployments/filter", json={}, trust_env=False).json()
    (nightly,) = [deployment for deployment in found if deployment["name"] == "nightly"]
    assert nightly["parameters"]["media"] == ["s3://mediaflow-media-123456789012-us-east-1/incoming/"]
    assert (nightly["schedules"][0]["active"], nightly["work_pool_name"]) == (True, "mediaflow")
    names = {deployment["name"] for deployment in found}
    assert {"analyze", "rollback"} <= names, "what flows.watch starts, and the way back"
    scheduled = {deployment["name"]: deployment for deployment in found if deployment["schedules"]}
    assert {"nightly", "reindex", "quality"} == set(scheduled), "analysed, made searchable, looked at"
    assert scheduled["reindex"]["parameters"]["output"] == "s3://mediaflow-media-123456789012-us-east-1/out"


@pytest.fixture
def flow_run_task(deployed, account) -> Any:
    """ECS with task definition and network as their templates have them, which moto's CloudFormation passes
    over; moto wants a container to say its memory too."""
    ec2 = boto3.client("ec2", **client_options(account))
    (network,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["false"]}])["Vpcs"]
    ec2.modify_vpc_attribute(VpcId=network["VpcId"], EnableDnsHostnames={"Value": True})
    ecs = boto3.client("ecs", **client_options(account))
    made = ecs.describe_task_definition(taskDefinition="mediaflow-flow-run")["taskDefinition"]
    ecs.register_task_definition(
        family="mediaflow-flow-run",
        containerDefinitions=[container | {"memory": 8192} for container in made["containerDefinitions"]],
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="2048",
        memory="8192",
    )
    return ecs


def test_the_worker_starts_that_run_as_a_task_of_the_account(deployed, flow_run_task, prefect):
    """moto only says that the task runs; what it does is in tests/flows/analyze/test_s3.py."""
    (run,) = [
        run
        for run in httpx.post(f"{prefect}/flow_runs/filter", json={}, trust_env=False).json()
        if "auto-scheduled" not in run["tags"] and run["work_pool_name"] == "mediaflow"
    ]
    variables = deployed | {
        "AWS_DEFAULT_REGION": "us-east-1",
        "PREFECT_INTEGRATIONS_AWS_ECS_OBSERVER_SQS_QUEUE_NAME": "mediaflow-task-events",
    }
    worker = [BIN / "prefect", "worker", "start", "--type", "ecs", "--pool", "mediaflow"]
    with subprocess.Popen(worker, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as started:
        assert started.stdout
        deadline, arns = time.monotonic() + 100, []
        while not arns and started.poll() is None and time.monotonic() < deadline:
            time.sleep(1)
            arns = flow_run_task.list_tasks(cluster="mediaflow")["taskArns"]
        started.kill()
        printed = started.stdout.read().decode()
    assert arns, printed
    tasks = flow_run_task.describe_tasks(cluster="mediaflow", tasks=arns)["tasks"]
    (task,) = [task for task in tasks if "task-definition/mediaflow-flow-run:" in task["taskDefinitionArn"]]
    (container,) = task["overrides"]["containerOverrides"]
    told = {entry["name"]: entry["value"] for entry in container["environment"]}
    assert (container["name"], told["PREFECT__FLOW_RUN_ID"]) == ("prefect", run["id"])
    assert told["PREFECT_API_URL"] == prefect
    assert "the-key" not in told.values(), "ECS takes the key of the API from its secret"


def test_a_second_time_nothing_is_made_and_nothing_fails(deployed, clone, prefect):
    """Every command of the page, in its order, in the same account and with the same server."""
    lines = [line for step in steps() for line in step if not is_elsewhere(line)]
    again = run(lines, clone, deployed | {"PREFECT_API_URL": prefect})
    assert ": made" not in again
    # moto takes an update of some templates for a change; whether AWS does is in deployments/smoke.md.
    assert again.count(": as it was\n") + again.count(": changed\n") == 7 + 9 + 8
