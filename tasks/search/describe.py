"""A moment that was found, with what surrounds it and why it was."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from containers.common.inside import existing
from tasks.search.place import Location
from tasks.search.question import FoundMoment, MomentQuestion
from tasks.search.said import Judged, Unit, Way, judge
from tasks.words.index_file import context_term
from tasks.words.store import Held, OpenFile

DATED = {"media": "recorded", "file": "its file is dated", "analysis": "analysed"}
PICTURES = 5  # the last ones shown before the moment's end, of which one is there


class Named(NamedTuple):
    """Who or what a part of the question may mean: terms of the index, and what they are called there."""

    terms: list[str]
    values: list[str]


class Asked(NamedTuple):
    """A question as it is asked of the index: `around` by part beside the words, `units` of the words."""

    output: Path
    question: MomentQuestion
    around: dict[str, Named]
    units: Sequence[tuple[Unit, Sequence[Way]]]
    about: Sequence[tuple[Unit, Sequence[Way]]] = ()  # any of which is enough
    remote: str | None = None  # the s3:// URI of which `output` is this machine's side

    @property
    def place(self) -> Location:
        """Where reports and indexes are."""
        return self.remote or self.output


class Row(NamedTuple):
    """A segment of the index."""

    id: int
    start: float
    end: float
    speaker: str | None
    name: str | None
    language: str | None
    text: str
    asset: int


def describe(
    asked: Asked, file: OpenFile, held: Held, start: float, end: float, row: Row | None = None
) -> FoundMoment:
    """The segment `row`, or a stretch in which nobody needs to speak; `start` and `end` in seconds."""
    query = "SELECT kind, label, name FROM spans WHERE asset = ? AND start <= ? AND until >= ? ORDER BY start"
    spans = file.connection.execute(query, (held.number, end, start)).fetchall()
    sounds = list(dict.fromkeys(label for kind, label, _ in spans if kind == "sound"))
    judged = judge(row.text, asked.units) if row and asked.units else None
    meant = judge(row.text, asked.about) if row and asked.about else None
    about = {} if row is None else {"text": row.text, "speaker": row.speaker, "by": row.name}
    return FoundMoment(
        score=round(judged.quality, 3) if judged else 1.0,
        asset=held.asset,
        media=held.name,
        day=date.fromisoformat(held.day),
        dated=held.dated,
        start=start,
        end=end,
        marks=sorted({mark for each in (judged, meant) if each for mark in each.marks}),
        context=_context(file, held, start, row),
        language=row.language if row else None,
        seen=list(dict.fromkeys(name or label for kind, label, name in spans if kind == "seen")),
        sounds=sounds,
        thumbnail=_thumbnail(asked.output, file, held, end),
        report=f"{asked.place}/{held.asset}/report.html",
        why=_why(asked, held, row, judged, meant, sounds),
        **about,
    )


def _context(file: OpenFile, held: Held, start: float, row: Row | None) -> tuple[str, str]:
    """What is said before and after."""
    own = row.id if row else None
    query = (
        "SELECT id, text FROM segments WHERE asset = ? AND start <= ? AND id IS NOT ? "
        "ORDER BY start DESC LIMIT 1"
    )
    before = file.connection.execute(query, (held.number, start, own)).fetchone() or (None, "")
    query = (
        "SELECT text FROM segments WHERE asset = ? AND start >= ? AND id IS NOT ? AND id IS NOT ? "
        "ORDER BY start LIMIT 1"
    )
    after = file.connection.execute(query, (held.number, start, own, before[0])).fetchone() or ("",)
    return before[1], after[0]


def _thumbnail(output: Path, file: OpenFile, held: Held, end: float) -> str | None:
    """What is on screen then: the last picture that began before its end."""
    query = (
        "SELECT label FROM spans WHERE asset = ? AND kind = 'picture' AND start <= ? "
        "ORDER BY start DESC LIMIT ?"
    )
    for (label,) in file.connection.execute(query, (held.number, end, PICTURES)):
        if path := picture_at(output, held.asset, label):
            return path
    return None


def picture_at(output: Path, asset: str, name: str | None) -> str | None:
    """Path of a picture that an asset's cache has, by its name there."""
    path = existing(output / ".cache", asset, *name.split("/")) if name else None
    return str(path) if path else None


def _why(
    asked: Asked, held: Held, row: Row | None, judged: Judged | None, meant: Judged | None, sounds: list[str]
) -> list[str]:
    question, why = asked.question, list[str]()
    if meant:
        there = [way.shown for way, found in zip(meant.by, meant.found, strict=True) if found]
        why += [f"about: said {', '.join(there)}"] if there else []
    if judged:
        wanted = [unit for unit, _ in asked.units if not unit.out]
        why += [_said(unit, way) for unit, way in zip(wanted, judged.by, strict=True)]
    if question.by is not None and row:
        why.append(f"by {row.name or row.speaker}")
    if question.heard is not None:
        there = [sound for sound in sounds if context_term("sound", sound) in asked.around["sound"].terms]
        why.append(f"heard: {', '.join(there)}")
    if question.seen is not None:
        why.append(f"seen: {question.seen}")
    if question.language is not None and row:
        why.append(f"in {row.language}")
    if question.after or question.before:
        why.append(f"{DATED[held.dated]} {held.day}")
    return why


def _said(unit: Unit, way: Way) -> str:
    return f"said: {unit.text}" if way.shown == unit.text else f"said: {way.shown}, for {unit.text}"
