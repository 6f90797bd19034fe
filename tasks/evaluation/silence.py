"""Words that are heard where nobody speaks: what Whisper hallucinates in noise, music and pauses.

M. Baranski et al., Investigation of Whisper ASR Hallucinations Induced by Non-Speech Audio, ICASSP 2025; A.
Koenecke et al., Careless Whisper, FAccT 2024. Counted by minute of silence, which has no words to divide by.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from containers.common.contract import Span
from containers.common.documents.speech import Transcript
from tasks.evaluation.nist import Utterance
from tasks.evaluation.statistics import Measure, ratio

AROUND = 0.25  # seconds before and after speech that are speech's: boundaries are never exact
SHORTEST = 0.5  # seconds of a silence

MEASURES = [
    Measure(
        "in_silence",
        "Words heard where nobody speaks",
        "lower",
        ratio("words_in_silence", "silent_minutes"),
        "a minute",
        2,
        amount="silent_minutes",
    ),
]


def spoken_spans(reference: Sequence[Utterance], turns: Iterable[Span] | None) -> list[Span] | None:
    """When somebody speaks: by the turns, else by what is said; None where that has no times.

    A reference in which nothing is said is silence from its start to its end.
    """
    if turns is not None:
        return [Span(start=turn.start, end=turn.end) for turn in turns]
    said = [each for each in reference if each.text.strip() and not each.ignored]
    if any(each.start is None or each.end is None for each in said):
        return None
    return [Span(start=each.start or 0.0, end=each.end or 0.0) for each in said]


def silences(spoken: Iterable[Span], scored: Sequence[Span] | None, length: float) -> list[Span]:
    """What is left of the scored parts of `length` seconds when speech and AROUND are taken away."""
    free = [(one.start, min(one.end, length)) for one in scored or [Span(start=0, end=length)]]
    for speech in spoken:
        start, end = speech.start - AROUND, speech.end + AROUND
        free = [part for a, b in free for part in ((a, min(b, start)), (max(a, end), b)) if part[1] > part[0]]
    return [Span(start=a, end=b) for a, b in sorted(set(free)) if b - a >= SHORTEST]


def score_silence(quiet: Sequence[Span] | None, found: Transcript) -> dict[str, Any]:
    """Columns of a row: minutes of silence, and words that lie whole in it; none where nobody knows."""
    if quiet is None:
        return {"silent_minutes": 0.0, "words_in_silence": 0}
    spans = [(word.start, word.end, 1) for segment in found.segments for word in segment.words] + [
        (segment.start, segment.end, len(segment.text.split()))
        for segment in found.segments
        if not segment.words
    ]
    inside = sum(
        words for start, end, words in spans if any(one.start <= start and end <= one.end for one in quiet)
    )
    return {
        "silent_minutes": sum(one.end - one.start for one in quiet) / 60,
        "words_in_silence": inside,
    }
