"""Words by speaker, against MeetEval: its figures of random meetings, and itself where it is installed."""

from itertools import permutations

import numpy as np
import pytest

from containers.common.contract import Span
from containers.common.documents.speech import Segment, Transcript, Word
from tasks.evaluation.attributed import (
    SpokenWord,
    match_errors,
    plain_errors,
    score_attributed,
    side_by_side,
    timed_errors,
)
from tasks.evaluation.nist import Utterance

VOCABULARY = [*"abcdefgh", "abba", "longer"]
# meeteval 0.4.3's cpwer and tcpwer (collar 5 s) of meeting(seed): errors, errors in time, words.
MEETEVAL: dict[int, tuple[int, int, int]] = {
    0: (38, 38, 41),
    1: (21, 21, 24),
    2: (22, 27, 25),
    3: (25, 26, 20),
    4: (36, 48, 44),
    5: (51, 57, 64),
    6: (20, 34, 21),
    7: (44, 52, 46),
}


def meeting(seed: int) -> tuple[list[Utterance], Transcript]:
    """Up to three true speakers and up to three found ones, who talk over each other and over themselves."""
    random = np.random.default_rng(seed)
    said, segments = [], []
    for speaker in range(random.integers(1, 4)):
        now = 0.0
        for _ in range(random.integers(1, 6)):
            now += random.random() * 8
            seconds = 0.2 + random.random() * 6
            text = " ".join(random.choice(VOCABULARY, random.integers(1, 7)))
            said.append(Utterance(text, round(now, 2), round(now + seconds, 2), f"s{speaker}"))
            now += seconds * random.choice([1, 0.5])
    for speaker in range(random.integers(1, 4)):
        now = 0.0
        for _ in range(random.integers(1, 6)):
            now += random.random() * 8
            words = []
            for word in random.choice(VOCABULARY, random.integers(1, 7)):
                first, last = round(now, 2), round(now + 0.4, 2)
                words.append(Word(word=word, start=first, end=last, score=1, speaker=f"x{speaker}"))
                now += random.choice([0.4, 0.3, 1])
            text = " ".join(word.word for word in words)
            ends = {"start": words[0].start, "end": words[-1].end}
            segments.append(Segment(**ends, text=text, words=words, speaker=f"x{speaker}"))
    return said, Transcript(segments=segments)


@pytest.mark.parametrize("seed", MEETEVAL)
def test_figures_are_those_that_meeteval_gave(seed: int) -> None:
    row = score_attributed(*meeting(seed), "de")
    assert (row["cp_errors"], row["tcp_errors"], row["words"]) == MEETEVAL[seed]
    assert row["timed_words"] == row["words"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", range(100, 110))
def test_figures_are_meetevals_own(seed: int) -> None:
    """MeetEval is compiled when it is installed, so that it is none of the project's needs."""
    wer = pytest.importorskip("meeteval.wer")
    said, found = meeting(seed)
    known = {"session_id": "a"}
    true = [
        {**known, "speaker": one.speaker, "words": one.text, "start_time": one.start, "end_time": one.end}
        for one in said
    ]
    heard = [
        {**known, "speaker": one.speaker, "words": one.word, "start_time": one.start, "end_time": one.end}
        for segment in found.segments
        for one in segment.words
    ]
    from meeteval.io import SegLST

    pair = SegLST(true), SegLST(heard)
    row = score_attributed(said, found, "de")
    assert row["cp_errors"] == wer.cpwer(*pair)["a"].errors
    assert row["tcp_errors"] == wer.tcpwer(*pair, collar=5)["a"].errors


@pytest.mark.parametrize("seed", range(5))
def test_the_match_is_the_best_of_all(seed: int) -> None:
    random = np.random.default_rng(seed)
    true, heard = (
        {name: [SpokenWord(text, 0, 1) for text in random.choice(VOCABULARY, 8)] for name in names}
        for names in ("abc", "wxyz")
    )
    every = [*true.values(), []]
    best = min(
        sum(plain_errors(one, other) for one, other in zip(every, way, strict=True))
        for way in permutations(heard.values())
    )
    assert match_errors(true, heard, plain_errors) == best


def test_times_that_do_not_meet_are_no_match() -> None:
    said, late = [SpokenWord("yes", 0, 1)], [SpokenWord("yes", 6.5, 6.5)]
    assert (plain_errors(said, late), timed_errors(said, late)) == (0, 2)
    assert timed_errors(said, [SpokenWord("yes", 5.5, 5.5)]) == 0
    assert (timed_errors([], late), timed_errors(said, [])) == (1, 1)


def test_a_reference_without_times_has_no_figure_in_time() -> None:
    said, found = meeting(1)
    row = score_attributed([one._replace(start=None, end=None) for one in said], found, "de")
    assert (row["timed_words"], row["tcp_errors"]) == (0, 0) and row["words"] > 0


def test_what_is_not_scored_counts_on_neither_side_and_speakers_are_shown_together() -> None:
    said = [Utterance("good day", 0, 1, "A"), Utterance("goodbye", 6, 7, "B")]
    found = Transcript(
        segments=[
            Segment(start=0, end=1, text="good way", speaker="S1", words=[]),
            Segment(start=6, end=7, text="goodbye", speaker="S0", words=[]),
        ]
    )
    row = score_attributed(said, found, "en")
    assert (row["cp_errors"], row["words"], row["count_error"]) == (1, 3, 0)
    assert score_attributed(said, found, "en", [Span(start=5, end=9)])["cp_errors"] == 0
    assert side_by_side(said, found, "en") == [
        ("A, found as S1", "good day", "good way"),
        ("B, found as S0", "goodbye", "goodbye"),
    ]
