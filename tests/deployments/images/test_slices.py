"""Each image's slice of the lock holds what its handler needs; importing a handler brings in little."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from containers.common.image import CONTAINERS, IMAGES, image

ROOT = CONTAINERS.parent
SCRIPT = Path(__file__).with_name("in_slice.py")
# Beside pydantic. Model libraries, torch and boto3 come with the first call that needs them.
IMPORTED = {
    "whisperx": {"av", "numpy"},
    "pyannote": {"av", "numpy"},
    "facenet": {"PIL", "numpy"},
    "deepfilternet": {"av", "numpy"},
    "audioset": {"av", "numpy"},
    "faiss": {"filelock", "numpy", "pyarrow"},
    "model_downloader": set(),
}


def in_slice(*words: str) -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), *words]
    done = subprocess.run(command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1", "PYANNOTE_METRICS_ENABLED": "0"}


def test_every_python_image_is_looked_at() -> None:
    assert set(IMPORTED) == {name for name in IMAGES if image(name).runtime == "python"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["whisperx", "pyannote"])
def test_a_slice_has_what_the_first_call_imports(name: str, speech_wav: Path) -> None:
    """PyanNet's checkpoint once needed a package that only whisperx's slice had."""
    told = in_slice(name, json.dumps({"audio": speech_wav.as_uri()}))
    assert told["answer"]["result"]


@pytest.mark.parametrize("name", IMPORTED)
def test_a_handler_imports_nothing_that_it_does_not_need(name: str) -> None:
    shared = {"annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"}
    assert set(in_slice(name)["imported"]) - shared == IMPORTED[name]
