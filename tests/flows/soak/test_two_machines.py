"""Two machines on one bucket at the same time: the same media and different media, whole runs.

Each has a home, a cache and a folder for temporary files of its own; S3 is moto's. Nothing is done
twice, nothing is lost, and the indexes hold what the assets hold.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import soundfile

from containers.common.models import store as models
from tests.flows.serving import ROOT
from tests.flows.soak.whole import whole

SECONDS = 3
FIRST, SECOND = ["a", "b", "c", "d"], ["d", "c", "e", "f"]  # what each machine is given, in this order
NAMES = sorted({*FIRST, *SECOND})


@pytest.fixture
def media(shared: Any, speech_wav: Path, tmp_path: Path) -> str:
    """Six cuts of the telephone call."""
    samples, rate = soundfile.read(speech_wav)
    for number, name in enumerate(NAMES):
        start = 4 * number * rate
        soundfile.write(tmp_path / "cut.wav", samples[start : start + SECONDS * rate], rate)
        shared.upload_file(str(tmp_path / "cut.wav"), f"in/{name}.wav")
    return f"s3://{shared.name}/in"


def started(own: Path, *command: str) -> "subprocess.Popen[str]":
    """On the machine whose folders are below `own`."""
    places = {"HOME": own, "PREFECT_HOME": own / "prefect", "XDG_CACHE_HOME": own / "cache"}
    places |= {"TMPDIR": own / "tmp"}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    told = {**os.environ, **{variable: str(place) for variable, place in places.items()}}
    told |= {"MEDIAFLOW_KEEP_WARM": "0", "MEDIAFLOW_MODELS": str(models.store_folder())}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=ROOT,
        env=told,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def both(folder: Path, first: list[str], second: list[str]) -> list[str]:
    """What the two machines print, who begin at the same time."""
    runs = [started(folder / "first", *first), started(folder / "second", *second)]
    said = [run.communicate() for run in runs]
    assert [(run.returncode, complaints) for run, (_, complaints) in zip(runs, said, strict=True)] == [
        (0, "")
    ] * 2, said
    return [printed for printed, _ in said]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_machines_on_one_bucket_do_nothing_twice_and_lose_nothing(
    shared: Any, media: str, tmp_path: Path
) -> None:
    output = f"s3://{shared.name}/out"
    given = [[f"{media}/{name}.wav" for name in names] for names in (FIRST, SECOND)]
    both(tmp_path, *(["flows.batch", *names, "--output", output] for names in given))
    whole(shared, NAMES)
    for said in both(tmp_path, *(["flows.batch", *names, "--output", output] for names in reversed(given))):
        assert "4 files are complete" in said
    whole(shared, NAMES)
    both(tmp_path, ["flows.reindex", output], ["flows.reindex", output])
    whole(shared, NAMES)
