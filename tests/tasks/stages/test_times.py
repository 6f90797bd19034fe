"""What stages find in the sound of a part has the times of the whole."""

import numpy as np

from containers.common.contract import Span
from containers.common.documents.sounds import Prediction, Tags
from containers.common.documents.speakers import Diarization, Speaker, Turn
from containers.common.documents.speech import Dropped, Segment, Transcript, Word
from containers.deepfilternet.contract import NoiseAt, NoiseTrack
from tasks.stages.times import TIMES, later


def test_words_and_what_was_dropped():
    word = Word(word="yes", start=1.0, end=1.5, score=0.9)
    dropped = Dropped(start=3.0, end=4.0, text="Thanks!", reason="silence")
    found = Transcript(
        segments=[Segment(start=1.0, end=2.0, text="yes", words=[word])],
        language="en",
        dropped=[dropped],
        duration=5.0,
        word_times={"en": "aligned"},
    )
    moved = later(found, 60.0)
    (segment,) = moved.segments
    assert (segment.start, segment.end, segment.words[0].start, segment.words[0].end) == (61, 62, 61, 61.5)
    assert moved.dropped and (moved.dropped[0].start, moved.dropped[0].end) == (63, 64)
    assert (moved.duration, moved.word_times) == (65, {"en": "aligned"})
    assert found.segments[0].start == 1.0, "what was given stays as it is"


def test_turns_and_voices():
    turn = Turn(start=0.5, end=2.0, speaker="SPEAKER_00")
    voice = Speaker(speaker="SPEAKER_00", model="ge2e", embedding=[0.5, 0.5])
    found = Diarization(
        turns=[turn], exclusive_turns=[turn], voice_activity=[Span(start=0.5, end=2.0)], speakers=[voice]
    )
    moved = later(found, 10.25)
    for spans in (moved.turns, moved.exclusive_turns, moved.voice_activity):
        assert [(span.start, span.end) for span in spans] == [(10.75, 12.25)]
    assert np.array_equal(moved.speakers[0].embedding, [0.5, 0.5])


def test_sounds_and_noise():
    heard = Tags(predictions=[Prediction(label="Dog", score=0.9, start_time=1.0, end_time=2.0)])
    event = later(heard, 5.0).predictions[0]
    assert (event.start_time, event.end_time, event.score) == (6, 7, 0.9)
    noise = NoiseTrack(track=[NoiseAt(time=0, level_db=-40, speech=0.5)])
    assert later(noise, 5.0).track == [NoiseAt(time=5, level_db=-40, speech=0.5)]


def test_every_time_of_the_images_is_known_by_its_name():
    """A new field that says when something is must be among TIMES."""
    said = "seconds from the start of the media"
    for kind in (Transcript, Segment, Word, Dropped, Turn, Span, Prediction, NoiseAt):
        for name, field in kind.model_fields.items():
            assert name in TIMES or field.description != said, (kind, name)
