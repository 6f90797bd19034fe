"""A task calls an image: request in, typed answer out, and one sentence when it cannot be."""

import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

import pytest

from containers.common.contract import Answer, Contract, Request
from containers.common.errors import MediaError, UserError
from containers.common.image import Image
from deployments.local import LocalEndpoint
from tasks.calls.invoke import ImageError, ImageKilled, _client, _function_error, gated, invoke


class Count(Contract):
    text: str
    letters: int
    pid: int


class CountRequest(Request):
    text: str
    seconds: float = 0


ROOT = Path(__file__).parents[1] / "images"
COUNTER = Image(name="counter", handler="sample.handler", memory_mb=512, timeout_s=20)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory):
    images = {"counter": COUNTER, "prod-counter": COUNTER}
    logs = tmp_path_factory.mktemp("logs")
    with LocalEndpoint(images.__getitem__, root=ROOT, logs=logs) as running:
        yield running


@pytest.fixture(autouse=True)
def address(endpoint, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", endpoint.url)


def count(text, **options) -> Answer[Count]:
    return invoke("counter", CountRequest(text=text, **options), Count)


def test_the_answer_holds_a_typed_result():
    answer = count("four")
    assert isinstance(answer.result, Count)
    assert answer.result.letters == 4
    assert answer.compute_seconds >= 0


def test_a_result_in_storage_is_read_from_there(tmp_path):
    uri = (tmp_path / "count.json").as_uri()
    answer = count("four", result_uri=uri)
    assert answer.result_uri == uri
    assert answer.result == Count.model_validate_json((tmp_path / "count.json").read_bytes())


def test_text_of_any_script_survives():
    assert count("한국어 ñ 🎬").result.text == "한국어 ñ 🎬"


def test_a_users_mistake_keeps_its_type_and_its_sentence():
    with pytest.raises(MediaError) as caught:
        count("broken")
    assert str(caught.value) == "cut.mp4 has no audio."


def test_a_request_the_image_refuses_is_one_sentence():
    class Wrong(Request):
        txet: str = "four"

    with pytest.raises(UserError, match=r"^counter refuses the request: text: Field required\.$"):
        invoke("counter", Wrong(), Count)


def test_a_defect_names_the_image_what_happened_and_the_log(endpoint):
    log = endpoint.logs / "counter.log"
    with pytest.raises(ImageError) as caught:
        count("defect")
    expected = f"Image 'counter' failed: division by zero (ZeroDivisionError). Its log is {log}."
    assert str(caught.value) == expected


def test_a_crash_is_one_error_and_the_next_call_works():
    with pytest.raises(
        ImageError, match=r"failed: Runtime exited with error: exit status 1 \(Runtime\.ExitError\)\."
    ):
        count("crash")
    assert count("four").result.letters == 4


def test_an_image_that_is_not_there(endpoint):
    with pytest.raises(ImageError, match=r"^There is no image 'nothing' at http://127"):
        invoke("nothing", CountRequest(text=""), Count)


def test_a_request_above_6_mb():
    with pytest.raises(ImageError, match="refuses the call: Request must be smaller than 6291456 bytes"):
        count("x" * 6_300_000)


def test_an_address_where_nothing_answers(monkeypatch):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(
            ImageError, match=rf"^Image 'counter' cannot be reached: nothing answers at {url}"
        ):
            invoke("counter", CountRequest(text=""), Count, endpoint_url=url)


def test_an_endpoint_that_ends_during_the_call_is_one_sentence():
    with LocalEndpoint({"counter": COUNTER}.__getitem__, root=ROOT) as other:
        request = CountRequest(text="four", seconds=15)
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(invoke, "counter", request, Count, endpoint_url=other.url)
            while not other.peak_memory().get("counter"):
                time.sleep(0.05)
            other.__exit__()
            with pytest.raises(ImageError, match="Image 'counter'"):
                running.result()


def test_many_threads_share_the_client():
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda number: count("x" * number), range(48)))
    assert [answer.result.letters for answer in answers] == list(range(48))
    assert len({answer.result.pid for answer in answers}) == 1


def test_a_gate_lets_so_many_calls_through_at_once():
    free, inside, most = threading.Semaphore(2), [], []

    @contextmanager
    def gate(image):
        with free:
            inside.append(image)
            most.append(len(inside))
            yield
            inside.pop()

    with gated(gate), ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(copy_context().run, count, "four") for _ in range(8)]
        assert [call.result().result.letters for call in calls] == [4] * 8
    assert max(most) == 2 and len(most) == 8
    count("four")
    assert len(most) == 8, "outside the block there is no gate"


def test_functions_may_have_a_prefix(monkeypatch):
    monkeypatch.setenv("MEDIAFLOW_FUNCTION_PREFIX", "prod-")
    assert count("four").result.letters == 4


def test_on_aws_the_reply_is_awaited_as_long_as_the_image_may_take(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setattr("tasks.calls.invoke.settings", lambda name: COUNTER)
    remote = _client("https://lambda.eu-west-1.amazonaws.com", "counter").meta.config
    assert remote.read_timeout == 80
    assert remote.retries["total_max_attempts"] == 1


def test_importing_costs_no_boto3():
    code = "import sys, tasks.calls.invoke; print({'boto3', 'prefect', 'torch'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout == "set()\n"


@pytest.mark.parametrize(
    ("said", "log", "kind"),
    [
        ("signal: killed", "/tmp/tagger.log", ImageKilled),
        ("signal: terminated", "/tmp/tagger.log", ImageKilled),
        ("signal: aborted", "/tmp/tagger.log", ImageError),
        ("signal: killed. It used 9 MB of memory and its limit is 8 MB.", "/tmp/tagger.log", ImageError),
        ("signal: killed", "CloudWatch's /aws/lambda/tagger", ImageError),
    ],
)
def test_only_who_was_ended_from_outside_is_worth_another_call(said: str, log: str, kind: type) -> None:
    message = f"RequestId: 1 Error: Runtime exited with error: {said}"
    assert type(_function_error("tagger", "Runtime.ExitError", message, log)) is kind
