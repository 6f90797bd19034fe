"""Segments that people can read, and word times that later steps can rely on."""

from collections.abc import Iterator
from itertools import pairwise

from containers.common.contract import Span
from containers.common.documents.speech import Segment, Word
from containers.whisperx.sentences import HeardWord, find_ends

PAUSE = 1.0  # seconds without a word end a segment
LONGEST = 15.0  # seconds: a longer segment is cut at its longest pause
SHORTEST_WORD = 0.02  # seconds: one step of Whisper's attention
# Seconds: a word said slowly, and what each character may add (a syllable of Korean or Chinese, or one digit
# that is read out as a whole word).
DRAWN_OUT, PER_CHARACTER, PER_SYLLABLE = 1.0, 0.15, 0.6


LETTERS_IN_SYLLABLE = 2.5  # of an alphabet; a Korean or Chinese character is a syllable
# Seconds that a syllable takes where it is drawn out, and what a word may last beside them: Whisper's
# attention stays on the last word before what it passes over.
SYLLABLE, DWELT_ON = 0.35, 0.3


def split_segments(words: list[HeardWord], span: Span, language: str | None = None) -> list[Segment]:
    """Sentences, or what is said in one breath, from the words of one stretch of speech.

    Word times are held inside `span`, in milliseconds, and rise: no word ends before it starts, after the
    next one starts or later than anybody could draw it out.
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
            language=language,
            words=[word for _, word in part],
        )
        for sentence in _sentences(timed, language)
        for part in _shorten(sentence)
    ]


def longest_word(word: str) -> float:
    """Seconds that this word can last at most."""
    heavy = sum(char.isdigit() or char >= "\u2e80" for char in word)
    return DRAWN_OUT + PER_CHARACTER * (len(word.strip()) - heavy) + PER_SYLLABLE * heavy


def count_syllables(text: str) -> float:
    """Roughly: one for each Korean or Chinese character, one for each 2.5 other letters."""
    letters = [char for char in text if char.isalnum()]
    whole = sum(char >= "\u2e80" for char in letters)
    return whole + (len(letters) - whole) / LETTERS_IN_SYLLABLE


def longest_usual(word: str) -> float:
    """Seconds that this word lasts at most where nobody dwells on it."""
    digits = sum(char.isdigit() for char in word)  # each is a word of its own when read out
    return DWELT_ON + SYLLABLE * (count_syllables(word) + digits)


def _rising(words: list[HeardWord], span: Span) -> list[tuple[float, float]]:
    """(start, end) of each word; where Whisper gives several words no time, they share what there is."""
    shortest = min(SHORTEST_WORD, (span.end - span.start) / max(1, len(words)))
    times: list[tuple[float, float]] = []
    latest = span.start
    for word in words:
        start = max(float(word.start), latest)
        latest = max(min(float(word.end), start + longest_word(word.word)), start + shortest)
        times.append((start, latest))
    limit = span.end
    for place, (start, end) in reversed(list(enumerate(times))):
        end = min(end, limit)
        limit = min(start, end - shortest)
        times[place] = (limit, end)
    return [(round(max(start, 0.0), 3), round(end, 3)) for start, end in times]


def _sentences(words: list[tuple[str, Word]], language: str | None) -> Iterator[list[tuple[str, Word]]]:
    ends = find_ends([text for text, _ in words], language)
    current: list[tuple[str, Word]] = []
    for number, (text, word) in enumerate(words):
        if current and (number - 1 in ends or word.start - current[-1][1].end > PAUSE):
            yield current
            current = []
        current.append((text, word))
    if current:
        yield current


def _shorten(words: list[tuple[str, Word]]) -> Iterator[list[tuple[str, Word]]]:
    if len(words) < 2 or words[-1][1].end - words[0][1].start <= LONGEST:
        yield words
        return
    # Not after a full stop: inside a sentence it is an abbreviation's or an ordinal's.
    pauses = [
        -1.0 if word.word.endswith(".") else following.start - word.end
        for (_, word), (_, following) in pairwise(words)
    ]
    # Of equal pauses the one nearest the middle, so that text without pauses is cut in halves.
    cut = 1 + max(range(len(pauses)), key=lambda place: (pauses[place], -abs(2 * place + 1 - len(pauses))))
    yield from _shorten(words[:cut])
    yield from _shorten(words[cut:])
