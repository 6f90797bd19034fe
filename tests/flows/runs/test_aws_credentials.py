"""The block of credentials is used for everything that a run asks of AWS, what is sent to the images too."""

import pytest
from prefect_aws import AwsCredentials

from containers.common import s3, storage
from flows.runs import aws


@pytest.fixture
def block(monkeypatch):
    made = AwsCredentials(aws_access_key_id="OWN", aws_secret_access_key="secret", region_name="eu-central-1")
    monkeypatch.setattr(AwsCredentials, "load", lambda name: made)
    monkeypatch.setenv("MEDIAFLOW_AWS_CREDENTIALS", "media")
    monkeypatch.setenv("MEDIAFLOW_AWS", '{"work": "s3://work/runs"}')
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "MACHINE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    for cached in (aws._credentials, aws._functions, aws._ecs):
        cached.cache_clear()
    yield made
    s3.use_s3(None)
    for cached in (aws._credentials, aws._functions, aws._ecs):
        cached.cache_clear()


def test_media_travel_by_the_same_keys_as_calls(block):
    endpoint = aws.endpoint(60, "run")
    clients = (endpoint._functions._client, endpoint._tasks._client, storage._s3())
    assert {client._request_signer._credentials.access_key for client in clients} == {"OWN"}
