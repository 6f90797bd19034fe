"""Noise out of a stream, ten milliseconds at a time."""

import io
import subprocess
import sys

import numpy as np
import pytest

from containers.common.models.store import open_model
from containers.deepfilternet.listen import denoise_stream
from containers.deepfilternet.native import FRAME, MODEL_FILE, open_denoiser

RATE = 48_000
pytestmark = pytest.mark.slow


def listen(samples: np.ndarray) -> np.ndarray:
    cleaned = io.BytesIO()
    denoise_stream(io.BytesIO(samples.astype(np.float32).tobytes()), cleaned)
    return np.frombuffer(cleaned.getvalue(), np.float32)


@pytest.mark.parametrize("count", [0, 1, FRAME, 5 * FRAME + 17, RATE])
def test_as_many_samples_come_out_as_went_in(noisy, count):
    assert len(listen(noisy[:count])) == count


def test_the_noise_goes_and_the_speech_stays_where_it_was(speech, noisy):
    cleaned = listen(noisy)
    gain = (cleaned @ speech) / (speech @ speech)
    assert np.square(cleaned - gain * speech).mean() < 0.5 * np.square(noisy - speech).mean()
    late = np.argmax(np.correlate(cleaned[RATE : 2 * RATE], speech[RATE - 960 : 2 * RATE + 960], "valid"))
    assert late == pytest.approx(960, abs=48), "aligned to a millisecond"


def test_it_is_what_frame_by_frame_processing_gives(noisy):
    folder, _ = open_model("deepfilternet3")
    with open_denoiser(folder / MODEL_FILE) as denoiser:
        frames = [denoiser.frames(part)[0] for part in noisy[: 100 * FRAME].reshape(-1, FRAME)]
    np.testing.assert_array_equal(
        listen(noisy[: 100 * FRAME])[: 97 * FRAME], np.concatenate(frames)[3 * FRAME :]
    )


def test_a_process_answers_before_its_input_ends(noisy):
    with subprocess.Popen(
        [sys.executable, "-m", "containers.deepfilternet.listen"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout
        process.stdin.write(noisy[: 10 * FRAME].tobytes())
        process.stdin.flush()
        assert len(process.stdout.read(4 * 7 * FRAME)) == 4 * 7 * FRAME, (
            "all but the 30 ms that it looks ahead"
        )
        rest, _ = process.communicate()
        assert len(rest) == 4 * 3 * FRAME
    assert process.returncode == 0
