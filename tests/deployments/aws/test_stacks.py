"""The templates: what cfn-lint and checkov say of them, and that they say what the images' settings say."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml

from containers.common.image import IMAGES, image
from deployments.aws.deploy import STACKS
from deployments.aws.parameters import parameters
from deployments.aws.settings import AwsSettings

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / ".tools/aws/bin"
TEMPLATES = sorted(STACKS.glob("*.yaml"))
# What has no ARN that a role could name; everything else is named (service authorization reference).
NAMELESS = {
    "ecr:GetAuthorizationToken",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",  # held to the cluster by a condition
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def read(path: Path) -> dict[str, Any]:
    return json.loads(json.dumps(cfn_yaml.load(str(path))))


def resources(kind: str, path: Path) -> dict[str, dict[str, Any]]:
    found = read(path)["Resources"]
    return {name: item["Properties"] for name, item in found.items() if item["Type"] == kind}


def test_cfn_lint_finds_nothing():
    command = [Path(sys.executable).with_name("cfn-lint"), *TEMPLATES]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.slow
@pytest.mark.skipif(not (TOOLS / "checkov").exists(), reason="`make .tools/aws/.synced` installs checkov")
def test_checkov_finds_nothing_and_every_exception_is_needed_and_says_why():
    command = [TOOLS / "checkov", "--directory", STACKS, "--framework", "cloudformation"]
    command += ["--skip-download", "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    found = json.loads(done.stdout)
    assert found["summary"]["failed"] == found["summary"]["parsing_errors"] == 0, done.stdout
    assert found["summary"]["passed"] > 100
    excepted = {
        (path.name, name, skip["id"])
        for path in TEMPLATES
        for name, item in read(path)["Resources"].items()
        for skip in item.get("Metadata", {}).get("checkov", {}).get("skip", [])
        if len(skip["comment"].split()) >= 8
    }
    skipped = {
        (Path(check["file_path"]).name, check["resource"].split(".")[1], check["check_id"])
        for check in found["results"].get("skipped_checks", [])
    }
    assert skipped == excepted


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_roles_name_what_they_may_do_and_to_what(path):
    inline = [
        policy["PolicyDocument"]
        for role in resources("AWS::IAM::Role", path).values()
        for policy in role.get("Policies", [])
    ]
    inline += [policy["PolicyDocument"] for policy in resources("AWS::IAM::RolePolicy", path).values()]
    for statement in (statement for document in inline for statement in document["Statement"]):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert not any("*" in action for action in actions), statement
        if statement["Resource"] == "*":
            assert set(actions) <= NAMELESS, statement


def test_every_bucket_is_encrypted_versioned_private_and_refuses_what_is_not_tls():
    path = STACKS / "buckets.yaml"
    buckets = resources("AWS::S3::Bucket", path)
    for bucket in buckets.values():
        assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    closed = set()
    for policy in resources("AWS::S3::BucketPolicy", path).values():
        first = policy["PolicyDocument"]["Statement"][0]
        assert (first["Effect"], first["Action"], first["Principal"]) == ("Deny", "s3:*", "*")
        assert first["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        closed.add(policy["Bucket"]["Ref"])
    assert closed == set(buckets)


def test_the_templates_know_every_image():
    for name in ("image", "repository"):
        allowed = read(STACKS / f"{name}.yaml")["Parameters"]["Image"]["AllowedPattern"]
        assert all(re.fullmatch(allowed, image) for image in (*IMAGES, "flows"))
    policies = resources("AWS::IAM::Role", STACKS / "flows.yaml")["FlowRole"]["Policies"]
    called, started, passed = (policies[0]["PolicyDocument"]["Statement"][number] for number in (0, 1, 4))
    for statement, names in ((called, "*:live"), (started, "*:*"), (passed, "images/*")):
        (arn,) = statement["Resource"]
        assert arn["Fn::Sub"].endswith("${Project}-" + names)
    roles = resources("AWS::IAM::Role", STACKS / "image.yaml").values()
    paths = {role["Path"]["Fn::Sub"] for role in roles}
    assert paths == {"/${Project}-images/"}, "these roles alone may be handed to a task"


@pytest.mark.parametrize("name", IMAGES)
def test_what_an_image_says_of_itself_is_what_its_stack_gets(name):
    settings, given = image(name), parameters(name)
    declared = read(STACKS / "image.yaml")["Parameters"]
    assert set(given) == {
        key for key, value in declared.items() if "Default" not in value and key != "Version"
    }
    assert (given["MemoryMb"], given["TimeoutS"]) == (settings.function_mb, settings.timeout_s)
    assert given["StorageMb"] == settings.storage_mb
    assert given["TaskMemoryMb"] >= settings.memory_mb
    assert AwsSettings(work="s3://w").limit(name) == given["ReservedConcurrency"], "callers ask for no more"


def test_a_functions_dead_letters_and_logs_have_their_places():
    """moto's CloudFormation passes these over."""
    (function,) = resources("AWS::Lambda::Function", STACKS / "image.yaml").values()
    assert function["DeadLetterConfig"]["TargetArn"]["Fn::ImportValue"]["Fn::Sub"].endswith(
        "dead-letters-arn"
    )
    assert function["LoggingConfig"]["LogFormat"] == "Text", "callers read billed time from the report's text"
    (task,) = resources("AWS::ECS::TaskDefinition", STACKS / "image.yaml").values()
    assert task["Cpu"] == {"Ref": "TaskCpu"}
    (repository,) = resources("AWS::ECR::Repository", STACKS / "repository.yaml").values()
    assert repository["ImageScanningConfiguration"] == {"ScanOnPush": True}
    movable = {
        rule["ImageTagMutabilityExclusionFilterValue"]
        for rule in repository["ImageTagMutabilityExclusionFilters"]
    }
    assert movable == {"latest", "stable", "cache"}


def test_what_fits_an_account_is_not_passed():
    """1,000 calls at once are an account's first quota, of which Lambda keeps 100 for everything else."""
    assert sum(image(name).reserved_concurrency for name in IMAGES) <= 900


def test_a_release_watches_the_alarms_of_its_function():
    alarms = resources("AWS::CloudWatch::Alarm", STACKS / "image.yaml")
    names = {alarm["AlarmName"]["Fn::Sub"].removeprefix("${Project}-${Image}-") for alarm in alarms.values()}
    assert names == {"errors", "duration", "throttles", "memory", "task-memory", "task-processor"}
    assert all(alarm["AlarmActions"] for alarm in alarms.values())


def test_changing_a_setting_does_not_move_the_alias():
    """CloudFormation would point it to the first version again, whatever was released since."""
    template = read(STACKS / "image.yaml")["Resources"]
    assert set(template["Alias"]["Properties"]) == {"FunctionName", "Name", "FunctionVersion"}
    assert set(template["FirstVersion"]["Properties"]) == {"FunctionName"}
