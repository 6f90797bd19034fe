"""The shelf: one page over everything, which reads files beside it and nothing else."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from containers.common.errors import StorageError
from tasks.search.korean import verb_beginnings
from tasks.search.numbers import spellings, value_of
from tasks.shelf.files import from_script, shard_of
from tasks.shelf.make import make_shelf
from tasks.words.store import index_asset
from tasks.words.tokens import fold, terms
from tests.tasks.search.test_korean import VERBS
from tests.tasks.search.test_numbers import ASKED as NUMBERS_ASKED
from tests.tasks.search.test_numbers import OTHERS, SAID
from tests.tasks.words.archive import publish

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

TALK, SHOW, NEWS = "a" * 16, "b" * 16, "c" * 16
EVIL = "</script><img src=x onerror=document.title='pwned'> budget"


@pytest.fixture
def output(tmp_path: Path) -> Path:
    said = [
        ("The annual budget.", 3.0, 5.0),
        ("오늘 회의에서는 예산을 다룹니다.", 70.0, 75.0, "SPEAKER_01", "ko"),
    ]
    publish(tmp_path, TALK, said, names={"SPEAKER_00": "Kate"}, heard=[("Applause", 0.0, 2.0)])
    publish(
        tmp_path, SHOW, [("会議室で予算を話す。", 1.0, 2.0)], language="ja", created="2026-11-26T00:00:00Z"
    )
    return tmp_path


def cards(output: Path) -> list[dict]:
    return from_script((output / "shelf" / "assets.js").read_bytes(), "assets")


def test_what_it_shows_of_each_the_newest_first(output: Path) -> None:
    assert make_shelf(output, whole=True) == output / "index.html"
    newest, other = cards(output)
    assert newest["id"] == SHOW and newest["languages"] == ["ja"]
    assert (other["name"], other["seconds"], other["people"]) == ("a.mp4", 60, ["Kate"])
    assert other["sounds"] == ["Applause"] and set(other["languages"]) == {"en", "ko"}


def test_an_analysis_does_not_read_what_others_left_unindexed(output: Path) -> None:
    """An archive of before there were words is read by the nightly run, or by whoever searches first."""
    index_asset(output, SHOW)
    make_shelf(output)
    assert [card["id"] for card in cards(output)] == [SHOW]
    make_shelf(output, whole=True)
    assert [card["id"] for card in cards(output)] == [SHOW, TALK]


def test_only_what_changed_is_written_again(output: Path) -> None:
    make_shelf(output, whole=True)
    files = {path: path.stat().st_mtime_ns for path in (output / "shelf" / "said").iterdir()}
    publish(output, NEWS, [("More.", 1.0, 2.0)])
    index_asset(output, NEWS)
    make_shelf(output)
    assert {path: path.stat().st_mtime_ns for path in files} == files
    shutil.rmtree(output / TALK)
    make_shelf(output)
    assert {path.stem for path in (output / "shelf" / "said").iterdir()} == {SHOW, NEWS}
    assert {card["id"] for card in cards(output)} == {SHOW, NEWS}


def test_the_shards_know_every_term(output: Path) -> None:
    make_shelf(output, whole=True)
    order = [card["id"] for card in cards(output)]
    for term in terms("오늘 회의에서는 예산을 다룹니다."):
        text = (output / "shelf" / "words" / f"{shard_of(term)}.js").read_text()
        number, _, shard = text.removeprefix("shelf.words(").partition(", ")
        assert int(number) == shard_of(term)
        assert from_script(f"shelf.words({shard}".encode(), "words")[term] == [order.index(TALK)]


def test_a_page_of_somebody_else_stays(output: Path) -> None:
    (output / "index.html").write_text("mine")
    with pytest.raises(StorageError, match=r"index\.html is not the shelf's"):
        make_shelf(output)
    assert (output / "index.html").read_text() == "mine"


def test_a_link_out_of_the_folder_is_not_followed(output: Path, tmp_path_factory) -> None:
    (output / "shelf").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(StorageError, match="is not inside"):
        make_shelf(output)


@pytest.fixture
def page(output: Path, browser: "Browser"):
    publish(output, NEWS, [(EVIL, 9.0, 12.0)], names={"SPEAKER_00": "<b>Tom"}, seen=[("<i>Lucy", 1.0, 2.0)])
    said = [(text, 10.0 * place, 10.0 * place + 5) for place, text in enumerate([*SAID, *OTHERS])]
    publish(output, "e" * 16, [*said, ("A recording of Mr Smith, 27.", 300.0, 301.0)])
    make_shelf(output, whole=True)
    publish(output, "d" * 16, [("A newer budget, of nobody's shards.", 4.0, 6.0)])
    index_asset(output, "d" * 16)
    make_shelf(output)
    page = browser.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto((output / "index.html").as_uri())
    page.locator("#count", has_text="5 recordings").wait_for()
    yield page
    page.close()
    assert not [fault for fault in faults if "ERR_FILE_NOT_FOUND" not in fault]


def search(page: "Page", question: str, count: str) -> list[str]:
    page.fill("#words", question)
    page.locator(f"#found[data-question={json.dumps(question, ensure_ascii=False)}]").wait_for(
        state="attached"
    )
    assert page.inner_text("#count") == count
    return page.locator(".found .said").all_inner_texts()


@pytest.mark.slow
def test_it_is_searched_from_disk_in_every_script(page: "Page") -> None:
    assert len(search(page, "budget", "3 moments in 3 recordings")) == 3
    assert search(page, '"annual budget"', "1 moment in 1 recording") == ["The annual budget."]
    assert search(page, "회의", "1 moment in 1 recording") == ["오늘 회의에서는 예산을 다룹니다."]
    assert page.locator(".found mark").inner_text() == "회의"
    assert search(page, "予算", "1 moment in 1 recording") == ["会議室で予算を話す。"]
    assert search(page, "zebra", "0 moments in 0 recordings") == []
    assert page.locator("#found").inner_text().startswith("Nothing was found.")
    link = page.locator(".card a").first
    search(page, "annu*", "1 moment in 1 recording")
    assert page.locator(".found a").get_attribute("href") == f"{TALK}/report.html#t=3.00"
    assert link.get_attribute("href") == f"{TALK}/report.html"


@pytest.mark.slow
def test_words_are_found_as_the_search_finds_them(page: "Page") -> None:
    """Forms, typing errors, particles, spaces, and without a word."""
    assert search(page, "recordings", "1 moment in 1 recording") == ["A recording of Mr Smith, 27."]
    assert search(page, "record", "1 moment in 1 recording") == ["A recording of Mr Smith, 27."]
    assert search(page, "reco", "0 moments in 0 recordings") == [], "four letters more are another word"
    assert search(page, "anual", "1 moment in 1 recording") == ["The annual budget."]
    assert search(page, "회의는", "1 moment in 1 recording") == ["오늘 회의에서는 예산을 다룹니다."]
    assert search(page, "오늘회의", "1 moment in 1 recording") == ["오늘 회의에서는 예산을 다룹니다."]
    assert EVIL not in search(page, "budget -onerror", "2 moments in 2 recordings")


@pytest.mark.slow
def test_a_korean_verb_is_found_in_its_forms(page: "Page") -> None:
    """As the search itself: a word's other forms are those of `verb_beginnings`."""
    assert search(page, "다루다", "1 moment in 1 recording") == ["오늘 회의에서는 예산을 다룹니다."]
    assert search(page, "다루어요", "1 moment in 1 recording") == ["오늘 회의에서는 예산을 다룹니다."]
    others = [
        "그렇다",
        "하얗다",
        "되다",
        "하다",
        "오다",
        "서다",
        "흐르다",
        "알다",
        "학교요",
        "다",
        "요",
        "회의는",
    ]
    words = [*VERBS, *(form for forms in VERBS.values() for form in forms), *others]
    read = page.evaluate("(words) => words.map(verbBeginnings)", words)
    assert dict(zip(words, map(sorted, read), strict=True)) == {
        word: sorted(verb_beginnings(word)) for word in words
    }


