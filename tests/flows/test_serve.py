"""`make serve` and what a media engineer then does in the UI, against the real server and worker."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile
import yaml

ROOT = Path(__file__).parents[2]
DECLARED = [entry["name"] for entry in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]]

pytestmark = pytest.mark.slow


class Server:
    """The REST API that the UI uses."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._client = httpx.Client(base_url=f"{self.url}/api", timeout=60, trust_env=False)

    def call(self, method: str, path: str, **body: object) -> Any:
        answer = self._client.request(method, path, json=body or None)
        answer.raise_for_status()
        return answer.json()

    def run(self, deployment: str, **parameters: object) -> dict[str, Any]:
        """Starts a deployment as the form does, and waits for the run's end."""
        (found,) = [
            entry for entry in self.call("POST", "/deployments/filter") if entry["name"] == deployment
        ]
        started = self.call("POST", f"/deployments/{found['id']}/create_flow_run", parameters=parameters)
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            run = self.call("GET", f"/flow_runs/{started['id']}")
            if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED"):
                return run
            time.sleep(0.5)
        raise TimeoutError(f"{deployment} is still {run['state_name']}")

    def deployment(self, name: str) -> dict[str, Any]:
        (found,) = [entry for entry in self.call("POST", "/deployments/filter") if entry["name"] == name]
        return found

    def of_run(self, kind: str, run: dict[str, Any]) -> list[dict[str, Any]]:
        """The run's task runs, logs or artifacts, oldest first."""
        wanted = {"flow_run_id": {"any_": [run["id"]]}}
        if kind == "task_runs":
            return self.call("POST", "/task_runs/filter", flow_runs={"id": {"any_": [run["id"]]}})
        return self.call("POST", f"/{kind}/filter", **{kind: wanted})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("prefect")
    environment = {
        **os.environ,
        "PREFECT_HOME": str(home),
        "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
    }
    log = home / "serve.log"
    with log.open("wb") as output:
        serving = subprocess.Popen(
            [sys.executable, "-m", "flows.serve"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + 240
    while "Ready: " not in log.read_text():
        assert serving.poll() is None and time.monotonic() < deadline, log.read_text()
        time.sleep(0.5)
    yield Server(port)
    os.killpg(serving.pid, signal.SIGINT)  # Ctrl-C in a terminal reaches every process of the group
    assert serving.wait(timeout=60) == 0, log.read_text()


@pytest.fixture(scope="module")
def clip(speech_wav: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 s of the telephone call, in which both speak."""
    path = tmp_path_factory.mktemp("media") / "clip.wav"
    samples, rate = soundfile.read(speech_wav)
    soundfile.write(path, samples[6 * rate : 10 * rate], rate)
    return path


@pytest.fixture(scope="module")
def analysed(server: Server, clip: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return server.run("analyze", media=str(clip), output=str(tmp_path_factory.mktemp("out")))


def test_every_declared_deployment_is_there_with_a_form(server):
    deployments = {entry["name"]: entry for entry in server.call("POST", "/deployments/filter")}
    assert set(deployments) == set(DECLARED)
    for name, deployment in deployments.items():
        assert deployment["description"], name
        assert deployment["work_pool_name"] == "local"
    form = deployments["analyze"]["parameter_openapi_schema"]
    options = form["definitions"]["AnalyzeOptions"]["properties"]
    assert form["required"] == ["media"]
    assert all(option.get("description") for option in options.values())


def test_a_run_is_named_and_tagged_after_its_media(analysed):
    assert (analysed["state_name"], analysed["name"]) == ("Completed", "clip.wav")
    assert set(analysed["tags"]) == {"media", "audio"}


def test_a_skipped_stage_is_told_from_one_that_ran(server, analysed):
    states = {run["name"]: run["state"] for run in server.of_run("task_runs", analysed)}
    assert states["transcribe"]["name"] == "Completed"
    assert (states["detect"]["name"], states["detect"]["message"]) == ("Skipped", "the media has no picture")


def test_what_was_found_is_a_page_with_the_speakers_timeline(server, analysed):
    artifacts = {
        entry["key"].split("-")[0]: entry for entry in server.of_run("artifacts", analysed) if entry["key"]
    }
    assert "# clip.wav" in artifacts["found"]["data"]
    assert "report.html" in artifacts["found"]["data"]
    assert "![Who speaks when](data:image/svg+xml;base64," in artifacts["found"]["data"]
    assert '"stage": "transcribe", "state": "done"' in artifacts["stages"]["data"]


def test_the_log_reads_like_a_story(server, analysed):
    lines = [entry["message"] for entry in server.of_run("logs", analysed)]
    assert any(line.startswith("transcribe done: ") for line in lines)
    assert "detect skipped: the media has no picture" in lines
    assert not any("hook" in line.lower() or "Traceback" in line for line in lines)


def test_media_that_cannot_be_read_fails_with_its_sentence(server, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no media")
    run = server.run("analyze", media=str(broken), output=str(tmp_path / "out"))
    assert run["state_type"] == "FAILED"
    assert "broken.mp4 is not media that can be decoded" in run["state"]["message"]
    lines = [entry["message"] for entry in server.of_run("logs", run)]
    assert not any("Traceback" in line for line in lines)


def test_a_batch_from_the_form(server, clip, tmp_path):
    run = server.run("batch", media=[str(clip.parent)], output=str(tmp_path))
    assert run["state_name"] == "Completed"
    table = next(entry for entry in server.of_run("artifacts", run) if entry["key"] == "batch-files")
    assert str(clip) in table["data"]
    assert len(list(tmp_path.glob("*/manifest.json"))) == 1


def test_a_watched_folder_starts_each_file_once(server, clip, tmp_path):
    """Two watchers of one folder, one after the other: the server knows the file already."""
    (tmp_path / "arrived.wav").write_bytes(clip.read_bytes())
    environment = {**os.environ, "PREFECT_API_URL": f"{server.url}/api"}
    command = [sys.executable, "-m", "flows.watch", str(tmp_path), "--every", "1"]
    names = []
    for _ in range(2):
        with subprocess.Popen(
            [*command, "--output", str(tmp_path / "out")],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as watching:
            assert watching.stdout
            names.append(watching.stdout.readline())
            watching.send_signal(signal.SIGINT)
        assert watching.returncode == 130
    assert names[0] == names[1] != ""


def test_quality_from_the_form(server, analysed):
    run = server.run("quality", output=analysed["parameters"]["output"])
    assert run["state_name"] == "Completed"


def test_models_from_the_form(server):
    run = server.run("models", profile="starter")
    assert run["state_name"] == "Completed"


@pytest.mark.skipif(not shutil.which("chromium"), reason="needs Chromium: install Debian's package chromium")
@pytest.mark.parametrize("page", ["runs", "run", "form"])
def test_the_pages_open_in_a_browser(server, analysed, page, tmp_path):
    address, expected = {
        "runs": ("/runs", "clip.wav"),
        "run": (f"/runs/flow-run/{analysed['id']}", "Completed"),
        "form": (f"/deployments/deployment/{server.deployment('analyze')['id']}/run", "AnalyzeOptions"),
    }[page]
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--window-size=1400,1000",
        "--virtual-time-budget=20000",
    ]
    command = ["chromium", *flags, f"--user-data-dir={tmp_path}", "--dump-dom", server.url + address]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert expected in dom
