"""The words that an index knows: their forms, and those that a person may have meant who mistyped."""

import sqlite3
from collections.abc import Sequence

RARE = 10


class IndexTerms:
    """Of all files that are searched, the words said most first."""

    def __init__(self, connections: Sequence[sqlite3.Connection]) -> None:
        self._connections = connections

    def beginning(self, text: str, longest: int) -> list[str]:
        query = (
            "SELECT term, seen FROM terms WHERE term >= ? AND term < ? AND length(term) <= ? "
            "ORDER BY seen DESC LIMIT 50"
        )
        return self._most(query, (text, text + "\U0010ffff", longest))

    def knows(self, term: str) -> bool:
        query = "SELECT 1 FROM terms WHERE term = ?"
        return any(each.execute(query, (term,)).fetchone() for each in self._connections)

    def seen(self, term: str) -> int:
        """In how many segments, about."""
        query = "SELECT seen FROM terms WHERE term = ?"
        return sum((each.execute(query, (term,)).fetchone() or (0,))[0] for each in self._connections)

    def is_rare(self, query: str) -> bool:
        """Whether fewer than RARE segments of every file answer an expression of FTS5."""
        ask = "SELECT 1 FROM words WHERE words MATCH ? LIMIT ?"
        return all(
            len(each.execute(ask, (f"terms : {query}", RARE)).fetchall()) < RARE for each in self._connections
        )

    def alike(self, word: str) -> list[str]:
        """Words one typing error away, of long ones two: a letter more, less, another, or two in turn.

        The distance is that of Damerau, "A technique for computer detection and correction of spelling
        errors", 1964, as optimal string alignment.
        """
        from rapidfuzz.distance import OSA
        from rapidfuzz.process import extract

        most = 1 if len(word) < 8 else 2
        query = "SELECT term, seen FROM terms WHERE length(term) BETWEEN ? AND ?"
        found: dict[str, int] = {}
        for each in self._connections:
            found |= dict(each.execute(query, (len(word) - most, len(word) + most)))
        near = extract(word, list(found), scorer=OSA.distance, score_cutoff=most, limit=50)
        return [term for term, distance, _ in sorted(near, key=lambda one: (one[1], -found[one[0]]))][:8]

    def _most(self, query: str, values: tuple[object, ...]) -> list[str]:
        counted: dict[str, int] = {}
        for each in self._connections:
            for term, seen in each.execute(query, values):
                counted[term] = counted.get(term, 0) + seen
        return sorted(counted, key=lambda term: -counted[term])
