"""Words and who says them: cpWER and tcpWER, as MeetEval computes them.

cpWER: S. Watanabe et al., CHiME-6 Challenge, 2020: each speaker's words one after another, and the one-to-one
match of speakers found to true ones that has the fewest errors; speakers without a partner are all errors.
tcpWER: T. von Neumann et al., MeetEval: A Toolkit for Computation of Word Error Rates for Meeting
Transcription Systems, CHiME 2023: likewise, and a word is only that of the reference where their times are
within 5 s. A reference's words share its utterance's time by their letters; a word found is at its middle.
MeetEval itself is compiled when it is installed; the tests hold these against its figures.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein
from scipy.optimize import linear_sum_assignment

from containers.common.contract import Span
from containers.common.documents.speech import Transcript, Word
from tasks.evaluation.nist import Utterance, choices
from tasks.evaluation.statistics import Measure, mean, ratio
from tasks.evaluation.words import normaliser, plain, scored_parts

COLLAR = 5.0  # seconds, as MeetEval recommends
NOBODY = ""  # who says what has no speaker

MEASURES = [
    Measure("cpwer", "Word error rate, by speaker (cpWER)", "lower", ratio("cp_errors", "words")),
    Measure(
        "tcpwer",
        "And in time, within 5 s (tcpWER)",
        "lower",
        ratio("tcp_errors", "timed_words"),
        amount="timed_words",
    ),
    Measure("count_error", "Speakers too many or too few", "lower", mean("count_error"), "speakers", 2),
]


class SpokenWord(NamedTuple):
    """`start` and `end` in seconds, where known."""

    text: str
    start: float | None
    end: float | None


Streams = dict[str, list[SpokenWord]]
Normaliser = Callable[[str], str]
Errors = Callable[[Sequence[SpokenWord], Sequence[SpokenWord]], int]


def score_attributed(
    reference: Sequence[Utterance],
    found: Transcript,
    language: str | None,
    scored: Sequence[Span] | None = None,
) -> dict[str, Any]:
    """One row: words of the reference, errors without and with times (0 words where it has none)."""
    normalise = normaliser(language)
    kept, found = scored_parts(reference, found, scored)
    true, hypothesis = reference_streams(kept, normalise), found_streams(found, normalise)
    words = sum(map(len, true.values()))
    timed = all(word.start is not None for stream in true.values() for word in stream)
    return {
        "words": words,
        "cp_errors": match_errors(true, hypothesis, plain_errors),
        "timed_words": words if timed else 0,
        "tcp_errors": match_errors(true, hypothesis, timed_errors) if timed else 0,
        "speakers": len(true),
        "speakers_found": len(hypothesis),
        "count_error": abs(len(true) - len(hypothesis)),
    }


def reference_streams(reference: Iterable[Utterance], normalise: Normaliser) -> Streams:
    """Each speaker's words by time. What may be left out or said otherwise is as it was written first."""
    streams: Streams = defaultdict(list)
    for said in sorted(reference, key=lambda one: one.start or 0.0):
        if said.ignored:
            continue
        written = "".join(part[0] for part in choices(said.text)) if said.marked else said.text
        if texts := normalise(written).split():
            streams[said.speaker or NOBODY] += _by_letters(texts, said.start, said.end)
    return dict(streams)


def found_streams(found: Transcript, normalise: Normaliser) -> Streams:
    """Each speaker's words, every one at the middle of its time; a segment's share it where it has none."""
    streams: Streams = defaultdict(list)
    for segment in sorted(found.segments, key=lambda one: one.start):
        for part in segment.words or [segment]:
            text = part.word if isinstance(part, Word) else part.text
            words = _by_letters(normalise(text).split(), part.start, part.end)
            middles = [((word.start or 0.0) + (word.end or 0.0)) / 2 for word in words]
            streams[part.speaker or segment.speaker or NOBODY] += [
                SpokenWord(word.text, at, at) for word, at in zip(words, middles, strict=True)
            ]
    return {speaker: words for speaker, words in streams.items() if words}


def _by_letters(texts: Sequence[str], start: float | None, end: float | None) -> list[SpokenWord]:
    if start is None or end is None:
        return [SpokenWord(text, None, None) for text in texts]
    lengths = np.array([len(text) for text in texts], float)
    ends = start + (end - start) * np.cumsum(lengths) / max(lengths.sum(), 1)
    starts = np.concatenate([[start], ends[:-1]])
    return [SpokenWord(text, float(a), float(b)) for text, a, b in zip(texts, starts, ends, strict=False)]


def match_errors(true: Streams, hypothesis: Streams, errors: Errors) -> int:
    """The fewest errors of all one-to-one matches; the cheapest is found by the Hungarian method."""
    return sum(cost for *_, cost in _matched(true, hypothesis, errors))


def _matched(
    true: Streams, hypothesis: Streams, errors: Errors
) -> Iterator[tuple[str | None, str | None, int]]:
    """Pairs of a true speaker and one found, None where there is no partner, and their errors."""
    size = max(len(true), len(hypothesis))
    rows: list[str | None] = [*true, *[None] * (size - len(true))]
    columns: list[str | None] = [*hypothesis, *[None] * (size - len(hypothesis))]
    none: list[SpokenWord] = []
    given = [none if name is None else true[name] for name in rows]
    other = [none if name is None else hypothesis[name] for name in columns]
    costs = np.array([[errors(one, two) for two in other] for one in given])
    for row, column in zip(*linear_sum_assignment(costs.reshape(size, size)), strict=True):
        yield rows[row], columns[column], int(costs[row, column])


def side_by_side(
    reference: Sequence[Utterance],
    found: Transcript,
    language: str | None,
    scored: Sequence[Span] | None = None,
) -> list[tuple[str, str, str]]:
    """(who, what is said, what was heard) of each true speaker with the one found, as written."""
    normalise = normaliser(language)
    kept, found = scored_parts(reference, found, scored)
    pairs = _matched(reference_streams(kept, normalise), found_streams(found, normalise), plain_errors)
    told = []
    for one, other, _ in pairs:
        said = " ".join(plain(each) for each in kept if (each.speaker or NOBODY) == one)
        hypothesis = " ".join(
            part.word if isinstance(part, Word) else part.text
            for segment in found.segments
            for part in segment.words or [segment]
            if (part.speaker or segment.speaker or NOBODY) == other
        )
        names = (name if name is not None else "nobody" for name in (one, other))
        told.append((", found as ".join(names), said, hypothesis))
    return told


def plain_errors(true: Sequence[SpokenWord], hypothesis: Sequence[SpokenWord]) -> int:
    return Levenshtein.distance([word.text for word in true], [word.text for word in hypothesis])


def timed_errors(true: Sequence[SpokenWord], hypothesis: Sequence[SpokenWord]) -> int:
    """Levenshtein's distance in which words whose times do not meet cannot be one another.

    A row of the table at once: what insertions carry along it is a running minimum. O(true x hypothesis).
    """
    if not hypothesis:
        return len(true)
    at = np.arange(len(hypothesis) + 1)
    starts = np.array([word.start for word in hypothesis], float) - COLLAR
    ends = np.array([word.end for word in hypothesis], float) + COLLAR
    texts = np.array([word.text for word in hypothesis], object)
    row = at.astype(float)
    for word in true:
        assert word.start is not None and word.end is not None
        meets = (starts < word.end) & (ends > word.start)
        best = row + 1
        diagonal = row[:-1] + (texts != word.text)
        best[1:] = np.where(meets, np.minimum(best[1:], diagonal), best[1:])
        row = np.minimum.accumulate(best - at) + at
    return int(row[-1])