@pytest.mark.slow
def test_numbers_are_found_in_every_spelling(page: "Page") -> None:
    """As the search itself: what is typed is read as `value_of` reads it."""
    for asked in NUMBERS_ASKED:
        assert sorted(search(page, asked, "9 moments in 1 recording")) == sorted(SAID)
    assert len(search(page, "1984", "2 moments in 1 recording")) == 2
    assert page.locator(".found mark").all_inner_texts() == ["nineteen eighty-four", "1984"]
    search(page, "twenty-seven", "1 moment in 1 recording")
    assert page.locator(".found mark").all_inner_texts() == ["27"]
    assert search(page, "forty four", "0 moments in 0 recordings") == []
    values = [10, 21, 43, 71, 99, 100, 105, 1000, 1234, 2026, 10_000, 43_210, 1_000_000, 20_500_000]
    texts = {fold(text): value for value in values for text in spellings(value) if value_of(text) == value}
    texts |= {text: value_of(text) for text in ("조사", "조사 백만", "once", "ten five", "이", "hallo")}
    read = page.evaluate("(texts) => texts.map(numberOf)", list(texts))
    assert {text: got for text, got in zip(texts, read, strict=True) if got != texts[text]} == {}


@pytest.mark.slow
def test_filters_and_what_others_wrote(page: "Page") -> None:
    page.select_option("#language", "ja")
    page.locator("#count", has_text="1 recording").wait_for()
    page.select_option("#language", "")
    page.select_option("#person", "<b>Tom")
    assert search(page, "budget", "1 moment in 1 recording") == [EVIL]
    assert page.title() == "Shelf" and not page.locator("main img[src=x]").count()
