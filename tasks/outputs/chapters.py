"""What a recording is about, one part after the other, and pictures that stand for it.

Chapters begin where the words change: Hearst, "TextTiling: Segmenting Text into Multi-paragraph Subtopic
Passages", Computational Linguistics 23(1), 1997. Its blocks are a minute of the transcript here, and its
words the terms of the search, so that it works without spaces between words too.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import takewhile
from typing import NamedTuple

from tasks.words.tokens import terms

BLOCK = 60.0  # seconds on each side that are compared
LEAST = 0.1  # of likeness by which a dip is one
FEWEST_SECONDS = 180.0  # of a recording that has chapters at all
SHORTEST = 45.0  # seconds of a chapter, of a long recording a MOST-th
MOST = 24
LONGEST_TITLE = 90  # characters


class Said(NamedTuple):
    start: float
    text: str


class Chapter(NamedTuple):
    """`title` is how it begins; `start` in seconds."""

    start: float
    title: str


class KeyFrame(NamedTuple):
    """A picture on screen from `time` to `end`; `thumbnail` is the URI of a JPEG."""

    time: float
    end: float
    thumbnail: str


def list_chapters(said: Sequence[Said], duration: float) -> list[Chapter]:
    """None of what is short or has nothing to divide; else the first one begins with the recording."""
    said = [each for each in said if each.text.strip()]
    if duration < FEWEST_SECONDS or len(said) < 4:
        return []
    depths = _depths([Counter(terms(each.text)) for each in said], [each.start for each in said])
    mean = sum(depths) / len(depths)
    spread = math.sqrt(sum((depth - mean) ** 2 for depth in depths) / len(depths))
    shortest = max(SHORTEST, duration / MOST)
    starts = [0.0]
    for gap in sorted(range(len(depths)), key=lambda gap: (-depths[gap], gap)):
        at = said[gap + 1].start
        if depths[gap] <= max(LEAST, mean + spread):
            break
        if all(abs(at - other) >= shortest for other in starts) and duration - at >= shortest:
            starts.append(at)
    if len(starts) == 1:
        return []
    return [Chapter(start, _title(said, start)) for start in sorted(starts)]


def _depths(blocks: list[Counter[str]], times: list[float]) -> list[float]:
    """Of each gap between segments how far the likeness of its two sides lies below what is around it."""
    seen = Counter(term for block in blocks for term in block)
    weight = {term: math.log(1 + len(blocks) / count) for term, count in seen.items()}
    alike = [_likeness(blocks, times, gap, weight) for gap in range(len(blocks) - 1)]
    return [(_climb(alike, gap, -1) - low) + (_climb(alike, gap, 1) - low) for gap, low in enumerate(alike)]


def _likeness(blocks: list[Counter[str]], times: list[float], gap: int, weight: dict[str, float]) -> float:
    """Cosine of the weighed terms before and after a gap."""
    turn = times[gap + 1]
    before = _gathered(blocks, takewhile(lambda at: turn - times[at] <= BLOCK, range(gap, -1, -1)))
    after = _gathered(blocks, takewhile(lambda at: times[at] - turn < BLOCK, range(gap + 1, len(blocks))))
    dot = sum(count * after[term] * weight[term] ** 2 for term, count in before.items())
    lengths = [
        math.sqrt(sum((count * weight[term]) ** 2 for term, count in side.items()))
        for side in (before, after)
    ]
    return dot / (lengths[0] * lengths[1]) if all(lengths) else 0.0


def _gathered(blocks: list[Counter[str]], places: Iterable[int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for place in places:
        found.update(blocks[place])
    return found


def _climb(alike: list[float], gap: int, step: int) -> float:
    """The nearest peak on one side."""
    best, place = alike[gap], gap + step
    while 0 <= place < len(alike) and alike[place] >= best:
        best = alike[place]
        place += step
    return best


def _title(said: Sequence[Said], start: float) -> str:
    """The first words of the chapter that say something: more than one of a few letters."""
    after = [each.text for each in said if each.start >= start]
    text = next((each for each in after[:4] if len(each) >= 20), after[0] if after else "")
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1].rsplit(" ", 1)[0] + "\u2026"


def choose_key_frames(pictures: Sequence[KeyFrame], most: int = MOST) -> list[KeyFrame]:
    """At most `most`: of each equal stretch of time the picture that stays longest in it."""
    if len(pictures) <= most:
        return list(pictures)
    first, last = pictures[0].time, max(picture.end for picture in pictures)
    step = (last - first) / most
    chosen: dict[int, KeyFrame] = {}
    for picture in pictures:
        place = min(most - 1, int((picture.time - first) / step)) if step else 0
        best = chosen.get(place)
        if best is None or picture.end - picture.time > best.end - best.time:
            chosen[place] = picture
    return [chosen[place] for place in sorted(chosen)]


def frame_at(pictures: Sequence[KeyFrame], start: float) -> KeyFrame | None:
    """What is on screen then: the last that came before, or the first."""
    before = [picture for picture in pictures if picture.time <= start]
    return before[-1] if before else pictures[0] if pictures else None
