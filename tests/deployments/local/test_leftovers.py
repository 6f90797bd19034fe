"""However an endpoint ends, no process of it stays."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import psutil
import pytest

HOST = """
import sys, time
import boto3
from pathlib import Path
from containers.common.image import Image
from deployments.local import LocalEndpoint

def image(name):
    return Image(name=name, handler=f"handlers.{name}", memory_mb=512, timeout_s=60)

with LocalEndpoint(image, root=Path(sys.argv[1]), logs=Path(sys.argv[2])) as endpoint:
    client = boto3.Session("any", "any", region_name="local").client("lambda", endpoint_url=endpoint.url)
    print(client.invoke(FunctionName="parent", Payload=b"{}")["Payload"].read().decode(), flush=True)
    if sys.argv[3] == "busy":
        client.invoke(FunctionName="moody", Payload=b'{"do": "spin"}')
    time.sleep(60)
"""
ROOT = Path(__file__).parent / "images"


def test_the_end_of_the_context_ends_workers_their_children_and_theirs(open_endpoint, gone):
    endpoint, call = open_endpoint()
    pids = call("parent").result
    assert all(psutil.pid_exists(pid) for pid in pids)
    endpoint.__exit__()
    assert gone(pids)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("Slot")] == []


def test_a_crash_takes_the_workers_children_along(open_endpoint, gone):
    endpoint, call = open_endpoint()
    pids = call("parent").result
    while {process.pid for process in endpoint._live_workers()[0].descendants} != {*pids[1:]}:
        time.sleep(0.05)  # until the memory watch has seen them
    os.kill(pids[0], signal.SIGKILL)
    assert gone(pids)


def test_a_call_in_progress_ends_with_the_endpoint(open_endpoint):
    endpoint, call = open_endpoint()
    failures = []

    def ask():
        with pytest.raises(Exception, match="has stopped") as caught:
            call("sleep", {"seconds": 20})
        failures.append(caught)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)
    endpoint.__exit__()
    for thread in threads:
        thread.join(60)
    assert len(failures) == 3


@pytest.mark.parametrize("state", ["idle", "busy"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_death_of_the_process_that_holds_the_endpoint(gone, tmp_path, monkeypatch, number, state):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(ROOT), str(tmp_path / "logs"), state],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert host.stdout
    pids = [int(pid) for pid in host.stdout.readline().strip("[]\n").split(",")]
    if state == "busy":
        while len(children_of(host.pid)) == len(pids):
            time.sleep(0.05)
        time.sleep(0.2)
    pids += children_of(host.pid)
    host.send_signal(number)
    host.wait(60)
    assert gone(pids)
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_stand_alone_endpoint(gone, number, tmp_path):
    """Run as users do, and ended by Ctrl-C (sent to the whole foreground group, as a terminal does)."""
    endpoint = subprocess.Popen(
        [sys.executable, "-m", "deployments.local", "--logs", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
    )
    assert endpoint.stdout
    name, url = endpoint.stdout.readline().strip().removeprefix("export ").split("=", 1)
    assert name == "AWS_ENDPOINT_URL_LAMBDA"
    client = boto3.Session("any", "any", region_name="local").client("lambda", endpoint_url=url)
    assert (
        b"faiss refuses the request" in client.invoke(FunctionName="faiss", Payload=b"{}")["Payload"].read()
    )
    workers = children_of(endpoint.pid)
    assert len(workers) == 1
    os.killpg(endpoint.pid, number)
    _, printed = endpoint.communicate(timeout=60)
    assert gone(workers)
    assert "Traceback" not in printed
    assert endpoint.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 0)


def test_a_port_that_is_taken_is_one_sentence(endpoint):
    port = endpoint.url.split(":")[2].split("/")[0]
    command = [sys.executable, "-m", "deployments.local", "--port", port]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr == "The endpoint cannot be opened: Address already in use.\n"


def children_of(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]
