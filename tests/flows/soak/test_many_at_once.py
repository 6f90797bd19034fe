"""Runs of one user at once, with one home: in terminals, in batches, from a watched folder, in `make serve`.

None waits for another's lock, each has its server or shares one, and who waits for memory is told so.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import soundfile

from flows.runs.turns import AT_ONCE
from tests.flows.serving import ROOT, Server, serving

SECONDS = 3


class Clips:
    """Cuts of the telephone call, each another one."""

    def __init__(self, speech: Path, folder: Path) -> None:
        self._samples, self._rate = soundfile.read(speech)
        self._folder, self._made = folder, 0

    def next(self, place: Path | None = None) -> Path:
        path = (place or self._folder) / f"clip{self._made:02}.wav"
        start = self._made * self._rate
        soundfile.write(path, self._samples[start : start + SECONDS * self._rate], self._rate)
        self._made += 1
        return path


def in_terminal(module: str, *arguments: object, **environment: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", module, *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True)


def arrived(server: Server, names: set[str]) -> list[dict[str, Any]]:
    return server.call("POST", "/flow_runs/filter", flow_runs={"name": {"any_": sorted(names)}})


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("of_each", [1, 2], ids=["five", "ten"])
def test_in_terminals_batches_watched_folders_and_make_serve(
    speech_wav: Path, tmp_path: Path, of_each: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(AT_ONCE, raising=False)  # this machine's memory is to say how many work at once
    home, output, watched = (tmp_path / name for name in ("home", "out", "watched"))
    for folder in (home, watched):
        folder.mkdir()
    clips = Clips(speech_wav, tmp_path)
    own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    own |= {"PREFECT_HOME": str(home), "MEDIAFLOW_KEEP_WARM": "0"}
    with serving(home, PREFECT_WORKER_QUERY_SECONDS="2") as (server, _):
        watching = server.start("watch", source=str(watched), output=str(output))
        began = time.monotonic()
        terminals = [
            in_terminal("flows.analyze", clips.next(), "--output", output, **own) for _ in range(of_each)
        ]
        terminals += [
            in_terminal("flows.batch", clips.next(), clips.next(), "--output", output, **own)
            for _ in range(of_each)
        ]
        started = [
            server.start("analyze", media=str(clips.next()), output=str(output)) for _ in range(of_each)
        ]
        started += [
            server.start("batch", media=[str(clips.next())], output=str(output)) for _ in range(of_each)
        ]
        names = {clips.next(watched).name for _ in range(of_each)}
        said = [run.communicate() for run in terminals]
        assert [run.returncode for run in terminals] == [0] * len(terminals), said
        assert [complaints for _, complaints in said] == [""] * len(terminals)
        ended = [server.end_of(run, 1800) for run in started]
        assert {run["state_name"] for run in ended} == {"Completed"}, ended
        while not all(run["state_type"] == "COMPLETED" for run in arrived(server, names)) or (
            len(arrived(server, names)) < len(names)
        ):
            assert time.monotonic() < began + 1800
            time.sleep(1)
        print(f"{5 * of_each} runs in {time.monotonic() - began:.0f} s", flush=True)
        cancelling = {"type": "CANCELLING"}
        server.call("POST", f"/flow_runs/{watching['id']}/set_state", state=cancelling, force=True)
        server.end_of(watching)
    assert len(list(output.glob("*/manifest.json"))) == 6 * of_each
