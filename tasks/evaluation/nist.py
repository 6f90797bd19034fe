"""The line formats of NIST's evaluations: STM, CTM, RTTM and UEM, of one recording or of many in one file.

STM, CTM, UEM: NIST SCTK, doc/infmts.htm. RTTM: NIST, The 2009 (RT-09) Rich Transcription Evaluation Plan,
app. A. Every function raises UserError with a sentence that names the file and the line.
"""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from containers.common.contract import Span
from containers.common.documents.speakers import Turn
from containers.common.errors import UserError

IGNORED = {"IGNORE_TIME_SEGMENT_IN_SCORING", "IGNORE_TIME_SEGMENT"}


class Utterance(NamedTuple):
    """Words said together; seconds where they are known.

    `ignored` utterances are not scored, nor is anything found in their time. In a `marked` text `(word)` may
    be left out, and of `{ one / other / @ }` any may be said, `@` being nothing.
    """

    text: str
    start: float | None
    end: float | None
    speaker: str | None = None
    ignored: bool = False
    marked: bool = False


def read_stm(path: Path, recording: str | None = None) -> list[Utterance]:
    """`file channel speaker start end [<labels>] text`."""
    wanted = "file channel speaker start end text is wanted"
    found = []
    for number, fields in _rows(path, recording, 0, 5):
        start, end = _times(path, number, fields[3:5], wanted)
        text = fields[5] if len(fields) > 5 else ""
        if text.startswith("<"):
            text = text.partition(">")[2].strip()
        ignored = text.split(maxsplit=1)[:1] in [[name] for name in IGNORED]
        if text:
            found.append(Utterance(text, start, end, fields[2], ignored, marked=True))
    return sorted(found, key=lambda said: (said.start or 0.0, said.end or 0.0))


def read_ctm(path: Path, recording: str | None = None) -> list[Utterance]:
    """`file channel start duration word [confidence]`: a word a line."""
    wanted = "file channel start duration word is wanted"
    found = []
    for number, fields in _rows(path, recording, 0, 5):
        start, seconds = _times(path, number, fields[2:4], wanted, ordered=False)
        if len(fields) < 5:
            raise _unreadable(path, number, wanted)
        found.append(Utterance(fields[4], start, round(start + seconds, 6)))
    return sorted(found, key=lambda said: (said.start or 0.0, said.end or 0.0))


def read_turns(path: Path, recording: str | None = None) -> list[Turn]:
    """RTTM's SPEAKER lines. Raises UserError also when there is none."""
    wanted = "start, duration and speaker are not readable"
    turns = []
    for number, fields in _rows(path, recording, 1, 9, kind="SPEAKER"):
        start, seconds = _times(path, number, fields[3:5], wanted, ordered=False)
        if len(fields) < 8 or start < 0 or seconds < 0:
            raise _unreadable(path, number, wanted)
        if seconds:
            turns.append(Turn(start=start, end=round(start + seconds, 6), speaker=fields[7]))
    if not turns:
        raise UserError(f"{path.name} has no SPEAKER line.")
    return turns


def read_uem(path: Path, recording: str | None = None) -> list[Span]:
    """`file channel start end`: only this is scored."""
    wanted = "file channel start end is wanted"
    rows = _rows(path, recording, 0, 4)
    found = [_times(path, number, fields[2:4], wanted) for number, fields in rows]
    if not found:
        raise UserError(f"{path.name} names nothing to score.")
    return [Span(start=start, end=end) for start, end in sorted(found)]


def _rows(
    path: Path, recording: str | None, column: int, most: int, kind: str | None = None
) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of one recording's rows: all of them where the file is about one alone."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} cannot be read: {error}.") from None
    split = [(number, line.split(maxsplit=most)) for number, line in enumerate(lines, 1)]
    rows = [(n, fields) for n, fields in split if fields and not fields[0].startswith(";;")]
    if kind:
        rows = [(number, fields) for number, fields in rows if fields[0] == kind]
    names = list(dict.fromkeys(fields[column] for _, fields in rows if len(fields) > column))
    if recording is not None and len(names) > 1:
        if recording not in names:
            others = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            raise UserError(f"{path.name} is about several recordings ({others}), none is '{recording}'.")
        rows = [(number, fields) for number, fields in rows if fields[column : column + 1] == [recording]]
    yield from rows


def _times(
    path: Path, number: int, fields: list[str], wanted: str, ordered: bool = True
) -> tuple[float, float]:
    try:
        first, second = map(float, fields)
    except ValueError:
        raise _unreadable(path, number, wanted) from None
    if (
        not (math.isfinite(first) and math.isfinite(second))
        or first < 0
        or second < (first if ordered else 0)
    ):
        raise _unreadable(path, number, wanted)
    return first, second


def _unreadable(path: Path, number: int, wanted: str) -> UserError:
    return UserError(f"{path.name}, line {number}: {wanted}.")


MARKED = re.compile(r"\{([^{}]*)\}|(?<!\S)\(([^()\s]+)\)(?!\S)")


def choices(text: str) -> list[list[str]]:
    """A marked text as parts, each with what may be said there; the first is what was written first.

    >>> choices("well (uh) { going to / gonna } stop")
    [['well '], ['uh', ''], [' '], ['going to', 'gonna'], [' stop']]
    """
    parts, place = [], 0
    for found in MARKED.finditer(text):
        if text[place : found.start()]:
            parts.append([text[place : found.start()]])
        if found[2] is not None:
            parts.append([found[2], ""])
        else:
            parts.append(["" if one.strip() == "@" else one.strip() for one in found[1].split("/")])
        place = found.end()
    return [*parts, [text[place:]]] if text[place:] or not parts else parts
