"""The report, and the page of a store's quality, for every kind of screen, eyes and file name."""

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePath

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from benchmarks.report import two_hours
from tasks.asset.manifest import StageEntry
from tasks.checks.page import render_quality
from tasks.checks.remembered import Broken, Check
from tasks.checks.verdicts import BrokenRow, Quality, Verdict
from tasks.media.demo import sample_speech
from tasks.outputs.report import ReportData, render_report
from tasks.outputs.report_view import plainly
from tests.waiting import until

HOSTILE = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'&#t=1%2f"
FACES = Broken(table="faces", rule="A face's box has a width.", severity="critical", rows=1, assets=1)
BROKEN = Verdict(
    table="faces",
    rule="A face's box has a width.",
    severity="critical",
    checked=9,
    broken=1,
    assets={"a1": 1},
    rows=[BrokenRow(asset="a1", row=3, values={"left": HOSTILE}, at=2.5)],
)


class Opened:
    """A page and everything that it complained about, asked for or popped up."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.trouble: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda message: self.trouble.append(message.text))
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("dialog", lambda dialog: self.trouble.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: self.requests.append(request.url))


Open = Callable[..., Opened]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Writes a page and opens it; options are those of a Playwright context."""
    contexts = []

    def open_it(html: str | Path, **options: object) -> Opened:
        path = html if isinstance(html, Path) else tmp_path / "report.html"
        if not isinstance(html, Path):
            path.write_text(html, encoding="utf-8")
        contexts.append(browser.new_context(**options))
        opened = Opened(contexts[-1].new_page())
        opened.page.goto(path.as_uri())
        return opened

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> ReportData:
    """Two hours of talk, with everything a page can show."""
    asset = two_hours(sample_speech(), tmp_path_factory.mktemp("crops"))
    asset.stages = [
        StageEntry(name="detect", status="failed", reason="Model 'faceapi' is not in the store."),
        StageEntry(name="embed", status="skipped", reason="no faces were detected"),
        StageEntry(name="tag", status="done", found="40 sounds", seconds=3),
    ]
    asset.quality = Quality(verdicts=[BROKEN, BROKEN.model_copy(update={"broken": 0, "rows": []})])
    return asset


@pytest.fixture(scope="module")
def page_of_two_hours(long: ReportData) -> str:
    return render_report(long)


def test_two_hours_open_without_complaints_and_a_click_on_a_word_seeks(
    page_of_two_hours: str, open_page: Open
) -> None:
    opened = open_page(page_of_two_hours)
    page = opened.page
    until(page, "document.getElementById('player').readyState > 0")
    page.locator("[data-t='20.8']").click()
    assert page.evaluate("document.getElementById('player').currentTime") == pytest.approx(20.8)
    assert page.locator(".segment.now").get_attribute("data-start") == "20.4"
    page.locator(".segment").nth(1000).scroll_into_view_if_needed()
    assert page.locator(".segment").nth(1000).is_visible()
    assert opened.trouble == []
    assert page.evaluate("document.querySelectorAll('*').length") < 40_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(long: ReportData, open_page: Open, scheme: str, width: int) -> None:
    """Contrast, names, roles and landmarks, by axe-core, on some of everything."""
    short = long.model_copy(deep=True)
    short.transcript.segments = short.transcript.segments[:20]
    short.diarization.turns = short.diarization.turns[:20]
    short.tags.predictions, short.frames, short.people = (
        short.tags.predictions[:200:20],
        short.frames[:50],
        short.people[:8],
    )
    screen = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "bypass_csp": True}
    opened = open_page(render_report(short), **screen)
    assert found(opened.page) == []
    quality = Quality(verdicts=[BROKEN, BROKEN.model_copy(update={"severity": "warning"})])
    media = {"a1": HOSTILE, "a2": "two.mp4"}
    checks = [
        Check(at=datetime(2026, 1, day, tzinfo=UTC), assets=2, broken=[FACES] * (day % 2))
        for day in (1, 2, 3)
    ]
    opened = open_page(
        render_quality(quality, b"", PurePath("docs/index.html"), media, 50, 28, checks), **screen
    )
    assert found(opened.page) == []


def found(page: Page) -> list[tuple[str, str]]:
    violations = Axe().run(page).response["violations"]
    return [(each["help"], node["html"]) for each in violations for node in each["nodes"]]


