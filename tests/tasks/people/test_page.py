"""The page of people in Chromium: what is copied from it names, merges and takes back."""

import html
import io
import shlex
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page

from flows.people import main
from tasks.outputs.embeddings import write_embeddings
from tasks.people.page import PAGE, render_page, write_page
from tasks.people.store import people_folder

HOSTILE = "x; touch '$(id)' <script>alert(1)</script>"


def face(who: int, track: int, samples: int, quality: float = 0.5, turn: float = 0.0) -> dict:
    """A face-api descriptor; `turn` brings it nearer to the next person's."""
    vector = 0.5 * (1 - turn) * np.eye(128)[who] + 0.5 * turn * np.eye(128)[who + 1] + 0.001 * np.eye(128)[-1]
    about = {"kind": "face", "track": track, "time": 4.0 * track, "shown": [4.0 * track, 4.0 * track + 2]}
    about |= {"samples": samples, "quality": quality, "thumbnail": f"crops/k/{track}.jpg"}
    return {"model": "faceapi", "vector": vector.tolist(), "metadata": about}


def voice(who: int, speaker: str) -> dict:
    about = {"kind": "voice", "speaker": speaker, "time": 3.0, "end": 9.5}
    return {"model": "ge2e-speaker", "vector": np.eye(256)[who].tolist(), "metadata": about}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Three people, two of whom are nearly one, an unclear face, and voices, one with a name to beware of."""
    output = tmp_path / "out of all"
    rows = [face(0, 0, 9), face(0, 1, 5, turn=0.2), face(10, 2, 7), face(20, 3, 3), face(20, 4, 2, turn=0.76)]
    rows += [face(30, 5, 1, quality=0.01), voice(0, "SPEAKER_00"), voice(5, HOSTILE)]
    asset = "a" * 16
    (output / asset).mkdir(parents=True)
    write_embeddings(output / asset / "embeddings.parquet", asset, rows)
    (output / asset / "manifest.json").write_text("{}")
    crops = output / ".cache" / asset / "crops" / "k"
    crops.mkdir(parents=True)
    for track in range(6):
        picture = io.BytesIO()
        Image.new("RGB", (160, 160), (40 * track, 120, 90)).save(picture, "JPEG")
        (crops / f"{track}.jpg").write_bytes(picture.getvalue())
    (output / ".cache" / asset / "found.json").write_text('{"media": "/media/talk.mp4"}')
    return output


def open_page(browser: Browser, output: Path, **options: object) -> Page:
    page = browser.new_context(**options).new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.goto(write_page(output).as_uri())
    assert trouble == []
    return page


def run(command: str | None) -> None:
    """What the page says, as a shell would read it."""
    words = shlex.split(command or "")
    assert words[:5] == ["uv", "run", "python", "-m", "flows.people"]
    assert main(words[5:]) == 0


def test_what_is_copied_names_merges_and_takes_back(browser: Browser, output: Path) -> None:
    page = open_page(browser, output)
    card = page.locator(".card", has_text="aaaaaaaa:face0")
    card.locator("summary").click()
    card.locator("input").fill("Kate O'Hara")
    run(card.locator(".command code").first.text_content())
    page.reload()  # a page that is there is written again after each change
    assert page.locator("h3").first.text_content() == "Kate O'Hara"
    assert "1 known person" in page.locator(".facts").inner_text().replace("\n", " ")

    pair = page.locator(".pair")
    assert pair.count() == 1
    run(pair.locator("code").text_content())
    page.reload()
    assert page.locator(".pair").count() == 0
    assert page.locator("h3", has_text="aaaaaaaa:face4").count() == 0
    run(page.locator("header .command code").text_content())
    page.reload()
    assert page.locator(".pair").count() == 1
    assert "1 unclear face" in page.locator(".facts").inner_text()
    page.context.close()


def test_who_is_hidden_is_gone_from_the_page(browser: Browser, output: Path) -> None:
    page = write_page(output)
    main(["name", str(output), "aaaaaaaa:face2", "Tom"])
    assert "Tom" in page.read_text(encoding="utf-8")
    main(["hide", str(output), "Tom"])
    shown = page.read_text(encoding="utf-8")
    assert "Tom" not in shown and "1 hidden person" in " ".join(shown.split())
    main(["show", str(output), "Tom"])
    assert "Tom" in page.read_text(encoding="utf-8")


def test_a_label_that_is_a_command_is_one_word_of_it(output: Path) -> None:
    page = render_page(output, people_folder(output) / PAGE)
    assert "<script>alert" not in page
    assert shlex.quote(f"aaaaaaaa:{HOSTILE}") in html.unescape(page)


def test_voices_can_be_heard(output: Path) -> None:
    assert 'src="file:///media/talk.mp4#t=3.00,11.00"' in render_page(output, people_folder(output) / PAGE)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing(browser: Browser, output: Path, scheme: str, width: int) -> None:
    main(["name", str(output), "aaaaaaaa:face0", "Kate"])
    screen = {"viewport": {"width": width, "height": 800}, "color_scheme": scheme, "bypass_csp": True}
    page = open_page(browser, output, **screen)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    violations = Axe().run(page).response["violations"]
    assert [(each["help"], node["html"]) for each in violations for node in each["nodes"]] == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.context.close()
