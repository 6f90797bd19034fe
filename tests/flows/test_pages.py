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


def typed(page: "Page", name: str, text: str) -> None:
    """Into the field of that name, as a reader of the form does it."""
    labels = "span[contains(@class, 'schema-form-property__label')]"
    named = f"xpath=.//{labels}[normalize-space()='{name}' or normalize-space()='{name} (Optional)']"
    field = page.locator(".schema-form-property").filter(has=page.locator(named)).last
    field.locator("textarea").last.fill(text)


@pytest.mark.parametrize(
    ("deployment", "filled", "ended", "says"),
    [
        (
            "quality",
            {"output": " '{folder}/none' "},
            "NothingToDo",
            "There is no asset folder in {folder}/none.",
        ),
        (
            "moments",
            {"Said": "budget", "output": "{folder}/none"},
            "Failed",
            "There is no folder {folder}/none.",
        ),
    ],
)
def test_a_form_is_filled_by_who_reads_it(server, known, tmp_path, deployment, filled, ended, says):
    """Pasted as people paste it; what cannot be is a sentence, and the run is called by what it is about."""
    found = server.deployment(deployment)
    known.goto(f"{server.url}/deployments/deployment/{found['id']}/run")
    known.get_by_role("button", name="Submit").wait_for(timeout=60_000)
    for name, text in filled.items():
        typed(known, name, text.format(folder=tmp_path))
    with known.expect_response(lambda answer: "create_flow_run" in answer.url) as answered:
        known.get_by_role("button", name="Submit").click()
    started = answered.value.json()
    run = server.end_of(started)
    assert (run["state_name"], says.format(folder=tmp_path) in run["state"]["message"]) == (ended, True), run
    assert run["name"] != started["name"], "Prefect's made-up name is gone"


def test_a_form_says_at_once_what_is_missing(server, known):
    known.goto(f"{server.url}/deployments/deployment/{server.deployment('batch')['id']}/run")
    known.get_by_role("button", name="Submit").click(timeout=60_000)
    until(known, HOLDS, ["is a required property"])
    assert known.url.endswith("/run")
