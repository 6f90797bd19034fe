"""What an account has beside stacks: made where CloudFormation cannot, and looked at in words."""

from typing import Any

import boto3
import botocore.exceptions as failures
import pytest
from moto import mock_aws

from deployments.aws.account import check, keep_secret, make_service_role


@pytest.fixture
def account(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        yield boto3.client


def test_ecs_gets_its_role_once(account):
    assert make_service_role(account("iam")) is True
    assert make_service_role(account("iam")) is False


def test_a_secret_is_kept_whether_it_was_there_or_not(account):
    client = account("secretsmanager")
    first = keep_secret(client, "project-key", "one")
    assert keep_secret(client, "project-key", "one") == first
    assert len(client.list_secret_version_ids(SecretId="project-key")["Versions"]) == 1
    assert keep_secret(client, "project-key", "two") == first
    assert client.get_secret_value(SecretId="project-key")["SecretString"] == "two"


class Service:
    """Answers of one service; an error's code stands for a refusal."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers
        self.meta = type("Meta", (), {"region_name": "eu-central-1"})
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> Any:
            self.asked.append(name)
            answer = self._answers[name]
            if isinstance(answer, str):
                error = {"Error": {"Code": answer, "Message": f"{answer} happened."}}
                status = 403 if answer == "403" else 404
                raise failures.ClientError(error | {"ResponseMetadata": {"HTTPStatusCode": status}}, name)
            return answer

        return call


GOOD = {
    "sts": {"get_caller_identity": {"Account": "123456789012"}},
    "iam": {"get_role": {}},
    "lambda": {"get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 1000}}},
    "service-quotas": {"get_service_quota": {"Quota": {"Value": 64.0}}},
    "ecr": {
        "get_registry_scanning_configuration": {
            "scanningConfiguration": {
                "scanType": "ENHANCED",
                "rules": [{"repositoryFilters": [{"filter": "mediaflow*"}]}],
            }
        },
        "get_signing_configuration": {"signingConfiguration": {"rules": [{}]}},
    },
    "s3": {"head_bucket": "404"},
}


def checked(**changed: dict[str, Any]) -> tuple[list[str], set[str]]:
    """(sentences of what is to be mended, names of all calls) in an account that is good but for these."""
    services = {name: Service(**answers | changed.get(name, {})) for name, answers in GOOD.items()}
    findings = check(services.__getitem__, "mediaflow")
    asked = {call for service in services.values() for call in service.asked}
    return [str(finding) for finding in findings if not finding.good], asked


def test_a_good_account_has_nothing_to_mend_and_nothing_is_changed():
    mend, asked = checked()
    assert mend == []
    assert all(call.startswith(("get_", "head_", "describe_", "list_")) for call in asked)


@pytest.mark.parametrize(
    ("service", "answers", "sentence"),
    [
        ("iam", {"get_role": "NoSuchEntity"}, "MEND there is no role AWSServiceRoleForECS: `flows.stacks"),
        (
            "lambda",
            {"get_account_settings": {"AccountLimit": {"ConcurrentExecutions": 10}}},
            "MEND 10 calls of Lambda at once, of which the images reserve",
        ),
        (
            "service-quotas",
            {"get_service_quota": {"Quota": {"Value": 6.0}}},
            "MEND 6 processors of Fargate at once: long media and large models wait",
        ),
        (
            "ecr",
            {"get_registry_scanning_configuration": {"scanningConfiguration": {"scanType": "BASIC"}}},
            "MEND images are scanned BASIC, which does not say what has a fix",
        ),
        (
            "ecr",
            {"get_signing_configuration": "SigningConfigurationNotFoundException"},
            "MEND what is pushed is not signed",
        ),
        ("s3", {"head_bucket": "403"}, "MEND somebody else has the bucket mediaflow-media-123456789012-eu-"),
        ("iam", {"get_role": "AccessDenied"}, "MEND the service role could not be read"),
    ],
)
def test_what_is_to_be_mended_is_said_in_words(service, answers, sentence):
    (mend,) = checked(**{service: answers})[0]
    assert mend.startswith(sentence)
