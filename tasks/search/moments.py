"""Moments by what is said, who says it, what is heard and who is seen, of all assets of an output folder.

    answer = find_moments(Path("out"), MomentQuestion(said="budget", by="Kate", heard="applause"))
    for moment in answer.moments:
        print(moment.media, moment.start, moment.text, moment.why)

Command line, flow, notebook and page call this one function. It loads no model, no vectors and no Prefect.
"""

import difflib
import json
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from containers.common.errors import StorageError, UserError
from containers.common.locks import tell
from containers.whisperx.names import to_code
from tasks.search.describe import Asked, Named, Row, describe
from tasks.search.question import FoundMoment, MomentAnswer, MomentQuestion
from tasks.search.said import Unit, Way, judge, match_of, parse, ways
from tasks.search.vocabulary import IndexTerms
from tasks.words.index_file import context_term
from tasks.words.store import Held, OpenFile, Words, open_words

MOST_JUDGED = 300  # of the best by BM25, whose texts are read and compared with the question
COMMON = 20_000  # segments with a word beyond which one such word alone is not ranked by BM25


def find_moments(
    output: Path, question: MomentQuestion, say: Callable[[str], object] | None = None
) -> MomentAnswer:
    """The `k` best moments. `say` is told what somebody waits for, and what cannot be searched.

    Raises UserError with one sentence: no such folder or asset, nobody of that name, no such sound.
    """
    output = output.absolute()
    notes: list[str] = []

    def note(sentence: str) -> None:
        notes.append(sentence)
        (say or tell)(sentence)

    words = open_words(output, note)
    try:
        return MomentAnswer(
            question=question, assets=words.assets, notes=notes, moments=_find(output, question, words)
        )
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"The word index {output / 'words'} is damaged ({error}): `python -m flows.reindex {output}` "
            "makes it anew."
        ) from None
    finally:
        for file in words.files:
            file.connection.close()


def _find(output: Path, question: MomentQuestion, words: Words) -> list[FoundMoment]:
    if not words.assets:
        raise UserError(f"Nothing was analysed into {output} yet.")
    around = _around(question, words)
    chosen = [_allowed(file, question, words) for file in words.files]
    files = [(file, allowed) for file, allowed in zip(words.files, chosen, strict=True) if allowed]
    if question.said is None and question.by is None and question.language is None:
        found = [each for file, allowed in files for each in _stretches(file, allowed, question, around)]
        found.sort(key=lambda one: (one[1].made * -1, one[2]))
        asked = Asked(output, question, around, [])
        return [describe(asked, *one) for one in found[: question.k]]
    terms = IndexTerms([file.connection for file in words.files])
    units = [(unit, ways(unit, terms)) for unit in parse(question.said)] if question.said else []
    rated = [
        each for file, allowed in files for each in _segments(file, allowed, question, units, around, terms)
    ]
    rated.sort(key=lambda one: (-one[0], one[1]))
    asked = Asked(output, question, around, units)
    return [
        describe(asked, file, held, row.start, row.end, row) for _, _, file, held, row in rated[: question.k]
    ]


def _around(question: MomentQuestion, words: Words) -> dict[str, Named]:
    """Of each part beside the words the terms that answer it, any of which will do."""
    found = {}
    for kind, asked in (("by", question.by), ("sound", question.heard), ("seen", question.seen)):
        if asked is not None:
            found[kind] = _named(kind, asked, words)
    if question.language is not None:
        try:
            code = to_code(question.language)
            found["language"] = Named([context_term("language", code)], [code])
        except ValueError as error:
            raise UserError(f"{error}.") from None
    return found


def _named(kind: str, asked: str, words: Words) -> Named:
    """The terms of who or what is called so; a sound also by a word of its name."""
    wanted = context_term(kind, asked)
    query = "SELECT DISTINCT value FROM names WHERE kind = ? AND term = ?"
    values = [value for file in words.files for (value,) in file.connection.execute(query, (kind, wanted))]
    if values and kind != "sound":
        return Named([wanted], sorted(set(values)))
    known: dict[str, str] = {}
    for file in words.files:
        query = "SELECT DISTINCT value, term FROM names WHERE kind = ?"
        known |= dict(file.connection.execute(query, (kind,)))
    own = set(asked.casefold().split()) if kind == "sound" else set()
    values += [value for value in known if own and own <= set(_words(value))]
    if values:
        return Named(sorted({known[value] for value in values}), sorted(set(values)))
    near = difflib.get_close_matches(asked, known, n=5, cutoff=0.5) or sorted(known)[:8]
    there = f": there is {', '.join(near)}" if near else ""
    nobody = (
        f"No sound is called '{asked}'" if kind == "sound" else f"Nobody called '{asked}' is {_done(kind)}"
    )
    raise UserError(f"{nobody}{there}.")


