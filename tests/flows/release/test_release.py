"""A release from push to promotion or back, against moto's server.

Stand-ins, since moto only pretends there: Invoke (moto echoes; here the good version is the project's own
handler in a local worker, the bad one cannot start), and the status of ECR's managed signing (moto has none).
Scan findings are given to moto, and its alarms are set to ring by hand: they watch no metric.
"""

import datetime
import io
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import numpy as np
import pytest
from prefect.exceptions import ParameterTypeError

from containers.common import storage
from containers.common.errors import UserError
from deployments.aws.stub import local_functions
from deployments.release.errors import ReleaseStopped
from deployments.release.function import Function
from deployments.release.ignored import ignored_names
from deployments.release.pointer import StorePointer, roll_back, switch
from deployments.release.registry import Registry
from deployments.release.watch import Smoke, run_smoke, watch_alarms
from flows.release import flow as release_flow
from flows.release.__main__ import main

NAME = "media-faiss"
BAD = "bad"  # what the image of a bad version is called here
ROLE = "arn:aws:iam::123456789012:role/lambda"


@pytest.fixture(scope="module", autouse=True)
def server(aws: str) -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness  # the whole of Prefect's server

    with prefect_test_harness(server_startup_timeout=300):
        yield


class Lambda:
    """moto's client for everything but Invoke and an alias's revision."""

    def __init__(self, moto: Any, workers: Any) -> None:
        self._moto, self._workers = moto, workers
        self.served: Counter[str] = Counter()
        self._revision = 0

    def get_alias(self, **asked: Any) -> dict[str, Any]:
        return {**self._moto.get_alias(**asked), "RevisionId": str(self._revision)}

    def update_alias(self, RevisionId: str, **changes: Any) -> None:
        """moto does not look at the revision."""
        if RevisionId != str(self._revision):
            raise self.exceptions.PreconditionFailedException({"Error": {}}, "UpdateAlias")
        self._moto.update_alias(**changes)
        self._revision += 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._moto, name)

    def invoke(self, FunctionName: str, Qualifier: str, Payload: bytes) -> dict[str, Any]:
        version = self._version(FunctionName, Qualifier)
        self.served[version] += 1
        found = self._moto.get_function(FunctionName=FunctionName, Qualifier=version)
        if BAD in found["Configuration"].get("Description", ""):
            error = {"errorType": "Runtime.ImportModuleError", "errorMessage": "No module named 'faiss'."}
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(error).encode())}
        return self._workers.invoke(FunctionName=FunctionName, Payload=Payload)

    def _version(self, name: str, qualifier: str) -> str:
        if qualifier.isdigit():
            return qualifier
        weights = Function(self._moto, name, qualifier).weights()
        return str(np.random.default_rng().choice(list(weights), p=list(weights.values())))


@pytest.fixture(scope="module")
def workers(server: None) -> Iterator[Any]:
    with local_functions("media-") as endpoint:
        session = boto3.Session("local", "local", region_name="local")
        yield session.client("lambda", endpoint_url=endpoint.url)


