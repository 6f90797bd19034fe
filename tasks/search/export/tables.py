"""Moments as a table for spreadsheets, and as chapters."""

import csv
import io
from pathlib import Path

from containers.common import storage
from containers.common.errors import UserError
from tasks.outputs.labels import clock, speaker_name
from tasks.search.question import FoundMoment, MomentAnswer

COLUMNS = (
    "asset",
    "media",
    "start",
    "end",
    "who",
    "said",
    "seen",
    "sounds",
    "language",
    "score",
    "why",
    "report",
    "recorded",
)
# A cell that begins so is a formula to a spreadsheet: https://owasp.org/www-community/attacks/CSV_Injection
FORMULA = ("=", "+", "-", "@", "\t", "\r")
SHORTEST = 10.0  # seconds of a chapter, https://support.google.com/youtube/answer/9884579
FEWEST = 3
LONGEST = 90  # characters of a title


def write_csv(answer: MomentAnswer, target: Path) -> Path:
    """UTF-8 with a byte order mark, by which spreadsheets know it."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for moment in answer.moments:
        table.writerow([_cell(value) for value in _row(moment)])
    storage.write_bytes(storage.as_uri(target), text.getvalue().encode("utf-8-sig"))
    return target


def _row(moment: FoundMoment) -> list[object]:
    return [
        moment.asset,
        moment.media,
        moment.start,
        moment.end,
        moment.by or speaker_name(moment.speaker or ""),
        moment.text,
        ", ".join(map(speaker_name, moment.seen)),
        ", ".join(moment.sounds),
        moment.language or "",
        moment.score,
        "; ".join(moment.why),
        moment.report,
        moment.day or "",
    ]


def _cell(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


def write_chapters(answer: MomentAnswer, target: Path) -> Path:
    """Lines of time and title. Moments within ten seconds of another are one chapter.

    Raises UserError for moments of several assets, and for too few.
    """
    if len({moment.asset for moment in answer.moments}) > 1:
        raise UserError("Chapters are of one asset: choose it with --asset.")
    chapters: list[tuple[float, str]] = []
    for moment in sorted(answer.moments, key=lambda moment: moment.start):
        at = 0.0 if moment.start < SHORTEST else moment.start
        if not chapters or at - chapters[-1][0] >= SHORTEST:
            chapters.append((at, _title(moment)))
    if chapters[0][0] > 0:
        chapters.insert(0, (0.0, answer.moments[0].media))
    if len(chapters) < FEWEST:
        raise UserError(
            f"YouTube wants {FEWEST} chapters of {SHORTEST:.0f} seconds; these moments are fewer."
        )
    lines = [f"{clock(at)} {title}" for at, title in chapters]
    storage.write_bytes(storage.as_uri(target), ("\n".join(lines) + "\n").encode())
    return target


def _title(moment: FoundMoment) -> str:
    """On one line; YouTube takes no angle brackets."""
    text = " ".join(
        (moment.text or ", ".join(moment.sounds or [*map(speaker_name, moment.seen)]) or moment.media).split()
    )
    text = text.replace("<", "\u2039").replace(">", "\u203a")
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rsplit(" ", 1)[0] + "\u2026"
