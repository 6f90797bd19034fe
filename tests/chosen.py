"""Files that hold none of the tests that are asked for are not read.

`make test` asks for the fast tests, then for the slow ones, in several processes: each would import every
test file and what it imports, torch among it, to find out whose marks fit.
"""

import re
from pathlib import Path

import pytest

FAST, SLOW = "not slow and not soak", "slow and not soak"  # as the Makefile asks
ALL_MARKED = re.compile(r"^pytestmark = \[?pytest\.mark\.(slow|soak)\b", re.MULTILINE)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """None: the others decide."""
    if collection_path.suffix != ".py" or not collection_path.name.startswith("test_"):
        return None
    return holds_none_of(config.option.markexpr, collection_path.read_text(encoding="utf-8")) or None


def holds_none_of(asked: str, source: str) -> bool:
    """Whether a file can have no test of these; any mention of the mark is taken for one."""
    if asked == SLOW:
        return "mark.slow" not in source
    return asked == FAST and bool(ALL_MARKED.search(source))
