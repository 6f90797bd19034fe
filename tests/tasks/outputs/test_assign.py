"""A transcript and a diarization in, a transcript in which every word has a speaker out."""

import time

from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from tasks.outputs.assign import assign_speakers


def words(*timed: tuple[str, float, float]) -> list[Word]:
    return [Word(word=text, start=start, end=end, score=0.9) for text, start, end in timed]


def segment(text: str, *timed: tuple[str, float, float]) -> Segment:
    said = words(*timed)
    return Segment(start=said[0].start, end=said[-1].end, text=text, words=said)


def diarization(*turns: tuple[str, float, float]) -> Diarization:
    exclusive = [Turn(speaker=speaker, start=start, end=end) for speaker, start, end in turns]
    return Diarization(turns=[], exclusive_turns=exclusive, voice_activity=[], speakers=[])


def utterances(transcript: Transcript, heard: Diarization) -> list[tuple[str | None, str]]:
    return [(part.speaker, part.text) for part in assign_speakers(transcript, heard).segments]


HELLO = segment("Hello there. Hi!", ("Hello", 0.0, 0.4), ("there.", 0.4, 0.9), ("Hi!", 1.2, 1.5))


def test_a_segment_is_split_where_the_speaker_changes():
    transcript = Transcript(segments=[HELLO], language="en")
    heard = diarization(("ann", 0.0, 1.0), ("bob", 1.1, 1.6))
    assert utterances(transcript, heard) == [("ann", "Hello there."), ("bob", "Hi!")]
    first, second = assign_speakers(transcript, heard).segments
    assert (first.start, first.end, second.start, second.end) == (0.0, 0.9, 1.2, 1.5)
    assert [word.speaker for word in first.words] == ["ann", "ann"]


def test_the_turn_that_covers_most_of_a_word_has_it():
    heard = diarization(("ann", 0.0, 0.5), ("bob", 0.5, 2.0))
    assert utterances(Transcript(segments=[HELLO], language="en"), heard) == [
        ("ann", "Hello"),
        ("bob", "there. Hi!"),
    ]


def test_a_word_outside_all_turns_goes_to_the_nearest():
    heard = diarization(("ann", 5.0, 6.0), ("bob", 9.0, 9.5))
    said = [segment("before", ("before", 0.0, 1.0)), segment("between", ("between", 8.0, 8.5))]
    said.append(segment("after", ("after", 20.0, 21.0)))
    assert utterances(Transcript(segments=said, language="en"), heard) == [
        ("ann", "before"),
        ("bob", "between"),
        ("bob", "after"),
    ]


def test_text_keeps_its_spaces_in_languages_with_and_without():
    korean = segment("안녕하세요, 반갑습니다.", ("안녕하세요,", 0.0, 1.0), ("반갑습니다.", 2.0, 3.0))
    japanese = segment("こんにちは元気", ("こんにちは", 4.0, 5.0), ("元気", 6.0, 7.0))
    transcript = Transcript(segments=[korean, japanese], language="ko")
    assert utterances(transcript, diarization(("ann", 0.0, 9.0))) == [
        ("ann", "안녕하세요, 반갑습니다."),
        ("ann", "こんにちは元気"),
    ]
    heard = diarization(("ann", 0.0, 1.5), ("bob", 1.5, 5.5), ("ann", 5.5, 8.0))
    assert utterances(transcript, heard) == [
        ("ann", "안녕하세요,"),
        ("bob", "반갑습니다."),
        ("bob", "こんにちは"),
        ("ann", "元気"),
    ]


def test_without_turns_or_words_nothing_changes():
    transcript = Transcript(segments=[HELLO], language="en")
    assert assign_speakers(transcript, diarization()) == transcript
    silence = Transcript(segments=[], language=None)
    assert assign_speakers(silence, diarization(("ann", 0.0, 1.0))) == silence
    untimed = Transcript(segments=[Segment(start=0, end=1, text="no word times")], language="en")
    assert utterances(untimed, diarization(("ann", 0.0, 1.0))) == [(None, "no word times")]


def test_the_given_transcript_stays_as_it_is():
    transcript = Transcript(segments=[HELLO], language="en")
    assign_speakers(transcript, diarization(("ann", 0.0, 1.0)))
    assert transcript.segments[0].words[0].speaker is None


def test_three_hours_take_a_moment():
    said = [segment(f"w{n}", (f"w{n}", n / 3, n / 3 + 0.3)) for n in range(30_000)]
    heard = diarization(*((f"speaker{n % 7}", n * 3.0, n * 3.0 + 2.9) for n in range(3_400)))
    started = time.process_time()
    assigned = assign_speakers(Transcript(segments=said, language="en"), heard)
    assert time.process_time() - started < 10
    assert all(part.speaker for part in assigned.segments)


SENTENCE = segment(
    "What did you do there?",
    ("What", 1.0, 1.2),
    ("did", 1.25, 1.5),
    ("you", 1.55, 1.8),
    ("do", 1.85, 2.1),
    ("there?", 2.15, 2.5),
)


def test_words_at_a_turn_s_edge_go_by_the_sentence():
    whole = [("bob", SENTENCE.text)]
    for heard in (
        diarization(("ann", 0.0, 1.25), ("bob", 1.25, 3.0)),
        diarization(("bob", 0.9, 2.15), ("ann", 2.15, 5.0)),
        diarization(("ann", 0.0, 1.2), ("bob", 1.2, 2.15), ("ann", 2.15, 5.0)),
    ):
        assert utterances(Transcript(segments=[SENTENCE], language="en"), heard) == whole


def test_what_follows_a_full_stop_is_another_sentence():
    """As the packaged call has it: "I." is taken for an initial."""
    said = segment(
        "Neither did I. Okay.",
        ("Neither", 1.0, 1.3),
        ("did", 1.3, 1.5),
        ("I.", 1.5, 1.8),
        ("Okay.", 2.0, 2.3),
    )
    heard = diarization(("ann", 0.9, 1.9), ("bob", 1.9, 5.0))
    assert [text for _, text in utterances(Transcript(segments=[said]), heard)] == ["Neither did I.", "Okay."]
    heard = diarization(("bob", 0.0, 1.85), ("ann", 1.85, 2.9))
    assert [text for _, text in utterances(Transcript(segments=[said]), heard)] == ["Neither did I.", "Okay."]


def test_what_somebody_says_in_between_stays_theirs():
    for heard, said in (
        (diarization(("ann", 0.95, 1.22), ("bob", 1.24, 3.0)), ["What", "did you do there?"]),
        (
            diarization(("bob", 0.9, 1.52), ("ann", 1.52, 1.84), ("bob", 1.84, 3.0)),
            ["What did", "you", "do there?"],
        ),
        (diarization(("bob", 0.9, 2.12), ("ann", 2.14, 2.55)), ["What did you do", "there?"]),
        (diarization(("ann", 0.0, 1.82), ("bob", 1.82, 5.0)), ["What did you", "do there?"]),
    ):
        assert [text for _, text in utterances(Transcript(segments=[SENTENCE]), heard)] == said


def test_a_segment_keeps_the_speaker_of_its_channel():
    known = HELLO.model_copy(update={"speaker": "SPEAKER_01"})
    transcript = Transcript(segments=[known], language="en")
    (said,) = assign_speakers(transcript, diarization(("SPEAKER_00", 0, 2))).segments
    assert {said.speaker, *(word.speaker for word in said.words)} == {"SPEAKER_01"}
