"""Whatever happens to a worker, the caller gets Lambda's error, and the next call a worker that works."""

import time

import psutil
import pytest

from deployments.local import memory


@pytest.mark.parametrize(
    ("do", "kind", "message"),
    [
        ("exit", "Runtime.ExitError", "Runtime exited with error: exit status 3"),
        ("leave", "Runtime.ExitError", "Runtime exited without providing a reason"),
        ("kill", "Runtime.ExitError", "Runtime exited with error: signal: killed"),
        ("segfault", "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
        ("hang", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
        ("spin", "Sandbox.Timedout", "Task timed out after 1.00 seconds"),
    ],
)
def test_a_worker_that_ends_or_hangs(call, do, kind, message):
    before = call("moody").result["pid"]
    answer = call("moody", {"do": do})
    assert answer.error == "Unhandled"
    request_id = answer.response["ResponseMetadata"]["RequestId"]
    assert answer.result == {"errorType": kind, "errorMessage": f"RequestId: {request_id} Error: {message}"}
    assert answer.seconds < 30  # it would have hung for a minute
    after = call("moody").result
    assert after["pid"] != before
    assert after["calls"] == 1


def test_a_worker_that_is_stopped_and_left_so_is_ended_and_replaced(open_endpoint, monkeypatch):
    monkeypatch.setattr(memory, "STOPPED_S", 0.3)
    _, call = open_endpoint()
    answer = call("hoarder", {"do": "stop"})
    assert answer.result["errorType"] == "Runtime.ExitError"
    assert answer.result["errorMessage"].endswith("killed. Somebody had stopped it and left it so.")
    idle = psutil.Process(call("hoarder").result["pid"])
    idle.suspend()
    psutil.wait_procs([idle], timeout=20)
    assert call("hoarder").result["calls"] == 1, "between two calls it is no error"


@pytest.mark.parametrize("do", ["hoard", "hoard_in_child"])
def test_a_worker_above_its_memory_limit_is_ended_and_the_limit_named(open_endpoint, do):
    endpoint, call = open_endpoint()
    call("hoarder")
    answer = call("hoarder", {"do": do})
    assert answer.result["errorType"] == "Runtime.ExitError"
    assert "signal: killed. It used " in answer.result["errorMessage"]
    assert answer.result["errorMessage"].endswith(" MB of memory and its limit is 256 MB.")
    assert endpoint.peak_memory()["hoarder"] > 256 << 20
    assert call("hoarder").result["calls"] == 1


def test_an_exception_keeps_its_type_message_and_trace_and_the_worker(call):
    before = call("moody").result
    answer = call("moody", {"do": "raise"})
    assert answer.error == "Unhandled"
    assert answer.result["errorType"] == "IndexError"
    assert answer.result["errorMessage"] == "list index out of range"
    assert "handlers.py" in answer.result["stackTrace"][0]
    assert call("moody").result["pid"] == before["pid"]


def test_after_a_response_that_is_too_large_the_image_answers_again(call):
    answer = call("moody", {"do": "oversize"})
    assert answer.result["errorType"] == "Function.ResponseSizeTooLarge"
    assert call("moody").error is None


def test_a_worker_that_dies_between_two_calls_is_replaced_without_an_error(call):
    before = call("moody", {"do": None}).result["pid"]
    call("moody", {"do": "die_later"})
    while psutil.pid_exists(before):
        time.sleep(0.02)
    assert call("moody").result["calls"] == 1


@pytest.mark.parametrize(
    ("image", "kind", "message"),
    [
        ("broken_import", "Runtime.ImportModuleError", "No module named 'no_such_library'"),
        ("no_function", "Runtime.HandlerNotFound", "Handler 'nothing_of_that_name' missing on module"),
        ("exit_at_import", "Runtime.ExitError", "exit status 7"),
        ("slow_import", "Sandbox.Timedout", "Init timed out after 1.00 seconds"),
    ],
)
def test_an_image_that_cannot_start_says_why_every_time(call, image, kind, message):
    for _ in range(2):
        answer = call(image)
        assert answer.error == "Unhandled"
        assert answer.result["errorType"] == kind
        assert message in answer.result["errorMessage"]


def test_a_failure_names_the_log_that_explains_it(call, logs):
    answer = call("exit_at_import")
    headers = answer.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-mediaflow-log"] == str(logs / "exit_at_import.log")
    assert "cannot go on\n" in (logs / "exit_at_import.log").read_text()


def test_an_exceptions_trace_is_in_the_log_line_by_line(call, logs):
    call("moody", {"do": "raise"})
    lines = (logs / "moody.log").read_text().splitlines()
    assert "[ERROR] IndexError: list index out of range" in lines
    assert "Traceback (most recent call last):" in lines


def test_a_missing_program_is_an_error_of_the_call(open_endpoint, monkeypatch):
    _, call = open_endpoint()
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(Exception, match="The worker of echo cannot be started"):
        call("echo")
    monkeypatch.undo()
    assert call("echo", 1).result == 1
