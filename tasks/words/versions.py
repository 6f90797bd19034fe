"""Versions of the word index: made of what is published, tried out, and switched to by one small pointer."""

import json
import random
import shutil
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from containers.common import storage
from containers.common.durable import make_folder, sync_file, sync_folder
from containers.common.errors import StorageError, UserError
from containers.common.inside import Name, inside
from containers.common.locks import held
from tasks.words import index_file
from tasks.words.index_file import DamagedIndex
from tasks.words.rows import read_rows
from tasks.words.store import (
    POINTER,
    RECENT,
    current_version,
    drop_recent,
    published,
    version_names,
    words_folder,
    writing_recent,
)
from tasks.words.tokens import terms

ANEW = 0.5  # of the assets: when more than these changed, copying the version before is not worth it
TRIED = 200  # segments that have to be found by their own words
TRIED_TERMS = 8


class WordsVersion(BaseModel):
    """`OUT/words/<version>.json`."""

    version: Name
    previous: Name | None = Field(default=None, description="where a rollback leads")
    made: str = Field(default="built", description="built, or extended from the version before")
    why: str = ""
    assets: int
    count: int = Field(description="segments")
    tried: int = Field(description="segments of a sample, all of which are found by their own words")
    unread: dict[str, str] = Field(default={}, description="assets that cannot be read, with the reason")
    created: str
    seconds: float = Field(description="that making it took")


def make_version(
    output: Path, keep_versions: int = 3, rebuild: bool = False, purge: bool = False
) -> tuple[WordsVersion, bool]:
    """The current version, which holds exactly what is published, and whether this call made it.

    `purge`: another one in any case, without a byte of what it does not hold.

    Raises UserError when the new version fails its trial: the one before serves on.
    """
    started = time.perf_counter()
    folder = words_folder(output)
    try:
        make_folder(folder)
        with held(folder / ".lock", f"another writer of {folder}"):
            for partial in folder.glob(".*.part"):
                partial.unlink()
            return _make(output, folder, keep_versions, rebuild, purge, started)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"{folder} cannot be written: {error}.") from None


def _make(
    output: Path, folder: Path, keep: int, rebuild: bool, purge: bool, started: float
) -> tuple[WordsVersion, bool]:
    wanted = published(output)
    before, why = _whole(output)
    has = {} if before is None else _digests(before)
    changed = [asset for asset in wanted if has.get(asset) != wanted[asset]]
    gone = [asset for asset in has if asset not in wanted]
    if before and not changed and not gone and not rebuild and not purge:
        _tidy(output, has)
        if version := read_version(folder, before.stem):
            _prune(folder, version, keep)  # the writer before may have died before it did
            return version, False
    draft = folder / f".{_next(folder)}.db.part"
    extended = before is not None and not rebuild and len(changed) + len(gone) <= ANEW * max(1, len(has))
    try:
        if extended and before:
            shutil.copyfile(before, draft)
            connection = index_file.open_file(draft, writing=True)
            why = f"{len(changed)} assets added or changed, {len(gone)} gone"
        else:
            connection, changed = index_file.create(draft), list(wanted)
        read, unread = _fill(connection, output, changed, gone)
        holds = {name: has[name] for name in has if name not in (*gone, *unread)} if extended else {}
        holds |= read
        if purge:
            connection.execute("VACUUM")
        kept = before and holds == has and not rebuild and not purge
        if before and kept and (version := read_version(folder, before.stem)):
            return version.model_copy(update={"unread": unread}), False
        count, tried = _try_out(connection, draft, holds)
        connection.close()
        version = WordsVersion(
            version=_next(folder),
            previous=before.stem if before else None,
            made="extended" if extended else "built",
            why=why,
            assets=len(holds),
            count=count,
            tried=tried,
            unread=unread,
            created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            seconds=round(time.perf_counter() - started, 2),
        )
        _publish(folder, draft, version)
    finally:
        for left in folder.glob(f"{draft.name}*"):
            left.unlink()
    _prune(folder, version, keep)
    _tidy(output, holds)
    return version, True


def _whole(output: Path) -> tuple[Path | None, str]:
    """The current version where nothing in it is damaged, and why it is built anew where something is."""
    try:
        path = current_version(output)
        if path is None:
            return None, "the first version"
        connection = index_file.open_file(path, fixed=True)
        whole = index_file.is_whole(connection)
        connection.close()
        return (path, "asked for") if whole else (None, "the version before was damaged")
    except DamagedIndex:
        return None, "the version before was damaged"


def _digests(path: Path) -> dict[str, str]:
    connection = index_file.open_file(path, fixed=True)
    found = index_file.digests(connection)
    connection.close()
    return found


def _next(folder: Path) -> str:
    known = {*version_names(folder), *(path.stem for path in folder.glob("v*.json"))}  # of S3 too
    return f"v{max((int(name[1:]) for name in known if name[1:].isdigit()), default=0) + 1:06}"


