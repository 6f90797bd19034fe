"""What the shelf shows of an asset, and what it can search of it, from the index of words."""

import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

from containers.common.inside import existing
from tasks.words.store import Held

MOST = 12  # people and sounds of one card


def card_of(output: Path, connection: sqlite3.Connection, held: Held, digest: str) -> dict[str, Any]:
    """As assets.js has it; `picture` is a path below the output folder."""
    number = (held.number,)
    query = "SELECT language FROM segments WHERE asset = ? GROUP BY language ORDER BY count(*) DESC"
    languages = [language for (language,) in connection.execute(query, number) if language]
    query = "SELECT DISTINCT name FROM segments WHERE asset = ? AND name IS NOT NULL"
    people = [name for (name,) in connection.execute(query, number)]
    sounds: Counter[str] = Counter()
    pictures: list[tuple[float, str]] = []
    query = "SELECT kind, label, name, until - start FROM spans WHERE asset = ?"
    for kind, label, name, seconds in connection.execute(query, number):
        if kind == "sound":
            sounds[label] += seconds
        elif kind == "picture":
            pictures.append((seconds, label))
        elif name:
            people.append(name)
    return {
        "id": held.asset,
        "digest": digest,
        "name": held.name,
        "made": round(held.made),
        "day": held.day,
        "dated": held.dated,
        "seconds": round(held.duration),
        "languages": languages,
        "people": list(dict.fromkeys(people))[:MOST],
        "sounds": [label for label, _ in sounds.most_common(MOST)],
        "picture": _picture(output, held.asset, pictures),
    }


def _picture(output: Path, asset: str, pictures: list[tuple[float, str]]) -> str | None:
    """The one that stays longest on screen."""
    for _, label in sorted(pictures, key=lambda one: -one[0]):
        if existing(output / ".cache", asset, *label.split("/")):
            return f".cache/{asset}/{label}"
    return None


def said_in(connection: sqlite3.Connection, held: Held) -> list[list[Any]]:
    """Start in seconds, who says it, and what is said."""
    query = "SELECT start, coalesce(name, speaker, ''), text FROM segments WHERE asset = ? ORDER BY start"
    return [list(row) for row in connection.execute(query, (held.number,))]
