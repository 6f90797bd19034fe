"""The Prefect UI in headless Chromium, against `make serve`: what people see of this project's runs."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.slow
HOLDS = "texts => texts.every(text => document.documentElement.outerHTML.includes(text))"


@pytest.fixture(scope="module")
def known(browser: "Browser", server) -> Iterator["Page"]:
    """A window of somebody who has given the password once, as the page asks."""
    window = browser.new_context(timezone_id="UTC", viewport={"width": 1400, "height": 1300})
    page = window.new_page()
    page.goto(f"{server.url}/runs")
    page.get_by_role("textbox").fill(server.secret)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{server.url}/runs**", timeout=60_000)
    yield page
    window.close()


@pytest.mark.parametrize("shown", ["runs", "run", "found", "sound", "timings", "form", "schedule"])
def test_the_page_shows_it(server, analysed, known, shown, tmp_path):
    artifacts = {
        entry["key"].partition("-")[0]: entry["id"]
        for entry in server.of_run("artifacts", analysed)
        if entry["key"]
    }

    def deployment(name: str) -> str:
        return f"/deployments/deployment/{server.deployment(name)['id']}"

    address, expected = {
        "runs": ("/runs", ["clip.wav"]),
        "run": (f"/runs/flow-run/{analysed['id']}", ["Completed", "clip.wav", "audio"]),
        "found": (f"/artifacts/artifact/{artifacts['found']}", ["report.html", "data:image/svg+xml;base64,"]),
        "sound": (f"/artifacts/artifact/{artifacts['sound']}", ["data:image/png;base64,"]),
        "timings": (f"/artifacts/artifact/{artifacts['stages']}", ["inside models", "transcribe"]),
        "form": (f"{deployment('analyze')}/run", ["what to look for and how", "do every stage again"]),
        # Half past three in Seoul, as its next run tells a browser that lives in UTC.
        "schedule": (deployment("reindex"), ["nightly", "06:30:00 PM"]),
    }[shown]
    known.goto(server.url + address)
    until(known, HOLDS, expected)
    picture = tmp_path / f"{shown}.png"
    known.screenshot(path=picture)
    with Image.open(picture) as seen:
        assert len(seen.convert("RGB").getcolors(1 << 24) or []) > 50, "an empty page"
