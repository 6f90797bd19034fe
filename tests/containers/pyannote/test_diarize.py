"""A recording in, who speaks when out: with the starter models and a real telephone call."""

import json
import subprocess
import sys
import warnings
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from containers.common.documents.speakers import Diarization
from containers.common.errors import MediaError, ModelMissing, UserError
from containers.common.media.audio import load_audio
from containers.common.models import store as models

RATE = 16_000
NOTHING = {"turns": [], "exclusive_turns": [], "voice_activity": [], "speakers": []}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(diarize, speech) -> dict:
    return diarize(speech)


def names(result: dict) -> list[str]:
    return [speaker["speaker"] for speaker in result["speakers"]]


def annotation(turns: list[dict]):
    from pyannote.core import Annotation, Segment

    told = Annotation()
    for number, turn in enumerate(turns):
        told[Segment(turn["start"], turn["end"]), number] = turn["speaker"]
    return told


def error_rate(reference, result: dict) -> float:
    """DER without a collar, overlap counted."""
    from pyannote.metrics.diarization import DiarizationErrorRate

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'uem' was approximated", UserWarning)
        return DiarizationErrorRate()(reference, annotation(result["turns"]))


def repeated(reference, times: int):
    from pyannote.core import Annotation, Segment

    told = Annotation()
    for turn, track, label in reference.itertracks(yield_label=True):
        for number in range(times):
            told[Segment(turn.start + 30 * number, turn.end + 30 * number), f"{track}{number}"] = label
    return told


def test_two_people_on_the_telephone(found, reference):
    Diarization.model_validate(found)
    assert names(found) == ["SPEAKER_00", "SPEAKER_01"]
    assert error_rate(reference, found) < 0.07


def test_turns_are_in_order_and_speakers_are_named_as_they_appear(found):
    for turns in (found["turns"], found["exclusive_turns"], found["voice_activity"]):
        assert all(0 <= turn["start"] < turn["end"] <= 30 for turn in turns)
        assert [turn["start"] for turn in turns] == sorted(turn["start"] for turn in turns)
    assert found["turns"][0]["speaker"] == "SPEAKER_00"
    assert {turn["speaker"] for turn in found["turns"]} == set(names(found))


def test_overlap_is_kept_in_turns_and_resolved_in_exclusive_turns(found):
    assert any(before["end"] > after["start"] for before, after in pairwise(found["turns"]))
    assert all(before["end"] <= after["start"] for before, after in pairwise(found["exclusive_turns"]))


def test_voice_activity_covers_what_is_said(found, reference):
    speech = reference.get_timeline().support()
    heard = annotation([span | {"speaker": "speech"} for span in found["voice_activity"]]).get_timeline()
    assert speech.crop(heard).duration() / speech.duration() > 0.97
    assert speech.crop(heard).duration() / heard.duration() > 0.95


def test_every_speaker_has_a_voice_of_length_one(found):
    for speaker in found["speakers"]:
        assert speaker["model"] == "ge2e-speaker"
        assert np.linalg.norm(speaker["embedding"]) == pytest.approx(1, abs=1e-4)
        assert len(speaker["embedding"]) == 256


@pytest.mark.parametrize("gain", [0.1, 0.5])
def test_quiet_recordings_are_told_apart_as_well(diarize, speech, reference, gain):
    assert error_rate(reference, diarize(speech * gain)) < 0.1


def test_a_video_s_sound_track(diarize, demo_video, reference):
    assert error_rate(reference, diarize(demo_video)) < 0.1


def test_a_denoised_recording(diarize, demo_video, reference, tmp_path):
    from containers.deepfilternet.app import handler

    target = (tmp_path / "denoised.wav").as_uri()
    handler({"audio": demo_video.as_uri(), "audio_uri": target, "mode": "on"}, None)
    denoised = diarize(load_audio(target, RATE))
    assert len(names(denoised)) == 2
    assert error_rate(reference, denoised) < 0.1


def test_a_longer_recording_has_no_more_speakers(diarize, speech, reference):
    long = diarize(np.tile(speech, 3))
    assert len(names(long)) == 2
    assert error_rate(repeated(reference, 3), long) < 0.1


def test_one_person_alone_is_one_speaker(diarize, alone):
    for voice in alone.values():
        assert names(diarize(voice)) == ["SPEAKER_00"]


def test_part_of_a_recording_still_has_two(diarize, speech):
    assert len(names(diarize(speech[round(14.4 * RATE) :]))) == 2


