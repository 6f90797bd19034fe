"""The Prefect UI in headless Chromium, against `make serve`: what people see of this project's runs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("chromium"), reason="needs Chromium: install Debian's package chromium"
    ),
]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --hide-scrollbars --no-first-run --disable-background-networking"
)


def look(address: str, picture: Path, profile: Path) -> str:
    """The page's document, once its requests were answered; the screenshot lies at `picture`."""
    command = ["chromium", *FLAGS.split(), "--window-size=1400,1300", "--virtual-time-budget=30000"]
    command += [f"--user-data-dir={profile}", f"--screenshot={picture}", "--dump-dom", address]
    return subprocess.run(
        command, env=os.environ | {"TZ": "UTC"}, capture_output=True, text=True, timeout=240, check=True
    ).stdout


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("profile")


@pytest.mark.parametrize("page", ["runs", "run", "found", "sound", "timings", "form", "schedule"])
def test_the_page_shows_it(server, analysed, page, profile, tmp_path):
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
        # Half past three in Seoul, as its next run's time tells a browser that lives in UTC.
        "schedule": (deployment("reindex"), ["03:30 AM", "06:30:00 PM"]),
    }[page]
    picture = tmp_path / f"{page}.png"
    document = look(server.url + address, picture, profile)
    assert [text for text in expected if text not in document] == []
    with Image.open(picture) as seen:
        assert len(seen.convert("RGB").getcolors(1 << 24)) > 50, "an empty page"
