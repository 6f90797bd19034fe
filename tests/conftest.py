"""Real media that every test may use."""

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
