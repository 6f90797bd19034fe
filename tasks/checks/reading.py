"""An asset's documents as they lie there: what cannot be read is a fact to report, and the rest goes on."""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from containers.common.errors import UserError
from tasks.checks.table import Rows

UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    OSError,
    RecursionError,  # of lists in lists, a thousand deep
    UserError,
)


class Documents(dict[str, Any]):
    """Parsed JSON by file name, and in `rows` a fact for each document and for each fault of one."""

    def __init__(self, given: Mapping[str, bytes]) -> None:
        super().__init__()
        self.rows: Rows = []
        for name in sorted(given):
            if not name.endswith(".json"):
                continue
            try:
                document = json.loads(given[name])
                infinite = list(not_finite(document))
            except (ValueError, RecursionError) as error:
                self.fault(name, "readable", str(error))
                continue
            self[name] = document
            for place in infinite:
                self.fault(name, "finite", place)
            self.rows.append(_row(name))

    def fault(self, file: str, kind: str, why: str) -> None:
        self.rows.append(_row(file) | {kind: False, "why": why[:200]})

    def look(self, file: str, rows: Callable[[], Rows]) -> Rows:
        """The rows, or none and a fault of `file` where it has not the shape that they are read from."""
        try:
            return rows()
        except UNREADABLE as error:
            self.fault(file, "shaped", f"{type(error).__name__}: {error}")
            return []


def _row(file: str) -> dict[str, Any]:
    return {"file": file, "readable": True, "finite": True, "shaped": True, "why": None}


def not_finite(value: Any, place: str = "") -> Iterator[str]:
    """Where in parsed JSON a NaN or an infinity stands, as `segments 3 words 0 score`."""
    if isinstance(value, float):
        if not math.isfinite(value):
            yield place.strip()
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from not_finite(one, f"{place} {name}")
    elif isinstance(value, list):
        for number, one in enumerate(value):
            if isinstance(one, (float, dict, list)):
                yield from not_finite(one, f"{place} {number}")
