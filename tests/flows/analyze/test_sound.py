"""What an analysis does about noise and sounds, as a person runs it."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from containers.common.models import store as models
from containers.deepfilternet.contract import NoiseTrack
from tasks.asset.manifest import Manifest, StageEntry
from tasks.media.demo import sample_turns
from tests.commands import run_module

CNN14 = """
[[model]]
id = "panns-cnn14"
task = "tag"
title = "Cnn14 with random weights"
revision = "1"
licence = "none"
profile = "standard"
source = {{ kind = "url" }}
files = [{files}]
"""
pytestmark = pytest.mark.slow


def run(module: str, *arguments: object, **environment: str) -> str:
    done = run_module(module, *arguments, **environment)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def stage(folder: Path, name: str) -> StageEntry:
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_bytes())
    (found,) = [entry for entry in manifest.stages if entry.name == name]
    return found


@pytest.fixture(scope="module")
def store(make_panns, tmp_path_factory) -> dict[str, str]:
    """The starter models and a Cnn14, as environment variables."""
    folder = tmp_path_factory.mktemp("store")
    for model in models.store_folder().iterdir():
        (folder / model.name).symlink_to(model)
    (folder / "panns-cnn14").unlink(missing_ok=True)
    (folder / "panns-cnn14").mkdir()
    files = make_panns(folder / "panns-cnn14", "Cnn14")
    listed = [
        f'{{ name = "{name}", sha256 = "{models.sha256_of(path)}", size = {path.stat().st_size} }}'
        for name, path in files.items()
    ]
    catalogue = folder / "catalogue.toml"
    catalogue.write_text(CNN14.format(files=", ".join(listed)), encoding="utf-8")
    yield {"MEDIAFLOW_MODELS": str(folder), "MEDIAFLOW_CATALOGUE_ADD": str(catalogue)}
    (folder / "panns-cnn14" / "Cnn14_mAP=0.431.pth").unlink()


@pytest.fixture(scope="module")
def noisy(speech_wav: Path, tmp_path_factory) -> Path:
    """8 s of the call in noise 5 dB below it, stereo, 22.05 kHz."""
    samples, rate = soundfile.read(speech_wav)
    speech = samples[12 * rate : 20 * rate]
    speech = np.interp(np.arange(8 * 22_050) / 22_050, np.arange(len(speech)) / rate, speech)
    noise = np.random.default_rng(0).standard_normal(len(speech)) * speech.std() * 10 ** (-5 / 20)
    path = tmp_path_factory.mktemp("media") / "noisy.wav"
    soundfile.write(path, np.stack([speech + noise, speech + noise], axis=1), 22_050)
    return path


def test_noise_is_removed_shown_and_kept_and_cnn14_finds_the_animals(noisy, store, tmp_path):
    options = ("--denoise-format", "opus", "--tag-only", "animals; music", "--tag-window", 4, "--tag-hop", 2)
    options += ("--skip", "transcribe")
    run("flows.analyze", noisy, "--output", tmp_path, *options, **store)
    (folder,) = (path.parent for path in tmp_path.glob("*/manifest.json"))

    found = stage(folder, "denoise")
    assert found.found == f"denoised: Speech is only {found.figures['snr_db']:.0f} dB above the noise."
    assert found.figures["applied"] is True and 0 < found.figures["snr_db"] < 12
    assert 4 < found.figures["attenuation_limit_db"] <= 18 and found.figures["speech_seconds"] > 3
    track = NoiseTrack.model_validate_json((folder / "noise.json").read_bytes()).track
    assert [second.time for second in track] == list(range(8))
    assert soundfile.info(folder / "denoised.opus").duration == pytest.approx(8, abs=0.02)
    assert (folder / "spectrogram.png").read_bytes().startswith(b"\x89PNG")
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert 'src="denoised.opus"' in page and "data:image/png;base64," in page

    tags = json.loads((folder / "tags.json").read_bytes())["predictions"]
    families = {tag["family"] for tag in tags}
    assert {"nature", "music"} <= families <= {"nature", "music", "speech"}  # a choir is music by voices
    assert all({"Animal", "Music"} & {tag["label"], *tag["parents"]} for tag in tags)
    assert max(tag["end_time"] for tag in tags) == 8
    rows = pq.read_table(folder / "embeddings.parquet").to_pylist()
    windows = [row for row in rows if row["model"] == "panns-cnn14"]
    assert [json.loads(row["metadata"])["time"] for row in windows] == [0, 2, 4]
    assert {len(row["vector"]) for row in windows} == {2048}
    assert "panns-cnn14" in stage(folder, "index").found

    before = (folder / "denoised.opus").read_bytes()
    run("flows.analyze", noisy, "--output", tmp_path, *options, "--num-speakers", 1, **store)
    assert stage(folder, "denoise").kept and stage(folder, "tag").kept
    assert (folder / "denoised.opus").read_bytes() == before
    assert (folder / "spectrogram.png").exists()


def test_sound_of_every_odd_kind_is_analysed(speech_wav, tmp_path):
    """Silence, DC, clipped, 8 kHz, 5.1 channels and 10 ms, and nobody denoises what has no speech."""
    samples, rate = soundfile.read(speech_wav)
    speech = samples[12 * rate : 14 * rate]
    kinds = {
        "silence": (np.zeros(rate), rate),
        "dc": (np.full(rate, 0.5), rate),
        "clipped": (np.clip(speech * 100, -1, 1), rate),
        "8 kHz": (speech[::2], rate // 2),
        "5.1": (np.stack([speech * gain for gain in (1, 1, 1, 0, 0.5, 0.5)], axis=1), rate),
        "10 ms": (speech[: rate // 100], rate),
    }
    (tmp_path / "media").mkdir()
    for name, (sound, sound_rate) in kinds.items():
        soundfile.write(tmp_path / "media" / f"{name}.wav", sound, sound_rate)
    run("flows.batch", tmp_path / "media", "--output", tmp_path / "out")
    folders = {
        json.loads(path.read_bytes())["media"]["name"].removesuffix(".wav"): path.parent
        for path in (tmp_path / "out").glob("*/manifest.json")
    }
    assert folders.keys() == kinds.keys()
    for name, folder in folders.items():
        assert {stage(folder, wanted).status for wanted in ("denoise", "tag", "transcribe")} == {"done"}, name
        labels = {tag["label"] for tag in json.loads((folder / "tags.json").read_bytes())["predictions"]}
        assert ("Speech" in labels) == (name in ("clipped", "8 kHz", "5.1")), name
        if name in ("silence", "dc", "10 ms"):
            assert "no speech" in stage(folder, "denoise").found, name


def test_who_speaks_is_who_has_the_channel(speech_wav, tmp_path):
    """The call with a person a channel, cut by its truth: every word is somebody's who speaks then."""
    samples, rate = soundfile.read(speech_wav)
    turns = sample_turns()
    names = sorted({name for _, _, name in turns})
    channels = np.zeros((len(samples), len(names)))
    for start, end, name in turns:
        part = slice(round(start * rate), round(end * rate))
        channels[part, names.index(name)] = samples[part]
    soundfile.write(tmp_path / "call.wav", channels, rate)
    run("flows.analyze", tmp_path / "call.wav", "--output", tmp_path, "--channels", "separate")
    (folder,) = [path.parent for path in tmp_path.glob("*/manifest.json")]
    document = json.loads((folder / "transcript.json").read_bytes())
    words = [word for segment in document["segments"] for word in segment["words"]]
    assert {word["speaker"] for word in words} == {"SPEAKER_00", "SPEAKER_01"}
    for word in words:
        middle = (word["start"] + word["end"]) / 2
        speaking = {
            f"SPEAKER_{names.index(name):02d}"
            for start, end, name in turns
            if start - 0.2 <= middle <= end + 0.2
        }
        assert word["speaker"] in speaking, word
    diarization = json.loads((folder / "diarization.json").read_bytes())
    assert len(diarization["speakers"]) == 2
