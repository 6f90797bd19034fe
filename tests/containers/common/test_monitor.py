"""What one call leaves behind on standard error: a log line and a line of metrics, and no secret."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from containers.common.runtime.log import readable_size

ROOT = Path(__file__).parents[3]
SIGNED = "https://b.s3.amazonaws.com/talk.mp4?X-Amz-Signature=5d672d79c15b13162d9279b0855cfba6"
TOKEN, SPOKEN = "hf_tokenthatnobodymaysee", "the merger is announced on Friday"

# An image: reads what it is told to, hears two seconds, and fails when it is asked to.
IMAGE = f"""
import sys, json
from types import SimpleNamespace
from pydantic import Field
from containers.common import storage
from containers.common.contract import Contract, ModelRef, Request
from containers.common.errors import UserError
from containers.common.runtime.handler import make_handler

class Ask(Request):
    audio: str
    prompt: str = ""
    fail: str = ""

class Told(Contract):
    text: str

def serve(request, stopwatch):
    stopwatch.used(ModelRef(id="a-model", revision="1", sha256="0"))
    stopwatch.loaded(0.5)
    stopwatch.covered(2)
    if request.fail:
        kind = {{"mine": UserError, "defect": ValueError}}[request.fail]
        raise kind(f"{{request.audio}} with {TOKEN} is wrong")
    storage.read_bytes(request.audio)
    return Told(text={SPOKEN!r})

handler = make_handler("sample", Ask, serve)
for event in json.loads(sys.argv[1]):
    try:
        handler(event, SimpleNamespace(aws_request_id="request-1"))
    except Exception as error:
        print(json.dumps({{"raised": type(error).__name__, "text": str(error)}}), file=sys.stderr)
"""


def calls(*events: dict[str, Any]) -> list[dict[str, Any]]:
    """Everything that was printed by one process that served the events."""
    command = [sys.executable, "-c", IMAGE, json.dumps(events)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "Signature" not in done.stderr
    assert TOKEN not in done.stderr
    assert SPOKEN not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def metrics_of(line: dict[str, Any]) -> tuple[list[list[str]], dict[str, str]]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Mediaflow"
    return directive["Dimensions"], {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}


@pytest.fixture
def audio(tmp_path: Path) -> str:
    (tmp_path / "talk.wav").write_bytes(bytes(1_500_000))
    return (tmp_path / "talk.wav").as_uri()


def test_a_call_says_what_the_specification_asks_for(audio: str) -> None:
    log, _ = calls({"audio": audio, "asset_id": "a1b2c3"})
    told = SimpleNamespace(**log)
    assert (told.event, told.model, told.models) == ("model_inference", "sample", ["a-model"])
    assert (told.input_size, told.input_bytes) == ("1.5MB", 1_500_000)
    assert (told.request_id, told.asset_id) == ("request-1", "a1b2c3")
    assert told.load == 0.5
    assert isinstance(told.duration, float)


def test_a_call_is_measured(audio: str) -> None:
    _, line = calls({"audio": audio})
    assert metrics_of(line) == (
        [["image", "function"]],
        {
            "duration": "Seconds",
            "peak_memory": "Bytes",
            "cold_start": "Count",
            "model_load_time": "Seconds",
            "real_time_factor": "None",
        },
    )
    assert (line["image"], line["request_id"], line["model_load_time"]) == ("sample", "request-1", [0.5])
    assert line["peak_memory"][0] > 10_000_000
    assert line["real_time_factor"][0] == pytest.approx(line["duration"][0] / 2)


def test_only_a_process_s_first_call_is_a_cold_start(audio: str) -> None:
    lines = calls({"audio": audio}, {"audio": audio})
    assert [line["cold_start"] for line in lines] == [True, [1], False, [0]]


@pytest.mark.parametrize(
    ("fail", "kind", "level"), [("mine", "UserError", "WARNING"), ("defect", "ValueError", "ERROR")]
)
def test_errors_are_counted_by_type_and_say_no_secret(fail: str, kind: str, level: str) -> None:
    log, total, by_type, raised = calls({"audio": SIGNED, "fail": fail, "prompt": SPOKEN})
    assert (log["event"], log["level"], log["error"]) == ("model_error", level, kind)
    assert log["reason"] == "https://b.s3.amazonaws.com/talk.mp4?[hidden] with [hidden] is wrong"
    assert metrics_of(total) == ([["image", "function"]], {"errors": "Count"})
    assert metrics_of(by_type) == ([["image", "function", "error"]], {"errors": "Count"})
    assert by_type["error"] == kind
    assert raised == {"raised": kind, "text": log["reason"]}


def test_a_refused_request_is_an_error_and_none_of_its_content_is_logged() -> None:
    log, *_, raised = calls({"audio": SIGNED, "prompt": ["", SPOKEN]})
    assert log["reason"] == "sample refuses the request: prompt: Input should be a valid string."
    assert raised["text"] == log["reason"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0B"), (999, "999B"), (1_500, "1.5kB"), (10_000_000, "10MB"), (999_600_000, "1.0GB")],
)
def test_sizes_read_as_people_write_them(count: int, text: str) -> None:
    assert readable_size(count) == text
