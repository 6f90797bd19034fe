"""What is transcribed of live sound, and whose words are theirs."""

import queue

import numpy as np
import pytest

from containers.common.documents.live import LiveSpeech, LiveTurn, LiveWords
from containers.common.documents.speech import Segment, Word
from tasks.live.words import KEPT, LONGEST, MARGIN, RATE, Recorder, Speakers, SpeechCut, batches

BLOCK = RATE // 10


def hear(recorder: Recorder, samples: np.ndarray) -> None:
    for start in range(0, len(samples), BLOCK):
        recorder.hear(samples[start : start + BLOCK])


def speech(start: float, end: float | None = None) -> LiveSpeech:
    return LiveSpeech(start=start, end=end, heard=end or start)


def ramp(seconds: float) -> np.ndarray:
    """Every sample is its own place, so that a cut shows where it was made."""
    return np.arange(round(seconds * RATE), dtype=np.float32)


def test_speech_that_has_ended_is_cut_with_some_sound_around_it():
    recorder = Recorder()
    hear(recorder, ramp(10))
    assert recorder.notice(speech(2)) == []
    (found,) = recorder.notice(speech(2, 4))
    assert (found.start, found.end, found.first) == (2, 4, pytest.approx(2 - MARGIN))
    assert found.samples[0] == round((2 - MARGIN) * RATE)
    assert len(found.samples) == round((2 + 2 * MARGIN) * RATE)


def test_speech_that_goes_on_is_cut_where_it_is_quiet_and_goes_on_from_there():
    recorder, sound = Recorder(), np.ones(40 * RATE, np.float32)
    sound[24 * RATE : round(24.2 * RATE)] = 0
    hear(recorder, sound)
    recorder.notice(speech(1))
    assert recorder.go_on(20) == []
    (first,) = recorder.go_on(29)
    assert (first.start, first.end) == (1, pytest.approx(24.1, abs=0.15))
    assert first.end - first.start <= LONGEST
    (rest,) = recorder.notice(speech(1, 35))
    assert (rest.start, rest.end) == (first.end, 35)


def test_hours_are_not_kept():
    recorder = Recorder()
    for _ in range(200):
        hear(recorder, np.zeros(RATE, np.float32))
    assert sum(map(len, recorder._blocks)) <= KEPT * RATE + BLOCK


def test_what_has_waited_is_written_together_as_far_as_a_window_holds_it():
    waiting: queue.Queue = queue.Queue()
    for start in (0, 3, 10, 40):
        waiting.put(SpeechCut(start, start + 2, start, np.full(2 * RATE, start + 1, np.float32)))
    waiting.put(None)
    one, other = batches(waiting)
    assert (one.start, one.end, len(one.samples)) == (0, 12, 12 * RATE)
    assert one.samples[::RATE].tolist() == [1, 1, 0, 4, 4, 0, 0, 0, 0, 0, 11, 11]
    assert (other.start, other.end) == (40, 42)


def test_words_wait_for_their_speakers_and_go_to_who_spoke():
    speakers = Speakers()
    for name, start, end in (("SPEAKER_00", 0, 2), ("SPEAKER_01", 1.8, 4)):
        speakers.say(LiveTurn(speaker=name, start=start, end=end, open=False, heard=5))
    speakers.settle(4)
    said = [("Yes.", 0.2, 0.6), ("Who?", 1.0, 1.5), ("You", 2.2, 2.6), ("there.", 2.7, 3.5)]
    words = [Word(word=word, start=start, end=end, score=1) for word, start, end in said]
    whole = Segment(start=0.2, end=3.5, text="Yes. Who? You there.", words=words)
    found = speakers.of(LiveWords(start=0, end=4, segments=[whole]))
    assert [(part.speaker, part.text.strip()) for part in found] == [
        ("SPEAKER_00", "Yes. Who?"),
        ("SPEAKER_01", "You there."),
    ]
