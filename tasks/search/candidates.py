"""Segments and stretches of the word index that answer a question, before the best of them are chosen."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from tasks.search.describe import Asked, Named, Row
from tasks.search.question import MomentQuestion
from tasks.search.said import Unit, Way, judge, match_of
from tasks.search.vocabulary import IndexTerms
from tasks.words.store import Held, OpenFile

MOST_JUDGED = 300  # of the best by BM25, whose texts are read and compared with the question
COMMON = 20_000  # segments with a word beyond which one such word alone is not ranked by BM25
COLUMNS = (
    "segments.id, segments.start, segments.until, segments.speaker, segments.name, segments.language, "
    "segments.text, segments.asset"
)

Units = Sequence[tuple[Unit, Sequence[Way]]]


class Candidate(NamedTuple):
    """A segment: how well it answers, and its place by BM25, the smaller the better."""

    quality: float
    place: float
    file: OpenFile
    held: Held
    row: Row


class Stretch(NamedTuple):
    file: OpenFile
    held: Held
    start: float
    end: float


class Where(NamedTuple):
    """What has to hold beside the words: an expression of FTS5, conditions of SQL and their values."""

    match: str
    conditions: str
    values: list[Any]


def where_of(
    file: OpenFile,
    allowed: list[int],
    asked: Asked,
    shown: Sequence[tuple[int, float, float]] | None = None,
) -> Where:
    """`shown`: stretches of the file's assets, by number, in one of which a segment has to be."""
    question = asked.question
    parts = [" OR ".join(f'"{term}"' for term in each.terms) for each in asked.around.values()]
    words = [match_of(asked.units)] if asked.units else []
    match = " AND ".join([*words, *(f"(context : ({part}))" for part in parts)])
    conditions = ""
    values: list[Any] = []
    if len(allowed) < len(file.assets) or file.hidden:
        conditions = " AND segments.asset IN (SELECT value FROM json_each(?))"
        values.append(json.dumps(allowed))
    for condition, value in (("until >= ?", question.start), ("start < ?", question.end)):
        if value is not None:
            conditions += f" AND segments.{condition}"
            values.append(value)
    if shown is not None:
        conditions += (
            " AND EXISTS (SELECT 1 FROM json_each(?) WHERE json_extract(value, '$[0]') = segments.asset AND "
            "json_extract(value, '$[1]') <= segments.until AND json_extract(value, '$[2]') >= segments.start)"
        )
        values.append(json.dumps(shown))
    return Where(match, conditions, values)


def by_words(file: OpenFile, asked: Asked, units: Units, where: Where, ranked: bool) -> list[Candidate]:
    """Segments with the words, the best by BM25 where `ranked`, else as they come."""
    rank = "bm25(words, 1.0, 0.0)" if ranked else "0.0"
    order = "place" if ranked else "segments.id"
    matched = "words MATCH ?" if where.match else "TRUE"
    rows = file.connection.execute(
        f"SELECT {COLUMNS}, {rank} AS place FROM words JOIN segments ON segments.id = words.rowid "
        f"WHERE {matched}{where.conditions} ORDER BY {order} LIMIT ?",
        (
            *([where.match] if where.match else []),
            *where.values,
            max(MOST_JUDGED, 3 * asked.question.k) if units else asked.question.k,
        ),
    ).fetchall()
    found = []
    for *columns, place in rows:
        row = Row(*columns)
        quality = judge(row.text, units).quality if units else 1.0
        found.append(Candidate(quality, place, file, file.assets[row.asset], row))
    return found


def said_then(file: OpenFile, held: Held, start: float, end: float, where: Where) -> Row | None:
    """The segment that is said for most of a stretch, where all else holds."""
    rows = file.connection.execute(
        f"SELECT {COLUMNS} FROM segments WHERE segments.asset = ? AND segments.start <= ? AND "
        f"segments.until >= ?{where.conditions}",
        (held.number, end, start, *where.values),
    ).fetchall()
    best = sorted(map(Row._make, rows), key=lambda row: max(row.start, start) - min(row.end, end))
    if not where.match:
        return best[0] if best else None
    query = "SELECT 1 FROM words WHERE words MATCH ? AND rowid = ?"
    return next(
        (row for row in best if file.connection.execute(query, (where.match, row.id)).fetchone()), None
    )


def is_common(units: Units, terms: IndexTerms) -> bool:
    """Whether so many segments answer that ranking all of them would take longer than it is worth."""
    wanted = [of[0].terms for unit, of in units if not unit.out]
    return len(wanted) == 1 and len(wanted[0]) == 1 and terms.seen(wanted[0][0]) > COMMON


def stretches(
    file: OpenFile, allowed: list[int], question: MomentQuestion, around: dict[str, Named]
) -> list[Stretch]:
    """Where a sound is heard, somebody is seen, or both at once, whatever is said."""
    kinds = [kind for kind in ("seen", "sound") if kind in around]
    called = {kind: json.dumps(around[kind].values) for kind in kinds}
    # Two looks into two indexes: with OR, SQLite reads every span of the kind.
    first = (
        "(SELECT asset, start, until FROM spans WHERE kind = ? AND label IN (SELECT value FROM json_each(?)) "
        "UNION SELECT asset, start, until FROM spans WHERE kind = ? AND name IS NOT NULL AND name IN "
        "(SELECT value FROM json_each(?)))"
    )
    values = [kinds[0], called[kinds[0]], kinds[0], called[kinds[0]]]
    if len(kinds) == 1:
        query = f"SELECT asset, start, until FROM {first}"
    else:  # people are on screen less often than a sound is heard: so they are looked up first
        query = (
            "SELECT DISTINCT a.asset, max(a.start, b.start), min(a.until, b.until) "
            f"FROM {first} a CROSS JOIN spans b ON b.asset = a.asset AND b.kind = ? AND b.start <= a.until "
            "AND b.until >= a.start AND b.label IN (SELECT value FROM json_each(?))"
        )
        values += [kinds[1], called[kinds[1]]]
    found = []
    allowed_set = set(allowed)
    for number, start, end in file.connection.execute(query, values):
        after = question.start is None or end >= question.start
        if number in allowed_set and after and (question.end is None or start < question.end):
            found.append(Stretch(file, file.assets[number], start, end))
    return found
