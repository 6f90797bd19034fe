"""The lines of a cue cut where its words begin and end: for words that are lit while they are said."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from containers.common.documents.speech import Word
from tasks.outputs.cues import Cue, Voice
from tasks.outputs.wording import cut_text

HELD = 0.3  # seconds of a pause during which the word before stays lit


class WordPart(NamedTuple):
    """A piece of a line: of a word, or white space and what nobody says, such as who speaks."""

    text: str
    word: int | None = None  # its number in the cue


def cut_lines(voice: Voice, first: int = 0) -> list[list[WordPart]]:
    """Each line of a voice in parts; joined they are the line. `first` is the number of its first word."""
    owners: list[int | None] = []
    for number, piece in enumerate(cut_text(voice.text, voice.words), first):
        owners += [number] * len("".join(piece.split()))
    letters = sum(len("".join(line.split())) for line in voice.lines)
    before = letters - len("".join(voice.text.split()))
    owners = [None] * before + owners
    owners += [None] * (letters - len(owners))
    left = iter(owners)
    lines = []
    for line in voice.lines:
        owned = [(char, None if char.isspace() else next(left)) for char in line]
        lines.append(
            [
                WordPart("".join(char for char, _ in run), word)
                for word, run in groupby(owned, key=lambda pair: pair[1])
            ]
        )
    return lines


def cut_cue(cue: Cue) -> tuple[list[Word], list[list[list[WordPart]]]]:
    """The words of a cue, and the lines of each of its voices in parts that know their word's number."""
    words: list[Word] = []
    voices = []
    for voice in cue.voices:
        voices.append(cut_lines(voice, len(words)))
        words += voice.words
    return words, voices


def lit_moments(cue: Cue, words: list[Word]) -> Iterator[tuple[float, float, int | None]]:
    """Start, end and the number of the word that is said, without a gap from the cue's start to its end."""
    time = cue.start
    order = sorted(range(len(words)), key=lambda number: words[number].start)
    for place, number in enumerate(order):
        following = words[order[place + 1]].start if place + 1 < len(order) else cue.end
        start = min(max(words[number].start, time), cue.end)
        end = min(max(words[number].end, start), following, cue.end)
        if following - end < HELD:
            end = min(max(following, end), cue.end)
        if round(end - start, 3) <= 0:
            continue
        if round(start - time, 3) > 0:
            yield time, start, None
        yield start, end, number
        time = end
    if round(cue.end - time, 3) > 0:
        yield time, cue.end, None
