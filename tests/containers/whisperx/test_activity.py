"""Voice activity without torch is WhisperX's and pyannote.audio's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.common.models.checkpoints import PYANNOTE, only_weights
from containers.common.models.pyannet import SEGMENTATION, SEGMENTATION_FILE, quiet_loading
from containers.common.models.pyannet_light import FRAME_LENGTH, FRAME_STEP, PyanNet
from containers.common.models.store import open_model
from containers.whisperx.activity import Activity, find_speech_parts, hear_windows, merge_parts
from containers.whisperx.speech import PYANNET_STEP, _on_gpu

RATE = 16_000

pytestmark = pytest.mark.slow  # imports WhisperX's and pyannote.audio's


@pytest.fixture(scope="module")
def network() -> Path:
    return open_model(SEGMENTATION)[0] / SEGMENTATION_FILE


@pytest.fixture(scope="module")
def upstream(network: Path) -> Any:
    """WhisperX's detector with the same weights and the same windows."""
    with quiet_loading(), only_weights(PYANNOTE):
        import torch
        from whisperx.vads import Pyannote

        vad: Any = Pyannote(torch.device("cpu"), model_fp=str(network), vad_onset=0.5)
    vad.vad_pipeline._segmentation.step = PYANNET_STEP
    return vad


def noisy(speech: np.ndarray, seconds: float) -> np.ndarray:
    """The call from its third second on, with noise, as often as it takes."""
    random = np.random.default_rng(round(100 * seconds))
    sound = np.tile(speech[3 * RATE :], 4)[: round(seconds * RATE)]
    return (sound + random.normal(0, 0.003, len(sound))).astype(np.float32)


@pytest.mark.parametrize("seconds", [0.4, 5.0, 7.5, 12.34, 30.02])
def test_scores_are_those_of_pyannote(
    seconds: float, speech: np.ndarray, network: Path, upstream: Any
) -> None:
    sound = noisy(speech, seconds)
    theirs = upstream({"waveform": upstream.preprocess_audio(sound), "sample_rate": RATE})
    ours = hear_windows(PyanNet(network), sound, PYANNET_STEP)
    assert len(ours.scores) == len(theirs.data)
    apart = np.abs(ours.scores - theirs.data[:, 0])
    assert apart.mean() < 1e-4
    assert apart.max() < 5e-3  # where the network doubts, 32 bits are not more exact than that
    assert ours.times[:3] == pytest.approx([theirs.sliding_window[at].middle for at in range(3)])


def test_torch_scores_alike_where_there_is_a_gpu(speech: np.ndarray, network: Path) -> None:
    """On the CPU here: what is left untried is CUDA alone."""
    sound = noisy(speech, 12.34)
    theirs, ours = (
        hear_windows(score, sound, PYANNET_STEP) for score in (_on_gpu(network, "cpu"), PyanNet(network))
    )
    apart = np.abs(ours.scores - theirs.scores)
    assert (apart.mean() < 1e-4, apart.max() < 5e-3) == (True, True)


def waves(seed: int) -> np.ndarray:
    """Scores that wander between silence and speech, with plateaus and jumps."""
    random = np.random.default_rng(seed)
    walk = np.cumsum(random.normal(0, 0.12, 6000)) + np.sin(np.arange(6000) / random.integers(20, 900))
    return np.clip(np.round(walk % 2.2 - 0.6, 2), 0, 1).astype(np.float32)


@pytest.mark.parametrize("longest", [1.0, 8.0, 29.56])
@pytest.mark.parametrize("seed", range(6))
def test_stretches_are_those_of_whisperx(seed: int, longest: float, upstream: Any) -> None:
    from pyannote.core import SlidingWindow, SlidingWindowFeature

    scores = waves(seed)
    frames = SlidingWindow(start=0.0, duration=FRAME_LENGTH, step=FRAME_STEP)
    given = SlidingWindowFeature(scores[:, None], frames)
    theirs = upstream.merge_chunks(given, longest, onset=0.5, offset=0.363)
    times = np.arange(len(scores)) * FRAME_STEP + FRAME_LENGTH / 2
    ours = merge_parts(find_speech_parts(Activity(scores, times), 0.5, 0.363, longest), longest)
    assert len(ours) == len(theirs) > 1
    for mine, part in zip(ours, theirs, strict=True):
        assert np.allclose([[one.start, one.end] for one in mine], part["segments"], atol=1e-6)


def test_nobody_speaks() -> None:
    quiet = Activity(np.zeros(100, np.float32), np.arange(100) * FRAME_STEP)
    assert merge_parts(find_speech_parts(quiet, 0.5, 0.363, 30), 30) == []
