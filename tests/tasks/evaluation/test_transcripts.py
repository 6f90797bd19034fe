"""Words where nobody speaks, alignment against CTM, subtitles against the guide: each counted another way."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from containers.common.contract import Span
from containers.common.documents.speech import Segment, Transcript, Word
from tasks.evaluation import silence
from tasks.evaluation.dataset import Item
from tasks.evaluation.nist import Utterance, read_ctm
from tasks.evaluation.statistics import estimate
from tasks.evaluation.subtitling import score_subtitles
from tasks.evaluation.transcripts import MEASURES, score_transcript
from tasks.evaluation.words import score_words
from tasks.outputs.cues import list_cues
from tasks.outputs.subtitles import cues_to_srt
from tests.tasks.outputs.guide import faults, read

BY_NAME = {measure.name: measure for measure in MEASURES}


def heard(*words: tuple[str, float, float], language: str = "en") -> Transcript:
    found = [Word(word=word, start=start, end=end, score=1) for word, start, end in words]
    text = " ".join(word.word for word in found)
    last = max((word.end for word in found), default=0.0)
    segment = Segment(start=found[0].start, end=last, text=text, words=found, language=language)
    return Transcript(segments=[segment], language=language, duration=last + 5)


def test_words_in_silence_are_those_of_counting_every_hundredth_of_a_second() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        starts = np.round(np.sort(random.random(6)) * 50, 2)
        spoken = [Span(start=at, end=round(at + random.random() * 5, 2)) for at in starts]
        words = [
            (f"w{n}", at, round(at + 0.3, 2)) for n, at in enumerate(np.round(random.random(30) * 59, 2))
        ]
        scored = [Span(start=5, end=40), Span(start=45, end=60)] if random.random() < 0.5 else None
        quiet = silence.silences(spoken, scored, 60)
        row = silence.score_silence(quiet, heard(*sorted(words, key=lambda one: one[1])))
        free = np.ones(6000, bool)
        for one in spoken:
            free[max(0, round((one.start - 0.25) * 100)) : round((one.end + 0.25) * 100)] = False
        if scored:
            outside = np.ones(6000, bool)
            for one in scored:
                outside[round(one.start * 100) : round(one.end * 100)] = False
            free &= ~outside
        edges = np.flatnonzero(np.diff(np.concatenate([[0], free.astype(int), [0]])))
        for first, last in edges.reshape(-1, 2):
            if last - first < 50:
                free[first:last] = False
        inside = sum(free[round(start * 100) : round(end * 100)].all() for _, start, end in words)
        assert row["silent_minutes"] == pytest.approx(free.sum() / 6000)
        assert row["words_in_silence"] == inside


def test_a_recording_in_which_nobody_speaks_is_silence_from_end_to_end(tmp_path: Path) -> None:
    item = Item(media=tmp_path / "rain.wav", id="rain", text="")
    row = score_transcript(item, heard(("thank", 1, 1.5), ("you", 1.5, 2)), 30.0)
    assert (row["silent_minutes"], row["words_in_silence"]) == (0.5, 2)
    assert (
        score_transcript(item.model_copy(update={"text": "hello"}), heard(("hello", 1, 2)), 30.0)[
            "silent_minutes"
        ]
        == 0
    ), "of a text without times nobody knows when it is said"


def test_alignment_is_the_median_of_all_starts_and_ends_against_a_ctm(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    texts = [f"word{number}" for number in range(40)]
    starts = np.arange(40) * 0.5
    late = np.round(random.normal(0, 0.1, (40, 2)), 3)
    lines = [f"other 1 {at} 0.3 no" for at in starts]
    lines += [f"a 1 {at:.3f} 0.300 {text} 0.9" for at, text in zip(starts, texts, strict=True)]
    (tmp_path / "a.ctm").write_text("\n".join(lines))
    words = [
        (text, max(0.0, at + first), at + 0.3 + last)
        for text, at, (first, last) in zip(texts, starts, late, strict=True)
    ]
    row = score_words(read_ctm(tmp_path / "a.ctm", "a"), heard(*words), "en")
    errors = np.array([[w[1] - at, w[2] - at - 0.3] for w, at in zip(words, starts, strict=True)])
    found = estimate(pd.DataFrame([{"item": "a", **row}]), BY_NAME["alignment"])
    lower, upper = np.sort(1000 * np.abs(np.round(errors, 4)).ravel())[39:41]
    assert lower - 1e-6 <= found.value <= upper + 1e-6


def test_subtitles_are_judged_as_the_guide_judges_what_is_written() -> None:
    """Of the written file: read again, and held to the guide by what tests hold the writer to."""
    slow = heard(*((f"slow{n}", n * 1.0, n + 0.6) for n in range(20)))
    fast = heard(*(("extraordinarily", n * 0.1, n * 0.1 + 0.1) for n in range(60)))
    for transcript in (slow, fast):
        row = score_subtitles(transcript)
        srt = cues_to_srt(list_cues(transcript))
        shown = read(srt)
        speeds = [sum(map(len, cue.lines)) / (cue.end - cue.start) for cue in shown]
        assert row["cues"] == len(shown)
        assert row["fast_cues"] == sum(speed > 17 * 1.01 for speed in speeds)
        words = [word.word for segment in transcript.segments for word in segment.words]
        assert bool(row["odd_cues"]) == bool(
            [one for one in faults(srt, "en", words, transcript.duration or 0) if "columns" not in one]
        )
    assert score_subtitles(slow)["fast_cues"] == 0 < score_subtitles(fast)["fast_cues"]


def test_where_nothing_was_heard_there_are_no_subtitles() -> None:
    nothing = Transcript(segments=[], language="en")
    assert score_subtitles(nothing) == {"cues": 0, "fast_cues": 0, "odd_cues": 0}


def test_a_text_that_nobody_can_lay_out_is_counted() -> None:
    wide = heard(("x" * 100, 0.0, 8.0))
    assert score_subtitles(wide)["odd_cues"] == sum(
        any(len(line) > 42 for line in cue.lines) or len(cue.lines) > 2 for cue in list_cues(wide)
    )


def test_what_is_shown_is_as_it_was_spoken() -> None:
    row = score_words(
        [Utterance("It costs $20, (uh) really!", None, None, marked=True)], heard(("Twenty", 0, 1)), "en"
    )
    assert (row["as_said"], row["as_heard"]) == ("It costs $20, uh really!", "Twenty")
