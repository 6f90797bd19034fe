"""Sound in as it is spoken, voice activity and growing turns out, with the starter models."""

import io
import warnings
from itertools import groupby
from operator import attrgetter

import numpy as np
import pytest

from containers.common.documents.live import LIVE_EVENT, LiveSettled, LiveSpeech, LiveTurn, Ready
from containers.pyannote.listen import listen_stream

RATE = 16_000
LATENCY, STEP = 1.0, 0.51  # a window ends every half second
pytestmark = pytest.mark.slow


def listen(samples: np.ndarray, latency: float = LATENCY) -> list:
    told = io.StringIO()
    listen_stream(io.BytesIO(samples.astype(np.float32).tobytes()), told, latency)
    ready, *events = map(LIVE_EVENT.validate_json, told.getvalue().splitlines())
    assert isinstance(ready, Ready)
    settled = [event.until for event in events if isinstance(event, LiveSettled)]
    assert settled == sorted(set(settled))
    return [event for event in events if not isinstance(event, LiveSettled)]


@pytest.fixture(scope="module")
def events(speech) -> list:
    return listen(speech)


@pytest.fixture(scope="module")
def turns(events) -> list[LiveTurn]:
    return [event for event in events if isinstance(event, LiveTurn)]


def test_two_people_are_told_apart_as_they_speak(turns, reference):
    from pyannote.core import Annotation, Segment
    from pyannote.metrics.diarization import DiarizationErrorRate

    found = Annotation()
    for number, turn in enumerate(turn for turn in turns if not turn.open):
        found[Segment(turn.start, turn.end), number] = turn.speaker
    assert {turn.speaker for turn in turns} == {"SPEAKER_00", "SPEAKER_01"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'uem' was approximated", UserWarning)
        assert DiarizationErrorRate()(reference, found) < 0.25


def test_a_turn_grows_until_it_is_closed(turns):
    key = attrgetter("speaker", "start")
    for _, parts in groupby(sorted(turns, key=key), key=key):
        *open_ones, closed = parts
        assert all(part.open for part in open_ones) and not closed.open
        ends = [part.end for part in (*open_ones, closed)]
        assert ends == sorted(ends)


def test_no_turn_is_told_later_than_stated(turns):
    grown = [turn for turn in turns if turn.open]
    assert grown
    assert all(turn.heard - turn.end <= LATENCY + STEP + 0.1 for turn in grown)


def test_more_latency_lets_more_windows_decide(speech, turns):
    later = [event for event in listen(speech[: 14 * RATE], 4) if isinstance(event, LiveTurn)]
    first = next(turn for turn in later if turn.open)
    assert first.heard - first.end > LATENCY
    assert min(turn.start for turn in later) < 7.2, (
        "the first word, which a second is too short for, is there"
    )


def test_speech_is_noticed_while_it_goes_on(events, reference):
    begins = [event for event in events if isinstance(event, LiveSpeech) and event.end is None]
    ends = [event for event in events if isinstance(event, LiveSpeech) and event.end is not None]
    assert begins[0].start == pytest.approx(next(reference.itersegments()).start, abs=0.3)
    assert all(event.heard - event.start < 0.4 for event in begins)
    assert [event.start for event in begins] == [event.start for event in ends]
    assert all(event.start < event.end <= event.heard for event in ends)


@pytest.mark.parametrize("seconds", [0, 0.004, 0.3, 3])
def test_silence_of_any_length_is_nothing(seconds):
    assert listen(np.zeros(round(seconds * RATE))) == []


def test_sound_that_stops_in_the_middle_of_a_word_ends_its_turn(speech):
    events = listen(speech[: 10 * RATE])
    assert not [event for event in events if isinstance(event, LiveTurn)][-1].open
    spoken = [event.end is None for event in events if isinstance(event, LiveSpeech)]
    assert spoken == [True, False] * (len(spoken) // 2)
    assert max(event.end or 0 for event in events) <= 10
