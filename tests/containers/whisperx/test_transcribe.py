"""A recording in, timed words out: with the starter models and a real telephone call."""

import json
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest

from benchmarks.switching import speak
from containers.common.documents.speech import Transcript
from containers.common.errors import MediaError, ModelMissing, StorageError, UserError
from containers.common.models import store as models
from containers.whisperx import words as whisper_words

RATE = 16_000
NOTHING = {"segments": []}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def call(transcribe, speech) -> dict:
    return transcribe(speech)


def text(result: dict) -> str:
    return " ".join(segment["text"] for segment in result["segments"])


def words(result: dict) -> list[dict]:
    return [word for segment in result["segments"] for word in segment["words"]]


def test_a_telephone_call_is_understood(call, written, plain):
    Transcript.model_validate(call)
    assert call["language"] == "en"
    said = " ".join(text for *_, text in written)
    assert jiwer.wer(plain(said), plain(text(call))) < 0.2


def test_words_rise_inside_their_segment_and_the_media(call):
    for segment in call["segments"]:
        assert 0 <= segment["start"] == segment["words"][0]["start"]
        assert segment["end"] == segment["words"][-1]["end"] <= 30
    for word in words(call):
        assert word["start"] < word["end"]
        assert 0 <= word["score"] <= 1
        assert word["word"] == word["word"].strip() != ""
        assert round(word["start"], 3) == word["start"]
    assert all(before["end"] <= after["start"] for before, after in pairwise(words(call)))


def test_segments_are_sentences(call):
    assert 10 <= len(call["segments"]) <= 16
    assert all(segment["text"].endswith((".", "?", "!", "…")) for segment in call["segments"])
    assert all(segment["end"] - segment["start"] < 6 for segment in call["segments"])
    for segment in call["segments"]:
        assert segment["text"].split() == [word["word"] for word in segment["words"]]


