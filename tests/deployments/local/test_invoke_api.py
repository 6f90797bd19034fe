"""What a caller sees: boto3 talks to the local endpoint as it talks to AWS Lambda."""

import base64
import time
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

LIMIT = 6_291_456  # 6 MB


def refusal(call, *arguments, **options) -> tuple[str, int, str]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **options)
    answer = caught.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Message"]


def test_an_event_goes_in_and_the_handlers_result_comes_out(call):
    event = {"text": "안녕하세요", "numbers": [1, 2.5, None, True]}
    answer = call("echo", event)
    assert answer.result == event
    assert answer.error is None
    assert answer.response["StatusCode"] == 200
    assert answer.response["ExecutedVersion"] == "$LATEST"


def test_the_handlers_context_knows_the_request_and_its_deadline(call):
    answer = call("about")
    assert answer.result["request_id"] == answer.response["ResponseMetadata"]["RequestId"]
    assert 10_000 < call("time_left").result <= 20_000  # milliseconds; the image has 20 s


def test_a_warm_worker_answers_again(call):
    first = call("about").result
    for _ in range(10):
        answer = call("about")
    assert answer.result["pid"] == first["pid"]
    assert answer.result["calls"] == first["calls"] + 10


@pytest.mark.parametrize(
    "function", ["echo", "echo:live", "arn:aws:lambda:eu-west-1:123456789012:function:echo"]
)
def test_a_function_may_be_named_by_name_alias_or_arn(call, function):
    assert call(function, 7).result == 7


def test_no_payload_is_an_empty_event(call):
    response = call.boto3.invoke(FunctionName="echo")
    assert response["Payload"].read() == b"{}"


def test_an_event_invocation_is_accepted_at_once_and_done_later(call, tmp_path):
    file = tmp_path / "lines.txt"
    answer = call("append", {"file": str(file), "line": "done"}, InvocationType="Event")
    assert answer.response["StatusCode"] == 202
    assert answer.result is None
    while not file.exists():
        time.sleep(0.02)
    assert file.read_text() == "done\n"


def test_a_dry_run_starts_nothing(open_endpoint):
    endpoint, call = open_endpoint()
    assert call("echo", InvocationType="DryRun").response["StatusCode"] == 204
    assert endpoint.peak_memory() == {}


def test_unknown_images_are_not_found(call):
    assert refusal(call, "no-such-image")[:2] == ("ResourceNotFoundException", 404)
    assert refusal(call, "no-such-image", InvocationType="DryRun")[:2] == ("ResourceNotFoundException", 404)


def test_a_payload_that_is_not_json_is_refused(call):
    def send(payload):
        call.boto3.invoke(FunctionName="echo", Payload=payload)

    for payload in (b"hello", b'{"a":', b"\xff\xfe"):
        code, status, message = refusal(send, payload)
        assert (code, status) == ("InvalidRequestContentException", 400)
        assert message.startswith("Could not parse request body into json")


def test_a_request_of_exactly_6_mb_is_taken_and_one_byte_more_is_not(call):
    envelope = len('{"text": ""}')
    assert call("length", {"text": "x" * (LIMIT - envelope)}).result == LIMIT - envelope
    code, status, message = refusal(call, "length", {"text": "x" * (LIMIT - envelope + 1)})
    assert (code, status) == ("RequestTooLargeException", 413)
    assert message == "Request must be smaller than 6291456 bytes for the InvokeFunction operation"
    assert refusal(call, "length", {"text": "x" * 60_000_000})[0] == "RequestTooLargeException"


def test_an_event_invocation_may_have_1_mb(call, tmp_path):
    event = {"file": str(tmp_path / "lines.txt"), "line": "x" * 1024 * 1024}
    assert refusal(call, "append", event, InvocationType="Event")[0] == "RequestTooLargeException"


def test_a_response_may_have_6_mb_and_lambdas_100_bytes_of_grace(call):
    assert len(call("letters", {"count": LIMIT + 98}).result) == LIMIT + 98  # and two quotation marks
    answer = call("letters", {"count": LIMIT + 99})
    assert answer.error == "Unhandled"
    assert answer.result == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size (6291557 bytes) exceeded maximum allowed payload size "
        "(6291556 bytes).",
    }
    assert len(call("letters", {"count": 5}).result) == 5


def test_the_log_tail_is_the_last_4_kb_of_this_call(call):
    call("chatter")
    tail = base64.b64decode(call("chatter", LogType="Tail").response["LogResult"]).decode()
    assert len(tail) == 4096
    assert "first words" not in tail
    assert tail.count("last words") == 1
    assert "REPORT RequestId: " in tail
    assert "LogResult" not in call("chatter").response


def test_all_that_workers_print_is_in_the_images_log(call, logs: Path, capfd):
    call("chatter")
    log = (logs / "chatter.log").read_text()
    assert log.startswith("START RequestId: ")
    assert "first words\n" in log
    assert capfd.readouterr() == ("", "")


def test_the_runtime_itself_has_nothing_to_say_on_a_good_run(open_endpoint, tmp_path):
    _, call = open_endpoint(logs=tmp_path)
    call("echo")
    lines = (tmp_path / "echo.log").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["START", "END", "REPORT"]


def test_whoever_does_not_know_the_address_is_refused(endpoint):
    address = endpoint.url.removesuffix(endpoint.secret_path)
    stranger = boto3.Session("any", "any", region_name="local").client("lambda", endpoint_url=address)
    with pytest.raises(ClientError, match="AccessDenied"):
        stranger.invoke(FunctionName="echo", Payload=b"{}")


def test_other_operations_say_so(call):
    with pytest.raises(ClientError, match="Only Invoke is spoken here"):
        call.boto3.get_function(FunctionName="echo")


def test_boto3_finds_the_endpoint_through_its_own_variable(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint.url)
    client = boto3.Session("any", "any", region_name="local").client("lambda")
    assert client.invoke(FunctionName="echo", Payload=b"[1]")["Payload"].read() == b"[1]"
