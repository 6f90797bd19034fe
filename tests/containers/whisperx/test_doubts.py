"""What nobody said is dropped or flagged, with the reason."""

import pytest

from containers.common.contract import Span
from containers.common.documents.speech import Segment, Word
from containers.whisperx.doubts import (
    cut_loops,
    is_loop,
    judge_segments,
    judge_stretch,
)
from containers.whisperx.segments import count_syllables, split_segments
from containers.whisperx.sentences import HeardWord
from containers.whisperx.speech import Stretch
from containers.whisperx.words import Hypothesis


def said(text: str, step: float = 0.4) -> list[HeardWord]:
    return [HeardWord(f" {word}", n * step, (n + 1) * step, 0.9) for n, word in enumerate(text.split())]


def hypothesis(
    text: str, logprob: float = -0.3, no_speech: float = 0.01, compression: float = 1.0
) -> Hypothesis:
    return Hypothesis(said(text), text, logprob, no_speech, compression)


def stretch(start: float, end: float, *voiced: tuple[float, float]) -> Stretch:
    parts = voiced or ((start, end),)
    return Stretch(Span(start=start, end=end), [Span(start=one, end=other) for one, other in parts])


def test_what_whisper_itself_takes_for_silence():
    silence = judge_stretch(hypothesis("Thank you.", logprob=-1.3, no_speech=0.83), stretch(2, 4))
    assert silence.reason == "no speech: Whisper's probability of silence is 0.83"
    assert (silence.start, silence.end, silence.text) == (2, 4, "Thank you.")
    assert (
        judge_stretch(hypothesis("Thank you.", no_speech=0.83), stretch(2, 4)) is None
    )  # it is sure of its words


@pytest.mark.parametrize(
    "text",
    ["Thanks for watching and see you in the next video.", "시청해주셔서 감사합니다 다음 영상에서 만나요"],
)
def test_more_than_a_mouth_can_say(text):
    assert "impossible speaking rate" in judge_stretch(hypothesis(text), stretch(0, 0.4)).reason
    assert judge_stretch(hypothesis(text), stretch(0, 4)) is None


def test_syllables_are_counted_for_each_script():
    assert count_syllables("안녕하세요, 반갑습니다.") == 10
    assert count_syllables("hello world") == 4
    assert count_syllables("...!") == 0


def test_a_loop_is_said_once():
    kept, dropped = cut_loops(said("Well, " + "I'll be honest with you. " * 9 + "Goodbye."), stretch(0, 30))
    assert [word.word.strip() for word in kept] == [
        "Well,",
        "I'll",
        "be",
        "honest",
        "with",
        "you.",
        "Goodbye.",
    ]
    (loop,) = dropped
    assert loop.reason == "repeated 9 times"
    assert loop.text == " ".join(["I'll be honest with you."] * 8)
    assert kept[-1].start >= loop.end


def test_people_repeat_themselves_too():
    kept, dropped = cut_loops(said("no no no no we will we will rock you"), stretch(0, 5))
    assert not dropped and len(kept) == 10


def test_what_is_said_again_after_a_pause_each_time_is_kept():
    """As an announcement has it; said as often in one breath it is a loop."""
    calls = [
        HeardWord(f" {word}", 1.2 * n + at, 1.2 * n + at + 0.4, 0.9)
        for n in range(6)
        for word, at in (("Stand", 0.0), ("back.", 0.4))
    ]
    apart = stretch(0, 7.2, *((1.2 * n, 1.2 * n + 0.8) for n in range(6)))
    assert cut_loops(calls, apart) == (calls, [])
    kept, dropped = cut_loops(calls, stretch(0, 7.2))
    assert (len(kept), dropped[0].reason) == (2, "repeated 6 times")


def test_a_sentence_is_not_said_twice_in_the_time_of_one():
    """whisper-base wrote so, on one processor, of 3.8 s of the packaged call."""
    words = said("I thought, you know, I heard a beep. This is Diane in New Jersey. " * 2)
    kept, dropped = cut_loops(words, stretch(0, 3.8))
    assert len(kept) == 14
    assert [drop.reason for drop in dropped] == ["repeated 2 times"]
    assert cut_loops(words, stretch(0, 7.6)) == (words, [])


def test_text_where_nobody_spoke_is_dropped():
    segments = split_segments(said("Subscribe to my channel!"), Span(start=0, end=2))
    kept, dropped = judge_segments(segments, stretch(0, 20, (10, 20)), -0.2)
    assert not kept
    assert dropped[0].reason == "no voice: activity covers 0%"


def test_doubts_are_flagged():
    words = [Word(word="mumble", start=0, end=1, score=0.2)]
    segment = Segment(start=0, end=1, text="mumble", words=words)
    (kept,), _ = judge_segments([segment], stretch(0, 1), -1.5)
    assert kept.flags == ["unlikely text: mean log probability -1.50", "uncertain words: mean score 0.20"]
    (sure,), _ = judge_segments(
        [segment.model_copy(update={"words": [words[0].model_copy(update={"score": 1})]})],
        stretch(0, 1),
        -0.2,
    )
    assert sure.flags is None


def test_what_is_said_again_between_other_words_is_no_loop():
    """As in announcements and menus, which compress as well as loops do."""
    menu = "For sales press one. For service press one. Press one again, or press two. " * 3
    assert not is_loop(hypothesis(menu, compression=2.6), stretch(0, 30))
    assert is_loop(hypothesis(menu, compression=2.6), stretch(0, 4)), "faster than anybody talks"
    assert is_loop(hypothesis("I will be honest with you. " * 9, compression=2.6), stretch(0, 30))
    assert not is_loop(hypothesis("I will be honest with you. " * 9, compression=2.3), stretch(0, 30))


def test_what_nobody_can_have_said_is_dropped():
    def judged(text: str, start: float, end: float, score: float, voice: Stretch) -> str | None:
        words = [Word(word=word, start=start, end=end, score=score) for word in text.split()]
        _, dropped = judge_segments([Segment(start=start, end=end, text=text, words=words)], voice, -0.5)
        return dropped[0].reason if dropped else None

    assert judged("Thank you.", 1, 2, 0.017, stretch(0, 3)) == "no words: mean score 0.02"
    assert judged("Thank you.", 1, 2, 0.3, stretch(0, 3)) is None
    assert judged("Yes.", 0, 0.2, 0.9, stretch(0, 0.2)) == "no word is so short: 0.20 s of voice"
    assert judged("Yes.", 0, 0.3, 0.9, stretch(0, 0.3)) is None


def test_a_sentence_is_not_written_again_in_the_last_moment():
    text = "Today only platforms one and three are used."
    spoken = Span(start=0, end=3.4)
    words = [*said(text), *[HeardWord(f" {word}", 3.23, 3.39, 0.6) for word in text.split()]]
    kept, dropped = judge_segments(split_segments(words, spoken, "en"), stretch(0, 3.4), -0.3)
    assert [segment.text for segment in kept] == [text]
    assert "written again" in dropped[0].reason
