"""Evaluations over time: a table of all runs, a page of them, and what an MLflow server is told."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from containers.common.contract import ModelRef
from containers.common.errors import UserError
from tasks.evaluation.history import history, write_history
from tasks.evaluation.mlflow import log_run, metrics_of, name_of
from tasks.evaluation.run import FinishedRun, Run
from tasks.evaluation.words import MEASURES


def make_run(output: Path, name: str, model: str, errors: int, day: int, digest: str = "0") -> FinishedRun:
    dataset = SimpleNamespace(name="talks <em>", digest=digest)
    run = Run(
        output / "evaluations" / "transcription" / name, "transcription", dataset, model, {"beam_size": 5}
    )
    run.record.created = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(days=day)
    run.used([ModelRef(id=model, revision="1", sha256="ab" * 32)])
    row = {
        "words": 100,
        "errors": errors,
        "characters": 500,
        "character_errors": errors,
        "time_errors": [0.05],
    }
    run.keep([{"item": f"{number}", "group": "phone" if number else "room", **row} for number in range(3)])
    run.measure(MEASURES)
    return FinishedRun.open(run.folder)


@pytest.mark.filterwarnings("error")
def test_every_run_is_in_the_table_and_on_the_page(tmp_path: Path) -> None:
    make_run(tmp_path, "2", "base", 8, 2)
    make_run(tmp_path, "1", "base", 10, 1)
    make_run(tmp_path, "3", "small", 6, 3)
    make_run(tmp_path, "4", "small", 4, 4, digest="1")
    (tmp_path / "evaluations" / "transcription" / ".half").mkdir()
    (tmp_path / "evaluations" / "transcription" / "broken").mkdir()
    (tmp_path / "evaluations" / "transcription" / "broken" / "run.json").write_text("{")
    page = write_history(tmp_path)
    table = pd.read_parquet(page.with_name("history.parquet"))
    wer = table[(table["measure"] == "wer") & (table["group"] == "all")]
    assert wer[["run", "value"]].to_numpy().tolist() == [["1", 0.1], ["2", 0.08], ["3", 0.06], ["4", 0.04]]
    assert set(table["group"]) == {"all", "phone", "room"}
    assert wer["weights"].iloc[0] == "base 1 abababababab" and wer["options"].iloc[0] == "beam_size 5"
    text = page.read_text(encoding="utf-8")
    assert "talks &lt;em&gt;" in text and "<script" not in text and "<em>" not in text
    days = [text.index(f"<td>2026-05-0{day} ") for day in (5, 4, 3, 2)]
    assert days == sorted(days), "the newest first"
    assert text.count("<h2>") == 2, "of a data set that changed the runs are apart"
    assert "the data set as it was from 2026-05-02 on" in text


def test_an_output_without_evaluations_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Nothing has been evaluated into"):
        history(tmp_path)


class Tracking(BaseHTTPRequestHandler):
    """Stands for MLflow's server, of which it keeps the rules that its REST documentation gives."""

    told: list[tuple[str, Any, str | None]] = []
    experiments: dict[str, str] = {}
    refuse = False

    def _answer(self, status: int, content: object) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        split = urlsplit(self.path)
        assert split.path == "/api/2.0/mlflow/experiments/get-by-name"
        (name,) = parse_qs(split.query)["experiment_name"]
        if name in self.experiments:
            self._answer(200, {"experiment": {"experiment_id": self.experiments[name]}})
        else:
            self._answer(404, {"error_code": "RESOURCE_DOES_NOT_EXIST"})

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        what = self.path.removeprefix("/api/2.0/mlflow/")
        self.told.append((what, content, self.headers.get("Authorization")))
        if self.refuse:
            self._answer(403, {"error_code": "PERMISSION_DENIED"})
        elif what == "experiments/create":
            self.experiments[content["name"]] = "7"
            self._answer(200, {"experiment_id": "7"})
        elif what == "runs/create":
            self._answer(200, {"run": {"info": {"run_id": "r1"}}})
        elif what == "runs/log-batch":
            small = len(content.get("metrics", [])) <= 1000 and len(content.get("params", [])) <= 100
            names = [one["key"] for one in content.get("metrics", []) + content.get("params", [])]
            plain = all(set(name) <= set(ALLOWED) and len(name) <= 250 for name in names)
            self._answer(
                *((200, {}) if small and plain else (400, {"error_code": "INVALID_PARAMETER_VALUE"}))
            )
        else:
            self._answer(200, {})

    def log_message(self, format: str, *arguments: object) -> None:
        pass


ALLOWED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./ "


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(Tracking, "told", [])
    monkeypatch.setattr(Tracking, "experiments", {})
    running = ThreadingHTTPServer(("127.0.0.1", 0), Tracking)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_mlflow_is_told_every_figure(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "hush")
    run = make_run(tmp_path, "1", "base", 10, 0)
    assert log_run(run, server + "/") == "r1"
    told = {what: content for what, content, _ in Tracking.told}
    assert told["experiments/create"] == {"name": "mediaflow/transcription/talks <em>"}
    metrics = [one for what, content, _ in Tracking.told for one in content.get("metrics", [])]
    figures = {one["key"]: one["value"] for one in metrics}
    assert figures["wer"] == 0.1 and {"wer.low", "phone/wer", "room/cer"} <= figures.keys()
    parameters = {one["key"]: one["value"] for _, c, _ in Tracking.told for one in c.get("params", [])}
    assert parameters["option.beam_size"] == "5" and parameters["weights.base"].startswith("1 abab")
    assert told["runs/update"]["status"] == "FINISHED"
    assert {secret for *_, secret in Tracking.told} == {"Bearer hush"}
    log_run(run, server)
    assert [what for what, *_ in Tracking.told].count("experiments/create") == 1


def test_a_server_that_refuses_or_is_away_is_one_sentence(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path, "1", "base", 10, 0)
    monkeypatch.setattr(Tracking, "refuse", True)
    with pytest.raises(UserError, match=r"127\.0\.0\.1 refused: 403 PERMISSION_DENIED\.$"):
        log_run(run, server)
    with pytest.raises(UserError, match=r"127\.0\.0\.1 cannot be reached: ConnectError\.$"):
        log_run(run, "http://127.0.0.1:1")


@pytest.mark.parametrize("text", ["a..b", "/x", "한글/wer", "x" * 400, "a:b\n", "..", ""])
def test_names_are_such_as_mlflow_takes(text: str) -> None:
    name = name_of(text)
    assert name and ".." not in name and set(name) <= set(ALLOWED) and len(name) <= 250
    assert not name.startswith("/")


def test_metrics_have_the_ends_of_their_intervals(tmp_path: Path) -> None:
    keys = [one["key"] for one in metrics_of(make_run(tmp_path, "1", "base", 10, 0))]
    assert len(keys) == len(set(keys)) and "wer.high" in keys and "room/wer.low" not in keys
