"""Real media that every test may use."""

import subprocess
import sys
from pathlib import Path

import pytest

from tasks.demo_media import build_demo_video, sample_speech


@pytest.fixture(scope="session")
def demo_video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample video, built once: 30 s, six pictures of 3 to 5 faces, two people talking."""
    return build_demo_video(tmp_path_factory.mktemp("media") / "demo.mp4")


@pytest.fixture(scope="session")
def speech_wav() -> Path:
    """30 s of a telephone call, 16 kHz mono."""
    return sample_speech()


@pytest.fixture(scope="session")
def demo(demo_video: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The sample video analysed once, as a person does it: the output folder and what was printed."""
    output = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "flows.analyze", str(demo_video), "--output", str(output)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=560, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == "", "a good run says nothing on standard error"
    return output, done.stdout