def _fill(
    connection: sqlite3.Connection, output: Path, changed: Iterable[str], gone: Iterable[str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Digests of the assets that were taken in, and why others were not."""
    read, unread = {}, {}
    connection.execute("PRAGMA synchronous = OFF")  # a draft: it is synced before it is named
    with index_file.transaction(connection):
        index_file.remove(connection, gone)
        for asset in changed:
            try:
                rows = read_rows(output, asset)
            except UserError as error:
                unread[asset] = str(error)
                index_file.remove(connection, [asset])
                continue
            if rows is not None:
                index_file.add(connection, rows)
                read[asset] = rows.digest
        connection.execute("INSERT INTO words (words) VALUES ('optimize')")
    return read, unread


def _try_out(connection: sqlite3.Connection, draft: Path, expected: dict[str, str]) -> tuple[int, int]:
    """How many segments a draft has, and how many of them were asked for by their own words and found.

    Raises UserError when it does not hold what it should.
    """
    if index_file.digests(connection) != expected:
        raise UserError("The new word index does not hold the assets that it was made of.")
    connection.execute("INSERT INTO words (words) VALUES ('integrity-check')")
    if not index_file.is_whole(connection):
        raise UserError(f"The new word index {draft} is damaged.")
    numbers = [number for (number,) in connection.execute("SELECT id FROM segments")]
    tried = found = 0
    for number in random.Random(len(numbers)).sample(numbers, min(TRIED, len(numbers))):
        (text,) = connection.execute("SELECT text FROM segments WHERE id = ?", (number,)).fetchone()
        if asked := terms(text)[:TRIED_TERMS]:
            tried += 1
            query = "SELECT 1 FROM words WHERE words MATCH ? AND rowid = ?"
            phrase = '"' + " ".join(asked) + '"'
            found += connection.execute(query, (phrase, number)).fetchone() is not None
    if found < tried:
        raise UserError(f"The new word index finds {found} of {tried} segments by their own words.")
    return len(numbers), tried


def _publish(folder: Path, draft: Path, version: WordsVersion) -> None:
    about = folder / f"{version.version}.json"
    storage.write_bytes(storage.as_uri(about), version.model_dump_json(indent=1).encode())
    sync_file(draft)
    draft.rename(folder / f"{version.version}.db")
    sync_folder(folder)
    _point_to(folder, version.version)


def _point_to(folder: Path, version: str) -> None:
    storage.write_bytes(storage.as_uri(folder / POINTER), json.dumps({"version": version}).encode())


def read_version(folder: Path, name: str) -> WordsVersion | None:
    try:
        return WordsVersion.model_validate_json(inside(folder, f"{name}.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _prune(folder: Path, newest: WordsVersion, keep: int) -> None:
    """Leaves `newest` and the versions it descends from, `keep` in all."""
    kept = [newest]
    while len(kept) < keep and kept[-1].previous and (before := read_version(folder, kept[-1].previous)):
        kept.append(before)
    names = {version.version for version in kept}
    for name in version_names(folder):
        if name not in names:
            (folder / f"{name}.db").unlink(missing_ok=True)
            (folder / f"{name}.json").unlink(missing_ok=True)


def _tidy(output: Path, held_now: dict[str, str]) -> None:
    """Takes out of what is recent what the current version holds, and what is published no more."""
    if not (words_folder(output) / RECENT).exists():
        return
    wanted = published(output)
    with writing_recent(output) as recent:
        whole = index_file.is_whole(recent)
    if not whole:
        drop_recent(output)
        return
    with writing_recent(output) as recent, index_file.transaction(recent):
        there = index_file.digests(recent)
        index_file.remove(
            recent,
            [asset for asset in there if held_now.get(asset) == there[asset] or asset not in wanted],
        )


def forget_versions(output: Path) -> None:
    """Leaves one version, of what is published now, and nothing of before: no name that it had."""
    if version_names(words_folder(output)) or (words_folder(output) / RECENT).exists():
        make_version(output, keep_versions=1, purge=True)
        drop_recent(output)  # an asset that came meanwhile is read again by the next search


def roll_back(output: Path) -> WordsVersion:
    """Makes the version that the current one replaced current again, and returns it.

    What was analysed since is read again by the next search. Raises UserError when there is none.
    """
    folder = words_folder(output)
    if not folder.is_dir():
        raise UserError(f"{folder} has no previous version to go back to.")
    with held(folder / ".lock", f"another writer of {folder}"):
        path = current_version(output)
        now = path and read_version(folder, path.stem)
        previous = now and now.previous and read_version(folder, now.previous)
        if not previous or not (folder / f"{previous.version}.db").exists():
            raise UserError(f"{folder} has no previous version to go back to.")
        _point_to(folder, previous.version)
        return previous