@pytest.fixture
def account(aws: str, workers: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """A repository with version 1.0.0, its function with the alias `live`, and an alarm."""
    httpx.post(f"{aws}/moto-api/reset", trust_env=False).raise_for_status()
    clients = {name: boto3.client(name) for name in ("ecr", "lambda", "cloudwatch", "iam")}
    clients["lambda"] = Lambda(clients["lambda"], workers)
    clients["ecr"] = Ecr(clients["ecr"])
    clients["ecr"].create_repository(repositoryName=NAME)
    role = clients["iam"].create_role(RoleName="lambda", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    push(clients, "1.0.0")
    uri = Registry(clients["ecr"], NAME).uri("1.0.0")
    clients["lambda"].create_function(
        FunctionName=NAME, PackageType="Image", Code={"ImageUri": uri}, Role=role, Publish=True
    )
    clients["lambda"].create_alias(FunctionName=NAME, Name="live", FunctionVersion="1")
    clients["cloudwatch"].put_metric_alarm(
        AlarmName=f"{NAME}-errors",
        MetricName="Errors",
        Namespace="AWS/Lambda",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    monkeypatch.setenv("MEDIAFLOW_AWS", json.dumps({"work": "s3://work/runs", "prefix": "media-"}))
    monkeypatch.setattr(release_flow, "client", lambda service, **_: clients[service])
    yield clients


class Ecr:
    """moto's client, with the answer of ECR's managed signing."""

    def __init__(self, moto: Any) -> None:
        self._moto = moto
        self.signing: list[dict[str, str]] = [
            {"signingProfileArn": "arn:aws:signer:::/signing-profiles/media", "status": "COMPLETE"}
        ]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._moto, name)

    def describe_image_signing_status(self, **image: Any) -> dict[str, Any]:
        return {"signingStatuses": self.signing}


def push(clients: dict[str, Any], tag: str, *findings: tuple[str, str]) -> None:
    """What building and pushing an image leaves in ECR; `findings` are names and severities."""
    config = {"digest": f"sha256:{abs(hash(tag)):064x}"}
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    clients["ecr"].put_image(repositoryName=NAME, imageManifest=json.dumps(manifest), imageTag=tag)
    clients["ecr"].start_image_scan(repositoryName=NAME, imageId={"imageTag": tag})
    listed = [{"name": name, "severity": severity} for name, severity in findings]
    result = {
        "repositoryName": NAME,
        "imageId": {"imageTag": tag},
        "imageScanStatus": {"status": "COMPLETE"},
        "imageScanFindings": {"findings": listed},
    }
    url = clients["ecr"].meta.endpoint_url
    httpx.post(
        f"{url}/moto-api/static/ecr/scan-finding-results", json={"results": [result]}, trust_env=False
    ).raise_for_status()


def release(tag: str, **options: Any) -> Any:
    return release_flow.release("faiss", tag, build=False, **{"watch_s": 0, **options})


def function(clients: dict[str, Any]) -> Function:
    return Function(clients["lambda"], NAME, "live")


def test_a_good_version_is_promoted_and_stable_moves_to_it(account):
    push(account, "1.1.0", ("CVE-1", "MEDIUM"))
    done = release("1.1.0")
    assert (done.version, done.function_version, done.previous, done.findings) == (
        "1.1.0",
        "2",
        "1",
        {"MEDIUM": 1},
    )
    assert function(account).weights() == {"2": 1}
    registry = Registry(account["ecr"], NAME)
    assert registry.digest("stable") == registry.digest("1.1.0")


def test_the_first_version_is_the_stacks_own_and_becomes_stable(account, monkeypatch):
    """The stack has made the function of the same image: then AWS publishes no new version (moto would)."""
    monkeypatch.setattr(Function, "publish", lambda *_: "1")
    done = release("1.0.0")
    assert (done.function_version, function(account).weights()) == ("1", {"1": 1})
    registry = Registry(account["ecr"], NAME)
    assert registry.digest("stable") == registry.digest("1.0.0")


def test_a_bad_version_fails_its_smoke_test_and_nobody_notices(account, monkeypatch):
    """Calls to the alias go on all the while: each is answered, by the old version."""
    push(account, "1.1.0")
    publish = Function.publish
    monkeypatch.setattr(Function, "publish", lambda self, uri, _: publish(self, uri, BAD))
    lost, ended = [], threading.Event()

    def go_on_calling() -> None:
        smoke = [Smoke(error="faiss refuses the request: ")]
        while not ended.is_set():
            try:
                run_smoke(account["lambda"], NAME, "live", smoke)
            except ReleaseStopped as error:
                lost.append(error)

    caller = threading.Thread(target=go_on_calling)
    caller.start()
    with pytest.raises(ReleaseStopped) as caught:
        release("1.1.0")
    time.sleep(0.3)
    ended.set()
    caller.join()
    assert str(caught.value) == (
        "media-faiss 2 was not put into use: smoke request 1 of 1 failed with "
        "Runtime.ImportModuleError: No module named 'faiss'."
    )
    assert function(account).weights() == {"1": 1}
    assert lost == []
    assert account["lambda"].served["2"] == 1, "the smoke request alone"
    assert account["lambda"].served["1"] > 5


def test_an_alarm_during_the_canary_sends_all_calls_back(account, monkeypatch):
    push(account, "1.1.0")
    seen = []
    send = Function.send

    def send_and_ring(self: Function, version: str, share: float) -> None:
        send(self, version, share)
        seen.append(self.weights())
        state = "ALARM" if share > 0.3 else "OK"
        account["cloudwatch"].set_alarm_state(
            AlarmName=f"{NAME}-errors", StateValue=state, StateReason="3 errors in a minute"
        )

    monkeypatch.setattr(Function, "send", send_and_ring)
    with pytest.raises(ReleaseStopped, match=r"^media-faiss 2 at 50% was rolled back: alarm"):
        release("1.1.0", shares=[0.1, 0.5])
    assert seen == [{"1": 0.9, "2": 0.1}, {"1": 0.5, "2": 0.5}, {"1": 1}]
    assert function(account).weights() == {"1": 1}


def test_an_alarm_that_rang_before_is_what_the_release_may_mend(account):
    push(account, "1.1.0")
    account["cloudwatch"].set_alarm_state(AlarmName=f"{NAME}-errors", StateValue="ALARM", StateReason="old")
    assert release("1.1.0").function_version == "2"
    assert function(account).current() == "2"


def test_an_alarm_that_rang_before_counts_once_it_was_silent():
    answers = iter([{"a": "old"}, {}, {"a": "new"}])
    alarms = [
        [{"AlarmName": name, "StateValue": "ALARM", "StateReason": why} for name, why in answer.items()]
        for answer in answers
    ]

    class CloudWatch:
        def get_paginator(self, _: str) -> Any:
            return self

        def paginate(self, **_: Any) -> Any:
            return [{"MetricAlarms": alarms.pop(0)}]

    with pytest.raises(ReleaseStopped, match=r"alarm a rings \(new\)"):
        watch_alarms(CloudWatch(), "a", 5, every=0.01, before=["a"], sleep=lambda _: None)


def test_a_canary_without_traffic_is_called_at_every_step(account):
    push(account, "1.1.0")
    release("1.1.0", shares=[0.1, 0.5])
    assert account["lambda"].served["2"] == 1 + 2 * 3, "tried out, then twice at two shares and at the end"


def test_findings_without_a_fix_and_those_that_are_ignored_stop_nothing(account, tmp_path):
    push(account, "1.1.0", ("CVE-1", "CRITICAL"), ("CVE-2", "CRITICAL"))
    registry = Registry(account["ecr"], NAME)
    with pytest.raises(ReleaseStopped, match="CVE-1"):
        registry.check_scan("1.1.0", "MEDIUM", {"CVE-2"})
    assert registry.check_scan("1.1.0", "MEDIUM", {"CVE-1", "CVE-2"}) == {"CRITICAL": 2}
    found = {"severity": "HIGH", "packageVulnerabilityDetails": {"vulnerabilityId": "CVE-3"}}
    registry._findings = lambda tag: [found | {"fixAvailable": "NO"}]
    assert registry.check_scan("1.1.0", "MEDIUM") == {"HIGH": 1}
    registry._findings = lambda tag: [found | {"fixAvailable": "YES"}]
    with pytest.raises(ReleaseStopped, match="CVE-3"):
        registry.check_scan("1.1.0", "MEDIUM")


def test_the_list_of_ignored_findings_ends_on_its_day(tmp_path):
    listed = tmp_path / "ignored.toml"
    listed.write_text(
        '[[finding]]\nname = "CVE-1"\nreason = "never reached here"\nuntil = 2026-11-30\nimages = ["faiss"]\n'
    )
    day = datetime.date(2026, 11, 30)
    assert ignored_names("faiss", listed, day) == {"CVE-1"}
    assert ignored_names("facenet", listed, day) == set()
    assert ignored_names("faiss", listed, day + datetime.timedelta(1)) == set()
    assert ignored_names("faiss") is not None, "the project's own list is sound"


def test_an_alarm_after_promotion_puts_the_version_before_back(account, monkeypatch):
    push(account, "1.1.0")
    ring = {"StateValue": "ALARM", "StateReason": "slow"}
    point_to = Function.point_to

    def point_and_ring(self: Function, version: str, previous: str | None) -> None:
        point_to(self, version, previous)
        account["cloudwatch"].set_alarm_state(AlarmName=f"{NAME}-errors", **ring)

    monkeypatch.setattr(Function, "point_to", point_and_ring)
    with pytest.raises(ReleaseStopped, match=r"^media-faiss 2 failed its check, 1 is in use again: alarm"):
        release("1.1.0")
    assert (function(account).current(), function(account).previous()) == ("1", None)


def test_findings_above_the_severity_stop_it_with_their_list(account):
    push(account, "1.1.0", ("CVE-2", "HIGH"), ("CVE-1", "CRITICAL"), ("CVE-3", "LOW"))
    with pytest.raises(ReleaseStopped) as caught:
        release("1.1.0")
    assert str(caught.value) == "The scan of media-faiss:1.1.0 found CVE-1 (CRITICAL), CVE-2 (HIGH)."
    assert function(account).weights() == {"1": 1}
    assert release("1.1.0", worst="critical").function_version == "2"


def test_without_a_signature_it_stops(account):
    push(account, "1.1.0")
    account["ecr"].signing = []
    with pytest.raises(ReleaseStopped, match=r"1\.1\.0 is not signed: no signing rule matches it"):
        release("1.1.0")
    assert release("1.1.0", signed=False).function_version == "2"


def test_rolled_back_by_hand_in_one_call(account, capsys):
    push(account, "1.1.0")
    release("1.1.0")
    assert main(["faiss", "--rollback"]) == 0
    assert capsys.readouterr().out == "faiss: 1 is in use again.\n"
    registry = Registry(account["ecr"], NAME)
    assert function(account).weights() == {"1": 1}
    assert registry.digest("stable") == registry.digest("1.0.0")
    assert main(["faiss", "--rollback"]) == 0, "and forth again"
    assert function(account).current() == "2"


def test_two_releases_at_once_do_not_overwrite_each_other(account):
    push(account, "1.1.0")
    slow = function(account)
    alias = slow._alias()
    version = slow.publish(Registry(account["ecr"], NAME).uri("1.1.0"), "1.1.0")
    function(account).send(version, 0.1)
    with pytest.raises(ReleaseStopped, match="Somebody else changed media-faiss:live meanwhile"):
        slow._update(alias, FunctionVersion=version)


def test_versions_are_semantic_and_grow(account):
    registry = Registry(account["ecr"], NAME)
    push(account, "1.10.0")
    assert [registry.next_version(step) for step in ("major", "minor", "patch")] == [
        "2.0.0",
        "1.11.0",
        "1.10.1",
    ]
    for wrong, sentence in [("1.9.0", "would not be newer"), ("latest", "no semantic version")]:
        with pytest.raises(ReleaseStopped, match=sentence):
            registry.next_version(wrong)


def test_a_build_that_fails_is_one_sentence(account, monkeypatch):
    monkeypatch.setattr(release_flow, "BUILD", ("sh", "-c", "echo no space left; exit 3"))
    with pytest.raises(ReleaseStopped, match=r"^Building faiss 1\.0\.1 failed: no space left\.$"):
        release_flow.release("faiss", "patch")


def test_what_a_form_says_is_no_command(account, tmp_path):
    """`build` was one once: whoever reached the server ran it on the worker's machine."""
    with pytest.raises(ParameterTypeError):
        release_flow.release("faiss", "patch", build=f"touch {tmp_path / 'here'}")
    with pytest.raises(ReleaseStopped, match="no semantic version"):
        release_flow.release("faiss", f"1.0.1 $(touch {tmp_path / 'here'})")
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize("store", ["s3://media/store", "file"])
def test_a_stores_pointer_goes_by_the_same_rules(store, bucket, tmp_path):
    uri = tmp_path.as_uri() if store == "file" else store
    for version in ("v1", "v2"):
        storage.write_bytes(f"{uri}/{version}/model.bin", version.encode())
    pointer = StorePointer("the model store", uri)
    switch(pointer, "v1", lambda: None)

    def damaged() -> None:
        raise UserError("model.bin does not match its SHA-256.")

    with pytest.raises(ReleaseStopped, match=r"^the model store v2 failed its check, v1 is in use again"):
        switch(pointer, "v2", damaged)
    assert (pointer.current(), pointer.previous()) == ("v1", None)
    with pytest.raises(UserError, match="has no version before"):
        roll_back(pointer)
    switch(pointer, "v2", lambda: None)
    assert (roll_back(pointer), pointer.current()) == ("v1", "v1")
    with pytest.raises(UserError, match="has no version v3"):
        switch(pointer, "v3", lambda: None)
