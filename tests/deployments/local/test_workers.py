"""Workers: how many, for whom, how long, and with what around them."""

import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from containers.common.image import CONTAINERS, Image
from containers.common.models.store_cache import cache_folder
from deployments.local.call import Call


def test_twenty_calls_at_once_are_each_answered_once(open_endpoint, tmp_path):
    _, call = open_endpoint()
    file = tmp_path / "lines.txt"
    events = [{"file": str(file), "line": number} for number in range(20)]
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda event: call("append", event), events))
    assert all(answer.error is None for answer in answers)
    assert sorted(int(line) for line in file.read_text().splitlines()) == list(range(20))


def test_first_come_first_served(open_endpoint, tmp_path):
    endpoint, _ = open_endpoint()
    file = tmp_path / "lines.txt"
    for number in range(8):
        event = {"file": str(file), "line": number}
        last = endpoint.submit("append", Call(json.dumps(event).encode()))
    last.result()
    assert [int(line) for line in file.read_text().splitlines()] == list(range(8))


def test_an_image_may_have_several_workers(open_endpoint, tmp_path):
    _, call = open_endpoint(workers={"meet": 2})
    place = tmp_path / "place"
    place.mkdir()
    event = {"folder": str(place), "count": 2}
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: call("meet", event).result, range(2)))
    assert sorted(answers) == sorted(int(path.name) for path in place.iterdir())


def test_one_caller_stays_with_the_warm_worker(open_endpoint):
    _, call = open_endpoint(workers={"about": 3})
    assert [call("about").result["calls"] for _ in range(4)] == [1, 2, 3, 4]


def test_different_images_work_at_the_same_time(open_endpoint, tmp_path):
    _, call = open_endpoint()
    place = tmp_path / "place"
    place.mkdir()
    with ThreadPoolExecutor(1) as threads:
        waits = threads.submit(call, "meet", {"folder": str(place), "count": 2})
        call("append", {"file": str(place / "another"), "line": 1})
        assert waits.result().result


def test_prewarming_starts_a_worker_before_the_first_call(open_endpoint, tmp_path):
    endpoint, call = open_endpoint()
    endpoint.prewarm(["about", "broken_import"])
    while endpoint.peak_memory()["about"] == 0:
        time.sleep(0.05)
    assert call("about").result["calls"] == 1
    assert call("broken_import").result["errorType"] == "Runtime.ImportModuleError"


def test_an_idle_worker_is_ended_and_the_next_call_gets_a_new_one(open_endpoint, gone):
    _, call = open_endpoint(idle_s=0.3)
    first = call("about").result
    assert gone([first["pid"]])
    assert call("about").result["calls"] == 1


def test_two_endpoints_do_not_disturb_each_other(open_endpoint):
    (one, call_one), (_two, call_two) = open_endpoint(), open_endpoint()
    pids = {call("about").result["pid"] for call in (call_one, call_two)}
    assert len(pids) == 2
    one.__exit__()
    assert call_two("about").result["calls"] == 2


def test_memory_is_measured_per_image_and_together(open_endpoint):
    endpoint, call = open_endpoint()
    call("echo")
    call("sleep", {"seconds": 0.5})
    peaks = endpoint.peak_memory()
    assert set(peaks) == {"echo", "sleep"}
    assert all(5 << 20 < peak < 100 << 20 for peak in peaks.values())
    assert max(peaks.values()) < endpoint.peak_memory_together() <= sum(peaks.values()) + (1 << 20)


def test_workers_see_what_they_need_of_the_users_environment_and_no_more(open_endpoint, monkeypatch):
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    monkeypatch.setenv("COLOUR", "of the user")
    monkeypatch.setenv("MEDIAFLOW_MODELS", "/models")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9000")
    registries = {"PIP_CERT": "/ca.pem", "npm_config_registry": "https://npm.example", "HF_ENDPOINT": "hub"}
    for name, value in registries.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "the function we run in")
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.13")
    _, call = open_endpoint()
    seen = call("environment").result
    assert "GITHUB_TOKEN" not in seen
    assert "AWS_EXECUTION_ENV" not in seen
    assert seen["MEDIAFLOW_MODELS"] == "/models"
    assert seen["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:9000"
    assert registries.items() <= seen.items(), "where models come from"
    assert seen["MEDIAFLOW_MODEL_CACHE"] == str(cache_folder()) != seen["TMPDIR"]
    assert seen["COLOUR"] == "of the image"
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "environment"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["_HANDLER"] == "handlers.environment"


def test_temporary_files_go_with_their_worker(open_endpoint):
    endpoint, call = open_endpoint()
    file = Path(call("scratch").result)
    assert file.exists()
    endpoint.__exit__()
    assert not file.parent.exists()


def test_a_handler_cannot_swallow_the_pipe_that_keeps_it_alive(call):
    assert call("read_input").result == ""


@pytest.mark.parametrize(
    ("event", "kept"), [(None, False), ({"do": "mistake"}, False), ({"do": "raise"}, True)]
)
def test_temporary_logs_stay_only_when_they_explain_something(open_endpoint, event, kept):
    endpoint, call = open_endpoint(logs=None)
    call("moody", event)
    endpoint.__exit__()
    assert endpoint.logs.exists() is kept
    shutil.rmtree(endpoint.logs, ignore_errors=True)


def test_awslambdaric_without_its_native_client(open_endpoint, tmp_path):
    """As on macOS: `runtime_client` cannot be imported and plain HTTP stands in."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['runtime_client'] = None")
    (tmp_path / "plain.py").write_text(
        "import sys\n"
        "def handler(event, context):\n"
        "    kind = type(sys.modules['runtime_client']).__name__\n"
        "    return [kind, event['text'], context.get_remaining_time_in_millis() > 0]\n"
    )
    settings = Image(
        name="plain",
        handler="plain.handler",
        memory_mb=256,
        timeout_s=5,
        environment={"PYTHONPATH": str(tmp_path)},
    )
    _, call = open_endpoint(images={"plain": settings}.__getitem__, root=tmp_path)
    assert call("plain", {"text": "é"}).result == ["PlainClient", "é", True]
    assert call("plain", {}).result["errorType"] == "KeyError"
    assert call("plain", {"text": 1}).result == ["PlainClient", 1, True]


def test_a_node_image_is_served_by_its_own_bootstrap(open_endpoint, tmp_path):
    folder = tmp_path / "containers" / "sample"
    folder.mkdir(parents=True)
    shutil.copy(CONTAINERS / "faceapi" / "bootstrap.mjs", folder)
    (folder / "app.mjs").write_text(
        "export async function handler(event) {\n"
        "  if (event.fail) throw new RangeError('too far');\n"
        "  return { node: process.version, event };\n"
        "}\n"
    )
    settings = Image(name="sample", runtime="node", handler="app.handler", memory_mb=512, timeout_s=5)
    _, call = open_endpoint(images={"sample": settings}.__getitem__, root=tmp_path)
    assert call("sample", {"a": "é"}).result["event"] == {"a": "é"}
    error = call("sample", {"fail": True}).result
    assert (error["errorType"], error["errorMessage"]) == ("RangeError", "too far")
    assert call("sample", {}).result["node"].startswith("v")
