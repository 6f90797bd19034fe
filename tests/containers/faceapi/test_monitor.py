"""The Node image leaves the log and the metrics of the Python images, and no secret."""

import json
import subprocess

import pytest

from containers.common.runtime.redact import redact
from containers.faceapi.install import FOLDER
from tests.containers.common.test_redact import SIGNED
from tests.containers.faceapi.conftest import NODE


@pytest.fixture
def serve():
    """What the image prints, line by line as JSON, for one call whose work is a JavaScript expression."""

    def run(event: object, work: str) -> list[dict]:
        script = f"""
        import {{ monitored }} from "./monitor.mjs";
        import {{ readBytes }} from "./storage.mjs";
        import {{ MediaError }} from "./errors.mjs";
        const event = {json.dumps(event)};
        await monitored(event, {{ awsRequestId: "request-1" }}, async () => {work}).catch((error) =>
          console.log(JSON.stringify({{ raised: error.name, text: error.message }})));
        """
        command = [NODE, "--input-type=module", "--eval", script]
        ran = subprocess.run(command, cwd=FOLDER, check=True, capture_output=True, text=True)
        printed = ran.stderr + ran.stdout  # Powertools writes warnings to standard error
        assert "Signature" not in printed
        return [json.loads(line) for line in printed.splitlines()]

    return run


ANSWER = '({ models: [{ id: "faceapi" }], load_seconds: 0.5 })'


def test_a_call_is_logged_and_measured(serve, samples):
    work = f"(await readBytes(event.images[0]), {ANSWER})"
    log, line = serve({"images": samples[:1], "asset_id": "a1b2c3"}, work)
    assert (log["event"], log["model"], log["models"]) == ("model_inference", "faceapi", ["faceapi"])
    assert (log["request_id"], log["asset_id"], log["cold_start"]) == ("request-1", "a1b2c3", True)
    assert log["input_bytes"] > 100_000
    assert log["input_size"].endswith("kB")
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert (directive["Namespace"], directive["Dimensions"]) == ("Mediaflow", [["image", "function"]])
    assert {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]} == {
        "duration": "Seconds",
        "peak_memory": "Bytes",
        "cold_start": "Count",
        "model_load_time": "Seconds",
    }
    assert line["image"] == "faceapi"


def test_errors_are_counted_by_type_and_say_no_secret(serve):
    log, total, by_type, raised = serve({"images": [SIGNED]}, "readBytes(event.images[0])")
    hidden = "'https://bucket.s3.amazonaws.com/talk.mp4?[hidden]' is neither a file:// nor an s3:// URI."
    assert (log["event"], log["level"], log["error"]) == ("model_error", "WARN", "StorageError")
    assert log["reason"] == raised["text"] == hidden
    dimensions = [line["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for line in (total, by_type)]
    assert dimensions == [[["image", "function"]], [["image", "function", "error"]]]
    assert by_type["error"] == "StorageError"


def test_node_and_python_hide_the_same(node, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "a-token-of-mine")
    texts = [
        f'{{"url": "{SIGNED}"}}',
        "https://kim:geheim@host/x",
        "Authorization: Bearer eyJhbGciOi.J9, basic Zm9v",
        "hf_abcdefghijklmnop AKIAIOSFODNN7EXAMPLE a-token-of-mine",
        "X-Amz-Security-Token: FwoGZXIvYXdzEBYaD",
        "s3://bucket/a b?.mp4 cannot be read",
    ]
    script = f"""
    import {{ redact }} from "./redact.mjs";
    console.log(JSON.stringify({json.dumps(texts)}.map(redact)));
    """
    assert json.loads(node(script)) == [redact(text) for text in texts]
