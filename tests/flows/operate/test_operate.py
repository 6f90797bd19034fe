"""`python -m flows.operate`: who hears of failed runs and how many heavy calls run at once."""

import json
import queue
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest

from tests.commands import run_module
from tests.flows.serving import Server

pytestmark = pytest.mark.slow


@pytest.fixture
def told() -> Iterator[tuple[str, "queue.Queue[dict]"]]:
    """A web hook's address, and what it was told."""
    messages: queue.Queue[dict] = queue.Queue()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            messages.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{hook.server_port}/hook", messages
    hook.shutdown()


def operate(server: Server, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_module("flows.operate", *arguments, **environment, **server.variables)


def test_a_failed_run_is_told_to_the_web_hook_and_to_sns(server, aws, told, tmp_path):
    address, messages = told
    sns, sqs = boto3.client("sns"), boto3.client("sqs")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    inbox = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=inbox, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    settings = {"MEDIAFLOW_WEBHOOK": address, "MEDIAFLOW_TOPIC": topic}
    for _ in range(2):  # a second time replaces the first
        done = operate(server, "install", "--limit", "faceapi=3", **settings)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    names = [each["name"] for each in server.call("POST", "/automations/filter")]
    assert sorted(name for name in names if name.startswith("mediaflow: ")) == [
        "mediaflow: runs that vanished have crashed",
        "mediaflow: tell of failed runs",
        "mediaflow: tell of late runs",
    ]

    server.run("analyze", media=str(tmp_path / "missing.mp4"), output=str(tmp_path))
    message = messages.get(timeout=120)
    assert (message["run"], message["flow"], message["state"]) == ("missing.mp4", "analyze", "Failed")
    assert "missing.mp4" in message["message"] and message["url"].startswith("http")
    body = None
    for _ in range(12):
        found = sqs.receive_message(QueueUrl=inbox, WaitTimeSeconds=10).get("Messages", [])
        if found:
            body = json.loads(found[0]["Body"])
            break
    assert body and body["Subject"] == "missing.mp4 (analyze) is Failed"
    assert operate(server, "test").stdout == "The web hook was told.\nThe topic was told.\n"

    limits = {each["name"]: each["limit"] for each in server.call("POST", "/v2/concurrency_limits/filter")}
    assert limits["mediaflow-faceapi"] == 3 and limits["mediaflow-whisperx"] == 2
    assert operate(server, "remove").returncode == 0
    assert not [each for each in server.call("POST", "/automations/filter") if "mediaflow" in each["name"]]


@pytest.mark.parametrize("refused", [False, True])
def test_a_topic_alone_is_told_on_trial(server, aws, refused):
    """`test` waits for the message, and says why none came."""
    topic = boto3.client("sns").create_topic(Name="trial")["TopicArn"]
    settings = {"MEDIAFLOW_TOPIC": topic + "s" * refused}
    assert operate(server, "install", **settings).returncode == 0
    done = operate(server, "test")
    if refused:
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("The topic was not told: ") and done.stderr.count("\n") == 1, (
            done.stderr
        )
    else:
        assert (done.returncode, done.stdout, done.stderr) == (0, "The topic was told.\n", "")
    names = [run["name"] for run in server.call("POST", "/flow_runs/filter")]
    assert "test of the alarms" not in names
    operate(server, "remove")
    done = operate(server, "test")
    assert done.returncode == 1 and done.stderr.startswith("Nobody is told of failed runs: ")


@pytest.mark.parametrize("limit", ["whisper=2", "whisperx=none", "whisperx=0"])
def test_a_wrong_limit_is_wrong_usage(server, limit):
    done = operate(server, "install", "--limit", limit)
    assert done.returncode == 2 and "is not IMAGE=CALLS" in done.stderr
