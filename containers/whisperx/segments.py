"""Segments that people can read, and word times that later steps can rely on."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Protocol

from containers.common.contract import Span
from containers.whisperx.contract import Segment, Word

SENTENCE_ENDS = tuple(".?!…。？！")  # noqa: RUF001
PAUSE = 1.0  # seconds without a word end a segment
LONGEST = 15.0  # seconds: a longer segment is cut at its longest pause
SHORTEST_WORD = 0.02  # seconds: one step of Whisper's attention


class TimedWord(Protocol):
    """faster-whisper's word: `word` has its leading space, times are seconds from the start of the media."""

    word: str
    start: float
    end: float
    probability: float


def split_segments(words: list[TimedWord], span: Span) -> list[Segment]:
    """Sentences, or what is said in one breath, from the words of one stretch of speech.

    Word times are held inside `span`, in milliseconds, and rise: no word ends before it starts or after the
    next one starts.
    """
    said = [word for word in words if word.word.strip()]
    times = _rising(said, span)
    timed = [
        (
            word.word,
            Word(
                word=word.word.strip(),
                start=start,
                end=end,
                score=round(min(max(float(word.probability), 0.0), 1.0), 3),
            ),
        )
        for word, (start, end) in zip(said, times, strict=True)
    ]
    return [
        Segment(
            start=part[0][1].start,
            end=part[-1][1].end,
            text="".join(text for text, _ in part).strip(),
            words=[word for _, word in part],
        )
        for sentence in _sentences(timed)
        for part in _shorten(sentence)
    ]


def _rising(words: list[TimedWord], span: Span) -> list[tuple[float, float]]:
    """(start, end) of each word; where Whisper gives several words no time, they share what there is."""
    shortest = min(SHORTEST_WORD, (span.end - span.start) / max(1, len(words)))
    times: list[tuple[float, float]] = []
    latest = span.start
    for word in words:
        start = max(float(word.start), latest)
        latest = max(float(word.end), start + shortest)
        times.append((start, latest))
    limit = span.end
    for place, (start, end) in reversed(list(enumerate(times))):
        end = min(end, limit)
        limit = min(start, end - shortest)
        times[place] = (limit, end)
    return [(round(max(start, 0.0), 3), round(end, 3)) for start, end in times]


def _sentences(words: list[tuple[str, Word]]) -> Iterator[list[tuple[str, Word]]]:
    current: list[tuple[str, Word]] = []
    for text, word in words:
        if current:
            last = current[-1][1]
            if last.word.endswith(SENTENCE_ENDS) or word.start - last.end > PAUSE:
                yield current
                current = []
        current.append((text, word))
    if current:
        yield current


def _shorten(words: list[tuple[str, Word]]) -> Iterator[list[tuple[str, Word]]]:
    if len(words) < 2 or words[-1][1].end - words[0][1].start <= LONGEST:
        yield words
        return
    pauses = [following.start - word.end for (_, word), (_, following) in pairwise(words)]
    # Of equal pauses the one nearest the middle, so that text without pauses is cut in halves.
    cut = 1 + max(range(len(pauses)), key=lambda place: (pauses[place], -abs(2 * place + 1 - len(pauses))))
    yield from _shorten(words[:cut])
    yield from _shorten(words[cut:])