def _done(kind: str) -> str:
    return "heard" if kind == "by" else "seen"


def _words(value: str) -> list[str]:
    return value.casefold().replace(",", " ").replace("(", " ").replace(")", " ").split()


def _allowed(file: OpenFile, question: MomentQuestion, words: Words) -> list[int]:
    """Numbers of the file's assets in which may be searched."""
    ids = [held.asset for each in words.files for held in each.assets.values()]
    wanted = {_asset_id(asset, ids) for asset in question.assets}
    after = question.after and datetime.combine(question.after, time(), UTC).timestamp()
    before = question.before and datetime.combine(question.before, time(), UTC).timestamp()
    return [
        number
        for number, held in file.assets.items()
        if (not wanted or held.asset in wanted)
        and (after is None or held.made >= after)
        and (before is None or held.made < before)
    ]


def _asset_id(wanted: str, ids: Iterable[str]) -> str:
    found = [asset for asset in ids if asset.startswith(wanted)]
    if not wanted or not found:
        raise UserError(f"There is no asset '{wanted}'.")
    if len(found) > 1:
        raise UserError(f"{len(found)} assets begin with '{wanted}': write more of the id.")
    return found[0]


Rated = tuple[float, float, OpenFile, Held, Row]


def _segments(
    file: OpenFile,
    allowed: list[int],
    question: MomentQuestion,
    units: Sequence[tuple[Unit, Sequence[Way]]],
    around: dict[str, Named],
    terms: IndexTerms,
) -> list[Rated]:
    """Segments of a file with how well they answer and their place by BM25, the smaller the better."""
    parts = [" OR ".join(f'"{term}"' for term in each.terms) for each in around.values()]
    match = " AND ".join(
        [*([match_of(units)] if units else []), *(f"(context : ({part}))" for part in parts)]
    )
    where, values = _within(file, allowed, question)
    ranked = bool(units) and not _common(units, around, terms)
    rank = "bm25(words, 1.0, 0.0)" if ranked else "0.0"
    order = "place" if ranked else "segments.id"
    rows = file.connection.execute(
        "SELECT segments.id, segments.start, segments.until, segments.speaker, segments.name, "
        f"segments.language, segments.text, segments.asset, {rank} AS place "
        f"FROM words JOIN segments ON segments.id = words.rowid WHERE words MATCH ?{where} "
        f"ORDER BY {order} LIMIT ?",
        (match, *values, max(MOST_JUDGED, 3 * question.k) if units else question.k),
    ).fetchall()
    found = []
    for *columns, place in rows:
        row = Row(*columns)
        quality = judge(row.text, units).quality if units else 1.0
        found.append((quality, place, file, file.assets[row.asset], row))
    return found


def _common(units: Sequence[tuple[Unit, Sequence[Way]]], around: dict[str, Named], terms: IndexTerms) -> bool:
    """Whether so many segments answer that ranking all of them would take longer than it is worth."""
    wanted = [of[0].terms for unit, of in units if not unit.out]
    return len(wanted) == 1 and len(wanted[0]) == 1 and terms.seen(wanted[0][0]) > COMMON


def _within(file: OpenFile, allowed: list[int], question: MomentQuestion) -> tuple[str, list[Any]]:
    where = ""
    values: list[Any] = []
    if len(allowed) < len(file.assets) or file.hidden:
        where, values = " AND segments.asset IN (SELECT value FROM json_each(?))", [json.dumps(allowed)]
    for condition, value in (("until >= ?", question.start), ("start < ?", question.end)):
        if value is not None:
            where += f" AND segments.{condition}"
            values.append(value)
    return where, values


def _stretches(
    file: OpenFile, allowed: list[int], question: MomentQuestion, around: dict[str, Named]
) -> list[tuple[OpenFile, Held, float, float]]:
    """Where a sound is heard, somebody is seen, or both at once, whatever is said."""
    kinds = [kind for kind in ("seen", "sound") if kind in around]
    called = {kind: json.dumps(around[kind].values) for kind in kinds}
    first = (
        "(SELECT DISTINCT asset, start, until FROM spans WHERE kind = ? AND (label IN (SELECT value FROM "
        "json_each(?)) OR name IN (SELECT value FROM json_each(?))))"
    )
    values = [kinds[0], called[kinds[0]], called[kinds[0]]]
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
            found.append((file, file.assets[number], start, end))
    return found
