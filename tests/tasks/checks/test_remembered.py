"""What a store's page remembers of earlier checks, and where it leads to."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from containers.common.errors import UserError
from tasks.checks.check import _limit
from tasks.checks.docs import in_levels
from tasks.checks.remembered import FILE, MOST, courses, remember
from tasks.checks.store import check_store
from tasks.checks.verdicts import Quality, Verdict


def verdicts(**broken: int) -> Quality:
    """A rule a table, broken by so many rows of one asset."""
    return Quality(
        verdicts=[
            Verdict(
                table=table,
                rule="It is right.",
                severity="warning",
                checked=9,
                broken=rows,
                assets={"a" * 16: rows} if rows else {},
            )
            for table, rows in broken.items()
        ]
    )


def test_rules_over_time_are_said_with_since_when(tmp_path: Path) -> None:
    place = tmp_path.as_uri()
    for words, turns in ((0, 2), (1, 2), (3, 0)):
        checks = remember(place, verdicts(words=words, turns=turns, faces=0), 5)
    words, turns = courses(checks)
    assert (words.table, words.rows, words.since) == ("words", [0, 1, 3], checks[1].at)
    assert (turns.table, turns.rows, turns.since) == ("turns", [2, 2, 0], checks[2].at)
    assert words.broken and not turns.broken
    always = courses(checks[1:2])
    assert [(one.table, one.since) for one in always] == [("turns", None), ("words", None)]
    assert "aaaa" not in (tmp_path / FILE).read_text(), "no asset is named"


def test_a_quarter_of_nights_is_kept(tmp_path: Path) -> None:
    (one,) = remember(tmp_path.as_uri(), verdicts(words=1), 1)
    (tmp_path / FILE).write_text(json.dumps([json.loads(one.model_dump_json())] * (MOST + 5)))
    assert len(remember(tmp_path.as_uri(), verdicts(words=1), 1)) == MOST


@pytest.mark.parametrize("content", [b"{", b'[{"at": 3}]', b"\xff"])
def test_what_cannot_be_read_is_said_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(UserError, match=r"history\.json cannot be read .*: move it away"):
        remember(tmp_path.as_uri(), verdicts(words=1), 1)
    assert (tmp_path / FILE).read_bytes() == content


def test_the_page_names_media_and_leads_to_the_second(
    make_asset: Callable[..., Path], tmp_path: Path
) -> None:
    def spoil(documents, manifest, rows) -> None:
        documents["transcript.json"]["segments"][1]["words"][0]["score"] = 7
        manifest["media"]["name"] = "<i>Tuesday #1</i>.mp4"

    shutil.copytree(make_asset(spoil, "5" * 16), tmp_path / ("5" * 16))
    for _ in range(2):
        found = check_store(tmp_path)
    (broken,) = found.quality.warnings
    (row,) = broken.rows
    assert (row.at, broken.limit) == (6.0, "from 0 to 1")
    page = Path(found.page).read_text(encoding="utf-8")
    assert f'<a href="../{"5" * 16}/report.html#t=6">0:06</a>' in page
    assert ">&lt;i&gt;Tuesday #1&lt;/i&gt;.mp4</a>" in page and "<i>" not in page
    assert "from 0 to 1" in page and "broken in every check" in " ".join(page.split())


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0.9, 1, "from 0.9 to 1"),
        (1, math.inf, "at least 1"),
        (None, 3, "at most 3"),
        (0, 0, "0"),
        (None, None, ""),
    ],
)
def test_what_a_rule_allows_is_said_in_words(low: float | None, high: float | None, words: str) -> None:
    assert _limit({"min_value": low, "max_value": high}) == words


@pytest.mark.parametrize(
    ("given", "levels"),
    [
        (
            "<h1>a</h1><h5 id='x'>b</h5><h6>c</h6><h5>d</h5>",
            "<h1>a</h1><h2 id='x'>b</h2><h3>c</h3><h2>d</h2>",
        ),
        ("<h1>a</h1><h2>b</h2>", "<h1>a</h1><h2>b</h2>"),
        ("<header><hr><h1>a</h1><h4\n>b</h4></header>", "<header><hr><h1>a</h1><h2\n>b</h2></header>"),
    ],
)
def test_headings_skip_no_level(given: str, levels: str) -> None:
    assert in_levels(given) == levels
