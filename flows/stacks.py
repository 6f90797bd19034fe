"""`python -m flows.stacks STACK...` puts the templates of deployments/aws/stacks into an AWS account.

A stack that is there already is changed, or left alone when nothing is new: a command may be repeated.
`check` says in words what the account still lacks, and changes nothing. `settings` prints what the Prefect
variable `mediaflow_aws` has to hold, `work-pool` the base job template of the account's ECS work pool;
`api-key` keeps PREFECT_API_KEY in Secrets Manager and prints where.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import boto3
import botocore.exceptions as failures

from containers.common.errors import UserError
from containers.common.image import IMAGES
from deployments.aws.account import check, keep_secret, make_service_role
from deployments.aws.deploy import STACKS, Account
from deployments.aws.parameters import parameters

CREDENTIALS = "MEDIAFLOW_AWS_CREDENTIALS"
PER_IMAGE = {"repositories": "repository", "images": "image"}
ONE_AN_ACCOUNT = {"account": "mediaflow-account"}  # the stack's name, whatever the project's
PRINTED = ("settings", "work-pool", "api-key", "check")
NAMES = [*sorted({path.stem for path in STACKS.glob("*.yaml")} - set(PER_IMAGE.values())), *PER_IMAGE]


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 all is as the templates say, 1 a stack failed, 2 wrong usage."""
    parser = _parser()
    chosen = parser.parse_args(arguments)
    values = dict(text.split("=", 1) for text in chosen.set if "=" in text)
    if len(values) < len(chosen.set):
        parser.error("--set wants NAME=VALUE")
    try:
        account = Account(_client("cloudformation"), chosen.project, chosen.look)
        if set(chosen.stacks) & set(PRINTED):
            if len(chosen.stacks) > 1:
                parser.error(f"{', '.join(PRINTED)} stand alone")
            return _print(chosen.stacks[0], account)
        _refuse_unknown(account, chosen.stacks, values)
        for stack in chosen.stacks:
            if stack == "foundation" and make_service_role(_client("iam")):
                print("ECS's role in this account: made", flush=True)
            for name, template, own in _plan(account, stack, chosen.image):
                print(f"{name}: {account.deploy(template, name, own | values)}", flush=True)
    except (UserError, failures.ClientError, failures.BotoCoreError) as error:
        print(str(error), file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.stacks", description="Put the stacks into the AWS account, or change them."
    )
    choices = [*NAMES, *PRINTED]
    parser.add_argument("stacks", nargs="+", choices=choices, metavar="STACK", help=", ".join(choices))
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the templates"
    )
    parser.add_argument(
        "--image", action="append", choices=IMAGES, help="of `repositories` and `images`: these alone (all)"
    )
    parser.add_argument("--project", default="mediaflow", help="first part of every name (%(default)s)")
    parser.add_argument("--look", type=float, default=5, help="seconds between looks (%(default)s)")
    return parser


def _print(what: str, account: Account) -> int:
    if what == "check":
        findings = check(_client, account.project)
        print(*findings, sep="\n")
        return 0 if all(finding.good for finding in findings) else 1
    print({"settings": _settings, "work-pool": _work_pool, "api-key": _api_key}[what](account))
    return 0


def _api_key(account: Account) -> str:
    key = os.environ.get("PREFECT_API_KEY")
    if not key:
        raise UserError("PREFECT_API_KEY is not set: it is the key that the secret is to hold.")
    return keep_secret(_client("secretsmanager"), f"{account.project}-prefect-api-key", key)


def _client(service: str) -> Any:
    """By prefect-aws's block where one is named; Prefect, which takes seconds to load, is left alone else."""
    if not os.environ.get(CREDENTIALS):
        return boto3.client(service)
    from flows.runs.aws import client

    return client(service)


def _plan(account: Account, stack: str, images: list[str] | None) -> list[tuple[str, str, dict[str, Any]]]:
    """(stack's name, template, parameters that are known) for what a word of the command means."""
    project = account.project
    if stack == "repositories":
        names = images or [*IMAGES, "flows"]
        return [(f"{project}-repository-{_dashed(name)}", "repository", {"Image": name}) for name in names]
    if stack == "images":
        return [(f"{project}-{_dashed(name)}", "image", dict(parameters(name))) for name in images or IMAGES]
    if stack == "build":
        return [(f"{project}-{stack}", stack, {"Images": ",".join([*IMAGES, "flows"])})]
    if stack in ONE_AN_ACCOUNT:
        return [(ONE_AN_ACCOUNT[stack], stack, {})]
    if stack == "dashboard":
        return [(f"{project}-{stack}", stack, {"Functions": _any_of(f"{project}-{name}" for name in IMAGES)})]
    known = account.outputs(f"{project}-network") if stack == "flows" else {}
    own = {name: known[name] for name in ("Subnets", "SecurityGroup") if name in known}
    return [(f"{project}-{stack}", stack, own)]


def _any_of(names: Iterable[str]) -> str:
    """As a search of CloudWatch's wants them inside JSON: a name in quotes is met exactly."""
    return " OR ".join(f'\\"{name}\\"' for name in names)


def _dashed(image: str) -> str:
    return image.replace("_", "-")  # stacks' names have no underscores


def _refuse_unknown(account: Account, stacks: list[str], values: dict[str, str]) -> None:
    known = {name for stack in stacks for name in account.parameters(PER_IMAGE.get(stack, stack))}
    if wrong := sorted(values.keys() - known):
        raise UserError(f"No template has a parameter {wrong[0]}; there are {', '.join(sorted(known))}.")


def _settings(account: Account) -> str:
    found = account.outputs(f"{account.project}-network").get("Settings")
    if not found:
        raise UserError(
            "There is no stack `network` to read the settings from; deploy it or write them yourself."
        )
    return found


def _work_pool(account: Account) -> str:
    """prefect-aws's own template, with the account's task definition, network and secret put in.

    The task definition is CloudFormation's, so that the worker needs no right to make others; the API's key
    stays in its secret and out of each task's description.
    """
    found = account.outputs(f"{account.project}-flows")
    if not found:
        raise UserError("There is no stack `flows` whose tasks a work pool could start; deploy it first.")
    from prefect_aws.workers.ecs_worker import ECSWorker

    template = ECSWorker.get_default_base_job_template()
    template["job_configuration"]["task_run_request"]["networkConfiguration"] = {
        "awsvpcConfiguration": {
            "subnets": found["Subnets"].split(","),
            "securityGroups": [found["SecurityGroup"]],
            "assignPublicIp": "ENABLED",
        }
    }
    defaults = {
        "task_definition_arn": found["TaskDefinition"],
        "cluster": account.project,
        "container_name": "prefect",
        "prefect_api_key_secret_arn": found["ApiKeySecret"],
    }
    for name, value in defaults.items():
        template["variables"]["properties"][name]["default"] = value
    return json.dumps(template, indent=1)


if __name__ == "__main__":
    sys.exit(main())
