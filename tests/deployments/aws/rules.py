"""Rules of AWS's services that neither cfn-lint, nor checkov, nor moto knows; each with where AWS says so.

A rule looks at a template (by its resources) or at a call (by botocore's names); it yields what it refuses.
`tests/deployments/aws/test_rules.py` runs the first over every template, `refusing` the second over every
call of a client.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

Template = dict[str, Any]
Check = Callable[[Template], Iterator[str]]


class Rule(NamedTuple):
    says: str
    source: str
    check: Check


class CallRule(NamedTuple):
    says: str
    source: str
    call: tuple[str, str]  # service, operation
    check: Callable[[dict[str, Any]], Iterator[str]]


def of_type(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, item in template["Resources"].items():
        if item["Type"] == kind:
            yield name, item.get("Properties", {})


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _one_topic(template: Template) -> Iterator[str]:
    for name, policy in of_type(template, "AWS::SNS::TopicPolicy"):
        if len(policy["Topics"]) != 1:
            yield f"{name} is for {len(policy['Topics'])} topics"
        for statement in policy["PolicyDocument"]["Statement"]:
            if as_list(statement["Resource"]) != policy["Topics"]:
                yield f"{name} names other topics than its own"


def _no_providers_in_a_cluster(template: Template) -> Iterator[str]:
    for name, cluster in of_type(template, "AWS::ECS::Cluster"):
        if "CapacityProviders" in cluster:
            yield f"{name} has CapacityProviders"


NAMES = {
    "BucketName",
    "RepositoryName",
    "TopicName",
    "QueueName",
    "FunctionName",
    "RoleName",
    "LogGroupName",
    "DBInstanceIdentifier",
}


def _nothing_stays_of_a_failed_creation(template: Template) -> Iterator[str]:
    for name, item in template["Resources"].items():
        named = NAMES & item.get("Properties", {}).keys()
        if item.get("DeletionPolicy") == "Retain" and (named or item["Type"] == "AWS::KMS::Key"):
            yield f"{name} is retained from a creation that failed"


def _no_limit_above_the_account_s(template: Template) -> Iterator[str]:
    for name, project in of_type(template, "AWS::CodeBuild::Project"):
        if "ConcurrentBuildLimit" in project:
            yield f"{name} asks for {project['ConcurrentBuildLimit']} builds at once"


ONE_AN_ACCOUNT = {
    "AWS::ECR::RegistryScanningConfiguration",
    "AWS::ECR::SigningConfiguration",
    "AWS::ECR::RegistryPolicy",
    "AWS::ECR::ReplicationConfiguration",
    "AWS::CodeBuild::SourceCredential",
    "AWS::IAM::ServiceLinkedRole",
    "AWS::ApiGateway::Account",
}


def _singletons_are_no_project_s(template: Template) -> Iterator[str]:
    if "Project" not in template.get("Parameters", {}):
        return
    for name, item in template["Resources"].items():
        if item["Type"] in ONE_AN_ACCOUNT:
            yield f"{name} is the account's, not a project's"


def _searches_find_something(template: Template) -> Iterator[str]:
    for name, dashboard in of_type(template, "AWS::CloudWatch::Dashboard"):
        body = dashboard["DashboardBody"]["Fn::Sub"]
        if '-\\"' in body:
            yield f"{name} searches for a name that ends with a hyphen"


def _alarms_of_a_function_are_its_alone(template: Template) -> Iterator[str]:
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm"):
        for metric in alarm.get("Metrics", []):
            found = metric.get("MetricStat", {}).get("Metric", {})
            dimensions = {one["Name"] for one in found.get("Dimensions", [])}
            if found.get("Namespace") == "Mediaflow" and "function" not in dimensions:
                yield f"{name} mixes functions, tasks and projects"
            if found.get("MetricName") == "Errors" and "Resource" not in dimensions:
                yield f"{name} counts calls of versions that are only tried"


def _failed_starts_are_told_and_cancels_are_not(template: Template) -> Iterator[str]:
    for name, rule in of_type(template, "AWS::Events::Rule"):
        pattern = rule["EventPattern"]
        detail = pattern.get("detail", {})
        if pattern.get("source") != ["aws.ecs"] or "lastStatus" not in detail:
            continue
        codes = {code for branch in detail.get("$or", []) for code in branch.get("stopCode", [])}
        if "TaskFailedToStart" not in codes:
            yield f"{name} does not hear of images that cannot be pulled"
        if not codes or "UserInitiated" in codes:
            yield f"{name} hears of tasks that somebody stopped"


def _long_calls_survive_a_nat(template: Template) -> Iterator[str]:
    for name, task in of_type(template, "AWS::ECS::TaskDefinition"):
        for container in task["ContainerDefinitions"]:
            told = {one["Name"]: one["Value"] for one in container.get("Environment", [])}
            settings = {one["Namespace"]: int(one["Value"]) for one in container.get("SystemControls", [])}
            calls = told.get("MEDIAFLOW_RUNTIME") == "aws"
            if calls and settings.get("net.ipv4.tcp_keepalive_time", 7200) >= NAT_IDLE_S:
                yield f"{name} keeps silent connections for {NAT_IDLE_S} s at most"


NAT_IDLE_S = 350
RULES = [
    Rule(
        "a policy of a topic is for that topic alone",
        "https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html "
        "(InvalidParameter: Policy statement must apply to a single resource)",
        _one_topic,
    ),
    Rule(
        "an account's first cluster has no capacity providers: ECS has no role there yet",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html",
        _no_providers_in_a_cluster,
    ),
    Rule(
        "what has a fixed name is not retained from a creation that failed",
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html "
        "(RetainExceptOnCreate)",
        _nothing_stays_of_a_failed_creation,
    ),
    Rule(
        "a project's limit of builds is not above the account's, which is 1 where it is new",
        "https://docs.aws.amazon.com/codebuild/latest/userguide/limits.html",
        _no_limit_above_the_account_s,
    ),
    Rule(
        "what an account has once in a region is in no project's stack",
        "https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutRegistryScanningConfiguration.html",
        _singletons_are_no_project_s,
    ),
    Rule(
        "a search for a value in quotes meets that value alone",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html",
        _searches_find_something,
    ),
    Rule(
        "a metric is of one thing",
        "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics.html (dimensions)",
        _alarms_of_a_function_are_its_alone,
    ),
    Rule(
        "a task that could not start has no exit code; one that was stopped by hand has one",
        "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html (stopCode)",
        _failed_starts_are_told_and_cancels_are_not,
    ),
    Rule(
        "a connection idle for 350 s is dropped by a NAT gateway",
        "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html",
        _long_calls_survive_a_nat,
    ),
]

NEW_ACCOUNT_MB = 3008


def _memory_of_a_new_account(given: dict[str, Any]) -> Iterator[str]:
    if given.get("MemorySize", 128) > NEW_ACCOUNT_MB:
        yield f"'MemorySize' value failed to satisfy constraint: at most {NEW_ACCOUNT_MB}"


def _one_topic_in_a_call(given: dict[str, Any]) -> Iterator[str]:
    if given.get("AttributeName") == "Policy":
        for statement in json.loads(given["AttributeValue"])["Statement"]:
            if as_list(statement["Resource"]) != [given["TopicArn"]]:
                yield "Invalid parameter: Policy statement must apply to a single resource"


def _no_weight_of_the_version_itself(given: dict[str, Any]) -> Iterator[str]:
    weights = given.get("RoutingConfig", {}).get("AdditionalVersionWeights", {})
    if given.get("FunctionVersion") in weights:
        yield "the version of an alias has no additional weight"


CALLS = [
    CallRule(
        "functions of a new account have 3,008 MB",
        "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html",
        ("lambda", "CreateFunction"),
        _memory_of_a_new_account,
    ),
    CallRule(
        "a policy of a topic is for that topic alone",
        "https://docs.aws.amazon.com/sns/latest/api/API_SetTopicAttributes.html",
        ("sns", "SetTopicAttributes"),
        _one_topic_in_a_call,
    ),
    CallRule(
        "an alias' weights are of other versions",
        "https://docs.aws.amazon.com/lambda/latest/api/API_AliasRoutingConfiguration.html",
        ("lambda", "UpdateAlias"),
        _no_weight_of_the_version_itself,
    ),
]


@contextmanager
def refusing(client: Any) -> Iterator[None]:
    """The client's calls are refused as the services would."""

    def look(params: dict[str, Any], model: Any, **_: Any) -> None:
        for rule in CALLS:
            if rule.call == (model.service_model.service_name, model.name):
                for fault in rule.check(params):
                    raise AssertionError(f"{model.name}: {fault} ({rule.source})")

    client.meta.events.register("provide-client-params.*", look)
    try:
        yield
    finally:
        client.meta.events.unregister("provide-client-params.*", look)
