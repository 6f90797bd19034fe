"""An output folder of the version before is read as it is, and made anew by the next analysis of its media.

`older` is what the version of 26 November 2026 left of 3 s of the telephone call, without report, sound and
picture; its records of stages name classes and places that are no more.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from containers.common.errors import StorageError
from flows.analyze.records import read_record
from tasks.asset.folder import Asset
from tasks.index.collect import collect
from tasks.search.moments import find_moments
from tasks.search.question import MomentQuestion
from tasks.shelf.make import make_shelf
from tasks.words.versions import make_version

ROOT = Path(__file__).parents[3]
ID = "2e6500c87baf4a52"


@pytest.fixture
def older(tmp_path: Path) -> Asset:
    return Asset(output=shutil.copytree(Path(__file__).with_name("older"), tmp_path / "out"), id=ID)


def test_it_is_read_searched_and_indexed(older: Asset) -> None:
    manifest = older.manifest()
    assert manifest and manifest.complete and manifest.media.duration == 3
    assert make_version(older.output)[0].assets == 1
    found = find_moments(older.output, MomentQuestion(said="hello"))
    assert [moment.asset for moment in found.moments] and not found.notes
    assert make_shelf(older.output).is_file()
    assert {model: sum(part.rows for part in parts) for model, parts in collect.fn(older.output).items()} == {
        "ge2e-speaker": 1
    }


def test_its_records_are_no_results_of_this_version(older: Asset) -> None:
    records = list(older.results.iterdir())
    assert len(records) == 5
    for path in records:
        with pytest.raises(StorageError, match="no record of a stage as this project writes it"):
            read_record(path.read_bytes(), older.cache)
    assert older.finished("a mark of this version") is None


@pytest.mark.soak
def test_the_next_analysis_makes_it_anew(older: Asset, speech_wav: Path, tmp_path: Path) -> None:
    samples, rate = soundfile.read(speech_wav)
    clip = tmp_path / "clip.wav"
    soundfile.write(clip, samples[6 * rate : 9 * rate], rate)
    command = [sys.executable, "-m", "flows.analyze", str(clip), "--output", str(older.output)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "kept from an earlier run" not in done.stdout
    manifest = older.manifest()
    assert manifest and manifest.complete
    assert (older.folder / "report.html").is_file()
    again = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert "Nothing changed since the last run." in again.stdout