def test_a_voice_is_found_again_in_another_recording(found, diarize, alone):
    known = np.array([speaker["embedding"] for speaker in found["speakers"]])
    alike = [int(np.argmax(known @ diarize(voice)["speakers"][0]["embedding"])) for voice in alone.values()]
    assert sorted(alike) == [0, 1]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.usefixtures("heard_once")
def test_a_known_number_of_speakers_is_kept(diarize, speech, count):
    assert len(names(diarize(speech, num_speakers=count))) == count


@pytest.mark.usefixtures("heard_once")
def test_bounds_on_the_number_of_speakers_are_kept(diarize, speech):
    assert len(names(diarize(speech, max_speakers=1))) == 1
    assert len(names(diarize(speech, min_speakers=3))) == 3
    assert len(names(diarize(speech, min_speakers=1, max_speakers=5))) == 2


@pytest.mark.usefixtures("heard_once")
def test_more_speakers_than_there_are_voices_is_no_error(diarize, speech):
    assert 1 <= len(names(diarize(speech[: 8 * RATE], num_speakers=20))) <= 20


@pytest.mark.parametrize(
    "asked",
    [{"min_speakers": 3, "max_speakers": 2}, {"num_speakers": 5, "max_speakers": 2}],
)
def test_numbers_that_contradict_each_other(diarize, speech, asked):
    with pytest.raises(UserError, match="contradict each other"):
        diarize(speech[:RATE], **asked)


def test_no_speakers_at_all_is_refused(diarize, speech):
    with pytest.raises(UserError, match="num_speakers"):
        diarize(speech[:RATE], num_speakers=0)


@pytest.mark.parametrize("seconds", [0, 0.01, 0.5, 7])
def test_silence_has_nobody(diarize, seconds):
    assert diarize(np.zeros(round(seconds * RATE), np.float32)) == NOTHING


def test_noise_and_tones_have_nobody(diarize):
    noise = np.random.default_rng(0).normal(0, 0.1, 8 * RATE).astype(np.float32)
    tone = (0.3 * np.sin(2 * np.pi * 440 * np.arange(8 * RATE) / RATE)).astype(np.float32)
    assert diarize(noise)["turns"] == diarize(tone)["turns"] == []


@pytest.mark.parametrize("seconds", [0.01, 0.3, 0.9])
def test_less_than_a_second_of_speech(diarize, speech, seconds):
    start = round(8.5 * RATE)
    result = diarize(speech[start : start + round(seconds * RATE)])
    assert all(turn["end"] <= seconds for turn in result["turns"])
    assert len(names(result)) <= 1
    if seconds > 0.5:
        assert names(result) == ["SPEAKER_00"]


def test_the_same_recording_gives_the_same_answer(diarize, found, speech):
    assert diarize(speech) == found


def test_a_file_that_is_no_media(diarize, tmp_path):
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF" + bytes(2000))
    with pytest.raises(MediaError):
        diarize(broken)


def test_a_missing_model_is_named_with_the_command_that_fetches_it(diarize, speech, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path))
    models.open_model.cache_clear()
    with pytest.raises(ModelMissing, match=r"fetch pyannet-segmentation"):
        diarize(speech[:RATE])
    models.open_model.cache_clear()


def test_the_handler_says_nothing_but_its_log_line(speech_wav, tmp_path):
    code = (
        "import sys; from containers.pyannote.app import handler; assert 'torch' not in sys.modules\n"
        "handler({'audio': sys.argv[1], 'result_uri': sys.argv[2]}, None)"
    )
    target = tmp_path / "diarization.json"
    ran = subprocess.run(
        [sys.executable, "-c", code, speech_wav.as_uri(), target.as_uri()],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert ran.stdout == ""
    log, metrics = map(json.loads, ran.stderr.splitlines())
    assert (log["event"], log["media_seconds"]) == ("model_inference", pytest.approx(30, abs=0.1))
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Mediaflow"
    Diarization.model_validate_json(target.read_bytes())


def test_turns_that_nobody_could_speak_in_are_none(found):
    turns = [*found["turns"], *found["exclusive_turns"]]
    assert min(turn["end"] - turn["start"] for turn in turns) >= 0.099


@pytest.mark.usefixtures("heard_once")
def test_speakers_who_are_not_heard_are_told(diarize, speech):
    """One phrase of one voice: whoever asks for nine gets those that there are, and is told."""
    found = diarize(speech[round(11 * RATE) : round(13 * RATE)], min_speakers=9)
    assert found["note"] == f"asked for at least 9 speakers, heard {len(names(found))}"
    assert "note" not in diarize(speech[round(11 * RATE) : round(13 * RATE)])