def test_the_transcript_is_searched_played_faster_and_quoted(page_of_two_hours: str, open_page: Open) -> None:
    opened = open_page(page_of_two_hours)
    page = opened.page
    every = page.locator(".segment").count()
    page.locator(".segment p").nth(3).evaluate("one => one.append(' Ein Überfall')")
    words = page.locator(".segment p").nth(3).inner_text()
    page.locator("#find").fill("ein uberfall")
    assert page.locator(".segment:visible").count() == 1
    assert page.locator("#told").inner_text() == f"1 of {every}"
    page.locator("#find").fill("")
    assert page.locator(".segment:visible").count() == every
    page.locator("#speed").select_option("1.5")
    assert page.evaluate("document.getElementById('player').playbackRate") == 1.5
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator(".segment .time").nth(3).click()
    page.locator("#quote").click()
    until(page, "window.copied")
    copied = page.evaluate("window.copied")
    address = page.locator(".segment .time").nth(3).evaluate("one => one.href")
    assert copied.startswith(f"“{' '.join(words.split())}” (") and copied.endswith(f") {address}")
    assert page.locator("#told").inner_text() == "copied"
    assert not opened.trouble


def test_hashes_are_one_click_away(page_of_two_hours: str, open_page: Open) -> None:
    page = open_page(page_of_two_hours).page
    assert not page.locator("footer .hash").is_visible()
    page.locator("footer summary").click()
    assert page.locator("footer .hash").is_visible()


@pytest.mark.parametrize(
    ("found", "plain"),
    [
        ("0 of 12 turns spoken by a face on screen", "of nobody who speaks the face was found"),
        ("3 of 12 turns spoken by a face on screen", "3 times of 12 the speaker is seen"),
        ("4 people, 9 vectors by facenet-vggface2", "4 people"),
        ("30 pictures in 30 frames by phash-256, siglip-base", "30 pictures in 30 frames"),
        (
            "9 vectors of faceapi, 2 vectors of ge2e-speaker",
            "11 faces, voices, pictures or sounds that can be searched",
        ),
        ("the model store has no multilingual-e5-small", "its model was not fetched"),
        ("120 words, language en", "120 words, language en"),
        ("denoised: speech 12 dB above noise", "denoised: speech 12 dB above noise"),
    ],
)
def test_what_was_found_is_said_without_names_of_models(found: str, plain: str) -> None:
    assert plainly(found) == plain


def test_hostile_names_and_texts_do_nothing(long: ReportData, open_page: Open, tmp_path: Path) -> None:
    media = tmp_path / HOSTILE.replace("/", "_")
    shutil.copyfile(sample_speech(), media)
    asset = long.model_copy(deep=True)
    asset.media.name = HOSTILE
    asset.media_src = media.as_uri()
    asset.transcript.language = HOSTILE
    asset.transcript.segments = asset.transcript.segments[:3]
    asset.transcript.segments[0].text = HOSTILE
    asset.transcript.segments[0].speaker = HOSTILE
    asset.transcript.segments[0].words[0].word = HOSTILE
    asset.tags.predictions[0].label = HOSTILE
    asset.people[0].tracks[0].name = HOSTILE
    asset.stages[0].reason = HOSTILE
    asset.files = [HOSTILE, "../../etc/passwd", "javascript:alert(1)"]
    opened = open_page(render_report(asset))
    page = opened.page
    until(page, "document.getElementById('player').readyState > 0")
    page.locator("[data-t]").first.click()
    assert page.title() == HOSTILE
    assert opened.trouble == []
    assert page.locator("main img[src='x'], main script").count() == 0
    assert {url.split("?")[0] for url in opened.requests if not url.startswith("data:")} == {
        page.url,
        media.as_uri(),
    }
    links = page.eval_on_selector_all("footer a", "links => links.map(link => link.protocol)")
    assert links == ["file:"] * 3


@pytest.mark.slow
def test_the_demos_report(demo: tuple[Path, str], open_page: Open) -> None:
    (report,) = demo[0].glob("*/report.html")
    opened = open_page(report, bypass_csp=True)
    page = opened.page
    until(page, "document.getElementById('player').readyState > 0")
    word = page.locator("[data-t]").nth(5)
    word.click()
    time = float(str(word.get_attribute("data-t")))
    assert page.evaluate("document.getElementById('player').currentTime") == pytest.approx(time, abs=0.01)
    assert opened.trouble == []
    assert found(page) == []