def test_sentences_are_where_they_are_said(call, written):
    """Half of them begin within 0.2 s of the written time, nine in ten within 0.5 s."""
    starts = np.array([segment["start"] for segment in call["segments"]])
    off = np.sort([np.abs(starts - start).min() for start, *_ in written])
    assert off[len(off) // 2] < 0.2
    assert off[int(len(off) * 0.9)] < 0.5


def test_a_given_language_is_kept(transcribe, sentence):
    result = transcribe(sentence, language="de")
    assert result["language"] == "de"
    assert "New Jersey" in text(result)


def test_hotwords_help_with_rare_words(transcribe, sentence):
    assert "beep" not in text(transcribe(sentence))
    assert "beep" in text(transcribe(sentence, hotwords="beep"))


def test_a_prompt_shows_how_to_write(transcribe, sentence):
    assert "okay i thought" in text(transcribe(sentence, initial_prompt="okay i heard a beep who is it"))
    assert "Okay, I thought" in text(transcribe(sentence))


def test_several_stretches_at_once_give_the_words_of_one_by_one(transcribe, sentence, plain):
    """But for a word on the brink: sums over a batch are rounded otherwise."""
    pause = np.zeros(28 * RATE, np.float32)
    long = np.concatenate([sentence, pause, sentence])
    together, apart = transcribe(long, batch_size=4), transcribe(long, batch_size=1)
    assert jiwer.wer(plain(text(apart)), plain(text(together))) < 0.1
    assert text(together).count("New Jersey") == 2
    assert words(together)[-1]["start"] > 30


def test_more_beams_look_further(transcribe, speech):
    """In noise, where words are unclear: in clear speech they may well find the same ones."""
    random = np.random.default_rng(0)
    noisy = [speech[6 * RATE :] + random.normal(0, 0.02, len(speech) - 6 * RATE) for _ in range(3)]
    found = [[text(transcribe(each, beam_size=beams)) for beams in (1, 5)] for each in noisy]
    assert any(one != five for one, five in found)


def test_full_precision(transcribe, sentence):
    assert "New Jersey" in text(transcribe(sentence, compute_type="float32"))


def test_voice_activity_decides_what_is_decoded(transcribe, sentence):
    quiet = sentence + np.random.default_rng(0).normal(0, 0.1, len(sentence)).astype(np.float32)
    assert len(words(transcribe(quiet, vad_onset=0.999, vad_offset=0.99))) < len(words(transcribe(sentence)))


def test_speech_far_below_what_people_record_is_understood_as_well(transcribe, sentence, plain):
    quiet = transcribe(sentence * np.float32(10 ** (-50 / 20)))  # some -85 dBFS
    assert jiwer.wer(plain(text(transcribe(sentence))), plain(text(quiet))) <= 0.1


@pytest.mark.parametrize("seconds", [0, 0.01, 0.5, 40])
def test_silence_has_no_words_and_no_language(transcribe, seconds):
    assert transcribe(np.zeros(round(seconds * RATE), np.float32)) == NOTHING


def test_noise_and_tones_have_no_words(transcribe):
    time = np.arange(12 * RATE) / RATE
    noise = np.random.default_rng(0).normal(0, 0.1, len(time)).astype(np.float32)
    siren = (0.3 * np.sin(2 * np.pi * (600 * time + 40 * np.sin(time)))).astype(np.float32)
    # Beats like syllables: taken for a voice, but Whisper itself finds nothing in it.
    hum = np.sin(2 * np.pi * 180 * time) * 0.2 + np.sin(2 * np.pi * 720 * time) * 0.1
    hum = (hum * (1 + np.sin(2 * np.pi * 4 * time))).astype(np.float32)
    assert transcribe(noise) == transcribe(siren) == NOTHING
    assert words(transcribe(hum)) == words(transcribe(chords())) == []


def chords() -> np.ndarray:
    """20 s of music: a bass, a melody and chords with overtones that are struck twice a second."""
    time = np.arange(20 * RATE) / RATE
    struck = np.exp(-3 * (time * 2 % 1))
    root = 110 * 2 ** (np.array([0, 5, 7, 0])[(time // 2).astype(int) % 4] / 12)
    tune = 440 * 2 ** (np.array([0, 2, 4, 7, 4, 2, 5, 0])[(time * 2).astype(int) % 8] / 12)
    notes = [root, root * 2, root * 2 ** (16 / 12), root * 2 ** (19 / 12), tune]
    phases = [np.cumsum(note) / RATE * 2 * np.pi for note in notes]
    music = sum(np.sin(n * phase) / n**1.5 for phase in phases for n in range(1, 6))
    return (0.08 * music * struck).astype(np.float32)


def test_whisper_does_not_loop(transcribe, speech):
    """Eight voices at once: the base model falls into "I'll be honest with you." over and over."""
    crowd = sum(np.roll(np.tile(speech, 2), round(late * 1.7 * RATE)) for late in range(8)) / 4
    said = [word["word"] for word in words(transcribe(crowd.astype(np.float32)))]
    sixes = [tuple(said[place : place + 6]) for place in range(len(said) - 5)]
    assert len(sixes) == len(set(sixes))


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="espeak-ng is not installed")
def test_an_announcement_that_is_made_six_times_is_written_six_times(transcribe, plain):
    call, pause = speak("en", "Stand back."), np.zeros(round(0.4 * RATE), np.float32)
    end = speak("en", "The train is passing through.")
    made = np.concatenate([*[call, pause] * 6, end])
    result = transcribe(made, language="en")
    assert plain(text(result)).count("stand back") == 6
    starts = [segment["start"] for segment in result["segments"]]
    step = (len(call) + len(pause)) / RATE
    assert np.abs(np.array(starts[:6]) - np.arange(6) * step).max() < 0.3


def test_what_whisper_leaves_out_at_the_end_is_listened_to_again(transcribe, speech, plain, monkeypatch):
    """It ends some stretches in the middle; here it is made to, once."""
    whole = plain(text(transcribe(speech)))
    decode, ended = whisper_words.decode, []

    def ends_early(*args, **options):
        found = decode(*args, **options)
        if ended:
            return found
        ended.append(True)
        return [heard._replace(words=heard.words[:5]) for heard in found]

    monkeypatch.setattr(whisper_words, "decode", ends_early)
    again = plain(text(transcribe(speech)))
    assert len(again.split()) > 0.8 * len(whole.split()), "less than a fifth lies beside the cut"
    assert again.split()[-20:] == whole.split()[-20:]


def test_half_a_second_of_speech(transcribe, speech, plain):
    result = transcribe(speech[round(8.3 * RATE) : round(8.9 * RATE)])
    assert plain(text(result)) == "oh hello"
    assert words(result)[-1]["end"] <= 0.6


def test_a_video_s_sound_track(transcribe, demo_video, written, plain):
    said = " ".join(text for *_, text in written)
    assert jiwer.wer(plain(said), plain(text(transcribe(demo_video)))) < 0.2


def test_the_same_recording_gives_the_same_answer(transcribe, sentence):
    assert transcribe(sentence) == transcribe(sentence)


def test_a_language_whisper_does_not_know(transcribe, sentence):
    for language in ("xx", "klingon", "yue"):  # Cantonese has a token since large-v3
        with pytest.raises(UserError, match=f"does not know the language '{language}'"):
            transcribe(sentence, language=language)


def test_a_model_that_is_no_whisper(transcribe, sentence):
    for model in ("whisper-huge", "ge2e-speaker"):
        with pytest.raises(UserError, match=f"'{model}' is no Whisper of the catalogue: choose whisper-base"):
            transcribe(sentence, model=model)


def test_a_prompt_that_does_not_fit(transcribe, sentence):
    with pytest.raises(UserError, match="Whisper takes 223 at most"):
        transcribe(sentence, initial_prompt="word " * 150, hotwords="beep " * 150)


def test_voice_activity_thresholds_the_wrong_way_round(transcribe, sentence):
    with pytest.raises(UserError, match="vad_offset must not be greater than vad_onset"):
        transcribe(sentence, vad_onset=0.3, vad_offset=0.6)


@pytest.mark.parametrize("start", [0.0, 10.5, 12.345])
def test_a_piece_of_a_recording_has_the_whole_recording_s_times(transcribe, speech, call, start):
    piece = transcribe(speech, start=start, end=24.0)
    assert words(piece)[0]["start"] >= start and words(piece)[-1]["end"] <= 24.0
    ours, whole = ({w["word"]: w["start"] for w in words(found)} for found in (piece, call))
    assert ours["Jersey."] == pytest.approx(whole["Jersey."], abs=0.3)


def test_short_windows_cost_no_words(transcribe, speech, written, plain):
    result = transcribe(speech, chunk_size=8)
    assert jiwer.wer(plain(" ".join(text for *_, text in written)), plain(text(result))) < 0.3


def test_each_segment_says_its_language_and_what_timed_its_words(call):
    assert {segment["language"] for segment in call["segments"]} == {"en"}
    assert call["word_times"] == {"en": "whisper"}
    assert "dropped" not in call


def test_a_gpu_that_is_not_there_and_types_that_do_not_fit(transcribe, sentence):
    import ctranslate2

    if ctranslate2.get_cuda_device_count():
        pytest.skip("there is a GPU")
    with pytest.raises(UserError, match="finds no GPU here"):
        transcribe(sentence, device="cuda")
    with pytest.raises(UserError, match="float16"):
        transcribe(sentence, compute_type="float16")


def test_options_out_of_range_are_refused(transcribe, sentence):
    for wrong in (
        {"batch_size": 0},
        {"beam_size": 0},
        {"vad_onset": 1},
        {"compute_type": "int4"},
        {"beams": 5},
    ):
        with pytest.raises(UserError, match=next(iter(wrong))):
            transcribe(sentence, **wrong)


def test_files_that_are_no_media(transcribe, tmp_path):
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(b"not a recording")
    with pytest.raises(MediaError):
        transcribe(broken)
    with pytest.raises(StorageError, match="There is no file"):
        transcribe(tmp_path / "nowhere.wav")


def test_a_missing_model_is_named_with_the_command_that_fetches_it(
    transcribe, sentence, tmp_path, monkeypatch
):
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path))
    models.open_model.cache_clear()
    with pytest.raises(ModelMissing, match=r"fetch pyannet-segmentation"):
        transcribe(sentence)
    models.open_model.cache_clear()


def test_the_handler_says_nothing_but_its_log_line(speech_wav, tmp_path):
    code = (
        "import sys; from containers.whisperx.app import handler; assert 'torch' not in sys.modules\n"
        "handler({'audio': sys.argv[1], 'result_uri': sys.argv[2]}, None)"
    )
    target = tmp_path / "transcript.json"
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
    Transcript.model_validate_json(target.read_bytes())
