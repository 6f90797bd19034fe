"""What the shelf shows of an asset, and what it can search of it, from the index of words."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tasks.search.number_words import numbers_in
from tasks.words.store import Held

MOST = 12  # people and sounds of one card
SHAPE = 2  # of a card and of what is said beside it: those of another are written again


def card_of(connection: sqlite3.Connection, held: Held, digest: str, picture: str | None) -> dict[str, Any]:
    """As assets.js has it; `digest` of the manifest, `picture` a path below the output folder."""
    number = (held.number,)
    query = "SELECT language FROM segments WHERE asset = ? GROUP BY language ORDER BY count(*) DESC"
    languages = [language for (language,) in connection.execute(query, number) if language]
    query = "SELECT DISTINCT name FROM segments WHERE asset = ? AND name IS NOT NULL"
    people = [name for (name,) in connection.execute(query, number)]
    sounds: Counter[str] = Counter()
    query = "SELECT kind, label, name, until - start FROM spans WHERE asset = ?"
    for kind, label, name, seconds in connection.execute(query, number):
        if kind == "sound":
            sounds[label] += seconds
        elif kind == "seen" and name:
            people.append(name)
    return {
        "id": held.asset,
        "digest": digest,
        "shape": SHAPE,
        "name": held.name,
        "made": round(held.made),
        "day": held.day,
        "dated": held.dated,
        "seconds": round(held.duration),
        "languages": languages,
        "people": list(dict.fromkeys(people))[:MOST],
        "sounds": [label for label, _ in sounds.most_common(MOST)],
        "picture": picture,
    }


def pictures_of(connection: sqlite3.Connection, held: Held) -> Iterator[str]:
    """Paths below the asset's cache, the picture that stays longest on screen first."""
    query = "SELECT label FROM spans WHERE asset = ? AND kind = 'picture' ORDER BY until - start DESC"
    for (label,) in connection.execute(query, (held.number,)):
        yield label


def said_in(connection: sqlite3.Connection, held: Held) -> list[list[Any]]:
    """Start in seconds, who says it, what is said, and where there are any its numbers.

    Of each number that is not written in digits alone [value, start, end], as UTF-16 counts, in one list.
    """
    query = "SELECT start, coalesce(name, speaker, ''), text FROM segments WHERE asset = ? ORDER BY start"
    rows = []
    for start, who, text in connection.execute(query, (held.number,)):
        numbers = [
            [said.value, _units(text, said.start), _units(text, said.end)] for said in numbers_in(text)
        ]
        rows.append([start, who, text, *([numbers] if numbers else [])])
    return rows


def _units(text: str, place: int) -> int:
    return place if text.isascii() else len(text[:place].encode("utf-16-le")) // 2
