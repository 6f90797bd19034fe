"""Listening as a person does: a file, a pipe, an interruption; what is said, printed and written."""

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from containers.common.media.audio import load_audio

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "flows.listen"]
pytestmark = pytest.mark.slow


def listen(*arguments: object, given: bytes | None = None, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        input=given,
        capture_output=True,
        timeout=500,
        env=os.environ | environment,
        check=False,
    )


@pytest.fixture(scope="module")
def clip(speech_wav, tmp_path_factory) -> Path:
    """Two people, seven seconds."""
    path = tmp_path_factory.mktemp("listen") / "clip.wav"
    soundfile.write(path, load_audio(speech_wav.as_uri(), 16_000, 14, 21), 16_000)
    return path


def test_a_file_is_heard_and_written_without_its_noise(clip, tmp_path) -> None:
    cleaned = tmp_path / "clean.flac"
    done = listen(clip, "--speed", 2, "--denoised", cleaned, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    *events, end = map(json.loads, done.stdout.splitlines())
    assert {event["kind"] for event in events} == {"speech", "turn", "words"}
    # How many speakers are told apart is tested on the whole call (tests/containers/pyannote/test_listen.py):
    # from these seven seconds alone the second voice is too near the first one.
    closed = [event for event in events if event["kind"] == "turn" and not event["open"]]
    assert closed[0]["speaker"] == "SPEAKER_00"
    assert all(0 <= turn["start"] < turn["end"] <= 7.1 for turn in closed)
    assert end["seconds"] == pytest.approx(7, abs=0.02)
    assert set(end["late"]) == {"denoised sound", "speech begins", "speech ends", "turns", "words"}
    said = [part for event in events if event["kind"] == "words" for part in event["segments"]]
    assert "New Jersey" in " ".join(part["text"] for part in said)
    assert all(part["speaker"].startswith("SPEAKER_") for part in said)
    assert all(0 <= word["start"] < word["end"] <= 7.1 for part in said for word in part["words"])
    samples, rate = soundfile.read(cleaned)
    assert rate == 48_000
    assert len(samples) / rate == pytest.approx(end["seconds"], abs=1e-3)
    assert [path.name for path in tmp_path.iterdir()] == ["clean.flac"]


def test_a_pipe_goes_in_and_clean_sound_comes_out(clip) -> None:
    raw = (load_audio(clip.as_uri(), 16_000)[: 3 * 16_000] * 32767).astype("<i2").tobytes()
    done = listen("-", "--raw-rate", 16_000, "--denoised", "-", "--no-words", given=raw)
    assert done.returncode == 0
    assert len(np.frombuffer(done.stdout, "<i2")) == pytest.approx(3 * 48_000, abs=480)
    *turns, summary = done.stderr.decode().splitlines()[:-4]
    assert turns[0].startswith("0:00:0") and turns[0].endswith("Speaker 1")
    assert summary == "3.0 s heard, 1 speakers."


def test_ctrl_c_ends_it_well(clip, tmp_path) -> None:
    cleaned = tmp_path / "clean.wav"
    with subprocess.Popen(
        [*COMMAND, "-", "--raw-rate", "16000", "--no-words", "--denoised", str(cleaned)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin and process.stdout and process.stderr
        samples = load_audio(clip.as_uri(), 16_000)
        process.stdin.write((samples * 32767).astype("<i2").tobytes())
        process.stdin.flush()
        assert process.stdout.readline(), "the first turn has ended"
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(BrokenPipeError):  # it may be gone already
            process.stdin.write(bytes(32_000))
        said, complaints = process.communicate(timeout=300)
    assert (process.returncode, complaints) == (0, b"")
    assert b"heard, " in said
    assert soundfile.info(cleaned).duration > 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["missing.wav"], "There is no file missing.wav."),
        (["README.md"], "README.md is not media that can be decoded"),
        (["CLIP", "--latency", "9"], "The latency has to be between 0.5 and 5 seconds."),
        (["CLIP", "--language", "Klingon"], "Whisper does not know the language 'Klingon'"),
        (["CLIP", "--denoised", "clean.txt"], "clean.txt has to end in .wav, .flac, .ogg."),
    ],
)
def test_what_cannot_be_heard_is_one_sentence(clip, arguments, sentence) -> None:
    done = listen(*(clip if word == "CLIP" else word for word in arguments))
    assert done.returncode == 1
    assert done.stderr.decode().startswith(sentence)
    assert done.stderr.count(b"\n") == 1


def test_a_missing_model_is_one_sentence(clip, tmp_path) -> None:
    done = listen(clip, MEDIAFLOW_MODELS=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.decode().startswith("Model 'pyannet-segmentation' is not in the store")
    assert done.stderr.count(b"\n") == 1
