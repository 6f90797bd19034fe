"""500 tiny assets in one batch on the embedded server: all complete, memory flat, no database error."""

import json
import os
import statistics
import time
from collections import defaultdict
from pathlib import Path

import httpx
import numpy as np
import psutil
import pytest
import soundfile

from tests.flows.serving import ENDED, serving

ASSETS = int(os.environ.get("MEDIAFLOW_SOAK_ASSETS", "500"))
RATE = 16_000
EVERY = 5  # seconds between two looks at the memory
KINDS = {"server": "flows.server.local", "worker": "prefect worker", "flow": "-m prefect.engine"}


def tones(folder: Path) -> Path:
    """Four tenths of a second each, no two alike."""
    folder.mkdir()
    times = np.arange(int(0.4 * RATE)) / RATE
    for number in range(ASSETS):
        tone = 0.2 * np.sin(2 * np.pi * (200 + 3 * number) * times)
        soundfile.write(folder / f"tone{number:03}.wav", tone, RATE)
    return folder


def resident(home: Path) -> dict[str, float]:
    """MB by kind, of the processes that this server's home belongs to."""
    found: dict[str, float] = defaultdict(float)
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        try:
            if process.environ().get("PREFECT_HOME") == str(home):
                for kind, part in KINDS.items():
                    if part in command:
                        found[kind] += process.memory_info().rss / 2**20
        except psutil.Error:
            continue
    return found


@pytest.mark.soak
@pytest.mark.timeout(10_000)
def test_five_hundred_assets_in_one_batch(tmp_path: Path) -> None:
    media, output, home = tones(tmp_path / "in"), tmp_path / "out", tmp_path / "prefect"
    home.mkdir()
    memory: list[dict[str, float]] = []
    with serving(home) as (server, _):
        run = server.start("batch", media=[str(media)], output=str(output), options={"denoise": "off"})
        while run["state_type"] not in ENDED:
            time.sleep(EVERY)
            try:
                run = server.call("GET", f"/flow_runs/{run['id']}")
            except httpx.TimeoutException:
                print("the server took more than a minute to answer", flush=True)
            done = len(list(output.glob("*/manifest.json")))
            memory.append({"assets": done, **resident(home)})
            print(json.dumps({"time": time.strftime("%X"), **memory[-1]}), flush=True)
        assert run["state_name"] == "Completed", run["state"]["message"]
        runs = server.call(
            "POST", "/flow_runs/count", flow_runs={"parent_flow_run_id": {"any_": [run["id"]]}}
        )
        assert runs == ASSETS
    manifests = [json.loads(path.read_bytes()) for path in output.glob("*/manifest.json")]
    assert len(manifests) == ASSETS
    assert all(manifest["complete"] for manifest in manifests)
    printed = (home / "serve.log").read_text()
    assert "database is locked" not in printed
    assert "OperationalError" not in printed
    assert "Traceback" not in printed, printed[-3000:]
    for kind in KINDS:
        early, late = (
            statistics.median(
                each[kind]
                for each in memory
                if low * ASSETS <= each["assets"] < high * ASSETS and kind in each
            )
            for low, high in ((0.2, 0.4), (0.8, 1.0))
        )
        print(f"{kind}: {early:.0f} MB at 30 %, {late:.0f} MB at 90 % of {ASSETS} assets", flush=True)
        assert late < early * 1.15 + 30, f"the {kind} grows"
