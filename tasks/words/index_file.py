"""One file of the word index: an SQLite database with FTS5 (https://sqlite.org/fts5.html).

What was said when, by whom, and what is heard and seen meanwhile, of any number of assets. `words` has a row
for each segment: its terms, which SQLite's tokenizer `ascii` takes apart at spaces, and as terms too who
speaks, who is seen, what is heard and which language it is, so that a question of many parts is one look into
one index. It keeps no second copy of the text (contentless): a segment is taken out by its terms.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from containers.common.errors import StorageError
from tasks.words.rows import AssetRows, SaidSegment, Span
from tasks.words.tokens import VERSION, fold, terms

FORMAT = f"3.{VERSION}"
BUSY = 60.0  # seconds that one writer waits for another
SCHEMA = (
    "CREATE TABLE about (format TEXT NOT NULL)",
    "CREATE TABLE assets (id INTEGER PRIMARY KEY, asset TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, "
    "name TEXT NOT NULL, made REAL NOT NULL, day TEXT NOT NULL, dated TEXT NOT NULL, duration REAL NOT NULL)",
    "CREATE TABLE segments (id INTEGER PRIMARY KEY, asset INTEGER NOT NULL, start REAL NOT NULL, "
    "until REAL NOT NULL, speaker TEXT, name TEXT, language TEXT, text TEXT NOT NULL)",
    "CREATE INDEX segments_by_asset ON segments (asset, start)",
    "CREATE TABLE spans (asset INTEGER NOT NULL, kind TEXT NOT NULL, label TEXT NOT NULL, name TEXT, "
    "start REAL NOT NULL, until REAL NOT NULL, PRIMARY KEY (asset, kind, start, label)) WITHOUT ROWID",
    "CREATE INDEX spans_by_label ON spans (kind, label, asset, start, until)",
    "CREATE INDEX spans_by_name ON spans (kind, name) WHERE name IS NOT NULL",
    "CREATE TABLE names (kind TEXT NOT NULL, term TEXT NOT NULL, value TEXT NOT NULL, "
    "asset INTEGER NOT NULL, PRIMARY KEY (kind, term, value, asset)) WITHOUT ROWID",
    "CREATE INDEX names_by_asset ON names (asset)",
    "CREATE TABLE terms (term TEXT PRIMARY KEY, seen INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE VIRTUAL TABLE words USING fts5(terms, context, content='', tokenize='ascii')",
)
_OURS = set(SCHEMA)


class DamagedIndex(StorageError):
    """A file of the word index is not what this version of the project writes."""


def create(path: Path) -> sqlite3.Connection:
    """A new, empty file. Raises sqlite3.Error."""
    connection = sqlite3.connect(path, timeout=BUSY, isolation_level=None)
    with transaction(connection):
        for statement in SCHEMA:
            connection.execute(statement)
        connection.execute("INSERT INTO about VALUES (?)", (FORMAT,))
    return connection


def open_file(path: Path, *, writing: bool = False, fixed: bool = False) -> sqlite3.Connection:
    """An existing file, to read unless `writing`; `fixed`: nobody will ever write it.

    Raises DamagedIndex for what is no such file: whoever wrote it, nothing in it runs.
    """
    mode = "rw" if writing else "ro&immutable=1" if fixed else "ro"
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        found = {row[0] for row in connection.execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")}
        shadows = {text for text in found - _OURS if text.startswith("CREATE TABLE 'words_")}
        about = connection.execute("SELECT format FROM about").fetchall()
        if about == [(FORMAT,)]:
            connection.execute("SELECT count(digest) FROM assets").fetchone()
    except sqlite3.DatabaseError as error:
        raise DamagedIndex(f"{path} is no word index: {error}.") from None
    if found - shadows != _OURS or about != [(FORMAT,)]:
        connection.close()
        raise DamagedIndex(f"{path} is a word index of another version, or none.")
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of the block's changes, or none; one writer at a time."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def digests(connection: sqlite3.Connection) -> dict[str, str]:
    """The assets that the file holds, each with the digest of the manifest that it was read with."""
    return dict(connection.execute("SELECT asset, digest FROM assets"))


def is_whole(connection: sqlite3.Connection) -> bool:
    """Whether no page of the file is damaged; reads all of them."""
    try:
        return connection.execute("PRAGMA quick_check(1)").fetchone() == ("ok",)
    except sqlite3.DatabaseError:
        return False


def add(connection: sqlite3.Connection, rows: AssetRows) -> None:
    """An asset in place of what the file held of it. Call it in a transaction."""
    remove(connection, [rows.asset])
    insert = (
        "INSERT INTO assets (asset, digest, name, made, day, dated, duration) VALUES (?, ?, ?, ?, ?, ?, ?)"
    )
    number = connection.execute(insert, rows[:7]).lastrowid
    (first,) = connection.execute("SELECT coalesce(max(id), 0) + 1 FROM segments").fetchone()
    connection.executemany(
        "INSERT INTO segments VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(place, number, *segment) for place, segment in enumerate(rows.segments, first)],
    )
    spans = list({(span.kind, span.start, span.label): span for span in rows.spans}.values())
    seen: Counter[str] = Counter()
    names = {_name(span.kind, value) for span in spans for value in (span.label, span.name) if value}
    said = []
    for place, segment, around in _with_context(first, rows.segments, spans):
        found = terms(segment.text)
        seen.update(set(found))
        names |= around
        said.append((place, " ".join(found), _joined(around)))
    connection.executemany("INSERT INTO words (rowid, terms, context) VALUES (?, ?, ?)", said)
    connection.executemany(
        "INSERT INTO names VALUES (?, ?, ?, ?)",
        [(*name, number) for name in sorted(names) if name[0] != "picture"],
    )
    connection.executemany("INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?)", [(number, *span) for span in spans])
    connection.executemany(
        "INSERT INTO terms VALUES (?, ?) ON CONFLICT (term) DO UPDATE SET seen = seen + excluded.seen",
        sorted(seen.items()),
    )


def remove(connection: sqlite3.Connection, assets: Iterable[str]) -> None:
    """Takes assets out. Their terms stay known, as words that somebody may have meant."""
    for asset in assets:
        found = connection.execute("SELECT id FROM assets WHERE asset = ?", (asset,)).fetchone()
        if found is None:
            continue
        query = (
            "SELECT start, until, speaker, name, language, text, id FROM segments WHERE asset = ? ORDER BY id"
        )
        said = connection.execute(query, found).fetchall()
        query = "SELECT kind, label, name, start, until FROM spans WHERE asset = ?"
        spans = [Span(*row) for row in connection.execute(query, found)]
        segments = [SaidSegment(*row[:-1]) for row in said]
        connection.executemany(
            "INSERT INTO words (words, rowid, terms, context) VALUES ('delete', ?, ?, ?)",
            [
                (place, " ".join(terms(segment.text)), _joined(around))
                for place, segment, around in _with_context(said[0][-1] if said else 0, segments, spans)
            ],
        )
        connection.execute("DELETE FROM segments WHERE asset = ?", found)
        connection.execute("DELETE FROM spans WHERE asset = ?", found)
        connection.execute("DELETE FROM names WHERE asset = ?", found)
        connection.execute("DELETE FROM assets WHERE id = ?", found)


def context_term(kind: str, value: str) -> str:
    """The term by which a segment is found of somebody who speaks (`by`) or is `seen`, of a `sound` heard
    meanwhile, or of a `language`: none that a text could have.
    """
    return f"{kind}0{''.join(each for each in fold(value) if each.isalnum())}"


def _name(kind: str, value: str) -> tuple[str, str, str]:
    return kind, context_term(kind, value), value


def _joined(names: Iterable[tuple[str, str, str]]) -> str:
    return " ".join(sorted({term for _, term, _ in names}))


def _with_context(
    first: int, segments: Sequence[SaidSegment], spans: Iterable[Span]
) -> Iterator[tuple[int, SaidSegment, set[tuple[str, str, str]]]]:
    """Each segment with its number and what is to be known of it beside its text: kind, term and value.

    The segments of an asset are numbered on from `first`.
    """
    waiting = sorted((span for span in spans if span.kind in ("sound", "seen")), key=lambda span: span.start)
    order = sorted(range(len(segments)), key=lambda place: segments[place].start)
    open_: list[Span] = []
    arrived = 0
    for place in order:
        segment = segments[place]
        while arrived < len(waiting) and waiting[arrived].start <= segment.end:
            open_.append(waiting[arrived])
            arrived += 1
        open_ = [span for span in open_ if span.end >= segment.start]
        found = {_name("by", value) for value in (segment.speaker, segment.name) if value}
        if segment.language:
            found.add(_name("language", segment.language))
        for span in open_:
            found |= {_name(span.kind, value) for value in (span.label, span.name) if value}
        yield first + place, segment, found
