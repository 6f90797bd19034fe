"""What an account must have beside stacks: looked at in words, or made where CloudFormation cannot.

`check` reads alone. Rules and their sources: tests/deployments/aws/rules.py.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import botocore.exceptions as failures

from containers.common.image import IMAGES, image

Clients = Callable[[str], Any]  # boto3's client of a service
ECS = "ecs.amazonaws.com"
THERE_ALREADY = {"InvalidInput", "EntityAlreadyExists"}  # IAM says "has been taken in this account"
ECS_ROLE = "AWSServiceRoleForECS"
KEPT_FREE = 100  # of an account's concurrent executions Lambda lets nobody reserve the last
# Service Quotas' codes: the list of default quotas of each service.
LAMBDA_CONCURRENCY = ("lambda", "L-B99A9384")
FARGATE_VCPUS = ("fargate", "L-3032A538")
FARGATE_VCPUS_WANTED = 32  # sixteen tasks of two processors


class Finding(NamedTuple):
    """One thing that has to be so; `mend` says what to do where it is not."""

    good: bool
    text: str
    mend: str = ""

    def __str__(self) -> str:
        return f"{'ok  ' if self.good else 'MEND'} {self.text}" + (f": {self.mend}" if self.mend else "")


def make_service_role(iam: Any) -> bool:
    """The role by which ECS acts in the account; True when it was made now.

    Where a cluster is the account's first, ECS is refused its own role for a while; so it is made before.
    """
    try:
        iam.create_service_linked_role(AWSServiceName=ECS)
    except failures.ClientError as error:
        if error.response["Error"]["Code"] not in THERE_ALREADY:
            raise
        return False
    return True


def keep_secret(secrets: Any, name: str, value: str) -> str:
    """Secrets Manager holds the value under that name, whether it did before or not; returns its ARN."""
    try:
        found = secrets.describe_secret(SecretId=name)
    except failures.ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return secrets.create_secret(Name=name, SecretString=value)["ARN"]
    if secrets.get_secret_value(SecretId=name)["SecretString"] != value:
        secrets.put_secret_value(SecretId=name, SecretString=value)
    return found["ARN"]


def check(clients: Clients, project: str) -> list[Finding]:
    """What must be so before the next step of deployments/README.md. Nothing is changed."""
    looks: Iterable[Callable[[Clients, str], Finding]] = (
        _identity,
        _service_role,
        _concurrency,
        _processors,
        _scanning,
        _signing,
        _buckets,
    )
    return [_tried(look, clients, project) for look in looks]


def _tried(look: Callable[[Clients, str], Finding], clients: Clients, project: str) -> Finding:
    try:
        return look(clients, project)
    except (failures.ClientError, failures.BotoCoreError) as error:
        what = look.__name__.strip("_").replace("_", " ")
        return Finding(False, f"the {what} could not be read", str(error).rstrip("."))


def _identity(clients: Clients, project: str) -> Finding:
    sts = clients("sts")
    account, region = sts.get_caller_identity()["Account"], sts.meta.region_name
    return Finding(True, f"account {account} in {region}, project {project}")


def _service_role(clients: Clients, project: str) -> Finding:
    try:
        clients("iam").get_role(RoleName=ECS_ROLE)
    except failures.ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return Finding(False, f"there is no role {ECS_ROLE}", "`flows.stacks foundation` makes it")
    return Finding(True, f"ECS has its role {ECS_ROLE}")


def _concurrency(clients: Clients, project: str) -> Finding:
    limits = clients("lambda").get_account_settings()["AccountLimit"]
    limit, wanted = limits["ConcurrentExecutions"], sum(image(name).reserved_concurrency for name in IMAGES)
    text = f"{limit} calls of Lambda at once, of which the images reserve {wanted}"
    if limit - wanted >= KEPT_FREE:
        return Finding(True, text)
    return Finding(
        False, text, "ask Service Quotas for 1,000, or deploy `images` with --set ReservedConcurrency=0"
    )


def _processors(clients: Clients, project: str) -> Finding:
    service, code = FARGATE_VCPUS
    value = clients("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"]
    text = f"{value:.0f} processors of Fargate at once"
    if value >= FARGATE_VCPUS_WANTED:
        return Finding(True, text)
    return Finding(
        False, text, f"long media and large models wait for each other; ask for {FARGATE_VCPUS_WANTED}"
    )


def _scanning(clients: Clients, project: str) -> Finding:
    found = clients("ecr").get_registry_scanning_configuration()["scanningConfiguration"]
    kind = found.get("scanType", "none")
    patterns = [one["filter"] for rule in found.get("rules", []) for one in rule.get("repositoryFilters", [])]
    if kind == "ENHANCED" and patterns:
        return Finding(True, f"images are scanned by Inspector ({', '.join(patterns)})")
    return Finding(
        False,
        f"images are scanned {kind}, which does not say what has a fix",
        "`flows.stacks account` changes that for the whole account",
    )


def _signing(clients: Clients, project: str) -> Finding:
    try:
        found = clients("ecr").get_signing_configuration()
    except failures.ClientError as error:
        if error.response["Error"]["Code"] != "SigningConfigurationNotFoundException":
            raise
        found = {}
    if found.get("signingConfiguration", {}).get("rules"):
        return Finding(True, "what is pushed is signed")
    return Finding(
        False, "what is pushed is not signed", "`flows.stacks account`, or release with --unsigned"
    )


def _buckets(clients: Clients, project: str) -> Finding:
    """Names of buckets are the world's: another account may have taken one."""
    sts = clients("sts")
    ending = f"{sts.get_caller_identity()['Account']}-{sts.meta.region_name}"
    taken = []
    for kind in ("media", "work", "models", "access-logs"):
        try:
            clients("s3").head_bucket(Bucket=f"{project}-{kind}-{ending}")
        except failures.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 403:
                taken.append(f"{project}-{kind}-{ending}")
    if taken:
        return Finding(False, f"somebody else has the bucket {taken[0]}", "choose another --project")
    return Finding(True, "the names of the buckets are free or this account's own")
