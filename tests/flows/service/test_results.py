"""Results over http: to those who know the password, what was linked, and nothing else."""

import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from containers.common.models.store import sha256_of
from flows.service.results import RESULTS_URL, knows, link_to, make_app
from tasks.shelf.make import make_shelf
from tests.tasks.words.archive import publish
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SECRET = "mediaflow:secret"


@pytest.fixture
def output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", SECRET)
    return tmp_path / "out"


@pytest.fixture
def asset(output: Path, tmp_path: Path) -> str:
    """An analysed file, with a report that plays it from the disk."""
    media = tmp_path / "talk.wav"
    media.write_bytes(b"sound" * 100)
    asset = sha256_of(media)[:16]
    folder = publish(output, asset, [("The budget.", 1.0, 2.0)])
    (folder / "report.html").write_text('<audio id="player" controls src="file:///talk.wav"></audio>')
    cache = output / ".cache" / asset
    cache.mkdir(parents=True)
    (cache / "found.json").write_text(f'{{"media": "{media}"}}')
    (cache / "frame.jpg").write_bytes(b"a picture")
    (output / ".env").write_text("SECRET=1")
    (output / "notes.txt").write_text("mine")
    make_shelf(output)
    return asset


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """A socket's address: what is linked is asked for there."""
    server = uvicorn.Server(uvicorn.Config(make_app(SECRET, "127.0.0.1"), log_level="error"))
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def client(served: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[httpx.Client]:
    monkeypatch.setenv(RESULTS_URL, served)
    retry = httpx.HTTPTransport(retries=5)  # it may only just be starting
    with httpx.Client(headers=as_header(SECRET), trust_env=False, transport=retry) as client:
        yield client


def as_header(given: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(given.encode()).decode()}"}


def test_a_report_is_a_click_away_and_plays(output: Path, asset: str, client: httpx.Client) -> None:
    link = link_to(output, asset, "report.html")
    page = client.get(link)
    assert page.status_code == 200 and 'src="media"' in page.text
    assert "connect-src" not in page.headers["Content-Security-Policy"], "nothing but what is named"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    sound = client.get(link.replace("report.html", "media"), headers={"Range": "bytes=0-4"})
    assert (sound.status_code, sound.content) == (206, b"sound")


def test_the_shelf_with_its_files_and_pictures(
    output: Path, asset: str, client: httpx.Client, served: str
) -> None:
    assert "mediaflow-shelf" in client.get(link_to(output, "index.html")).text
    for names in (("shelf", "assets.js"), (".cache", asset, "frame.jpg"), (asset, "transcript.json")):
        assert client.get(link_to(output, *names)).status_code == 200
    assert str(output) in client.get(served).text


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        "notes.txt",
        "words/recent.db",
        ".cache/ASSET/found.json",
        "ASSET/../notes.txt",
        "ASSET/..%2f..%2fhome",
        "shelf/../.env",
        "shelf/.lock",
        "other/media",
    ],
)
def test_nothing_else_of_the_folder_is_shown(
    output: Path, asset: str, client: httpx.Client, path: str
) -> None:
    folder = link_to(output)
    assert client.get(f"{folder}/{path.replace('ASSET', asset)}").status_code == 404


def test_a_folder_that_names_another_file_does_not_give_it_away(
    output: Path, asset: str, client: httpx.Client, tmp_path: Path
) -> None:
    (tmp_path / "private.txt").write_text("private")
    (output / ".cache" / asset / "found.json").write_text(f'{{"media": "{tmp_path}/private.txt"}}')
    assert client.get(link_to(output, asset, "media")).status_code == 404
    (output / asset / "link.html").symlink_to(tmp_path / "private.txt")
    assert client.get(link_to(output, asset, "link.html")).status_code == 404


def test_who_does_not_know_the_password_sees_nothing(
    output: Path, asset: str, client: httpx.Client, served: str
) -> None:
    link = link_to(output, asset, "report.html")
    for given in ("mediaflow:wrong", "secret", ":"):
        answer = client.get(link, headers=as_header(given))
        assert answer.status_code == 401 and "Basic" in answer.headers["WWW-Authenticate"]
    assert client.get(link, headers={"Authorization": "Basic %%%"}).status_code == 401
    assert client.get(link, headers={"Host": "evil.example"}).status_code == 400
    assert client.get(f"{served}/{'0' * 32}/index.html").status_code == 404
    assert not knows(f"Bearer {b64encode(SECRET.encode()).decode()}", SECRET)
    assert knows(as_header(f"anybody:{SECRET}")["Authorization"], SECRET), "the whole line as the password"


SPY = """<!doctype html><title>waiting</title><script>
const list = window.open("/");
const look = setInterval(() => {
  if (list.location.href === "about:blank" || list.document.readyState !== "complete") return;
  clearInterval(look);
  document.title = "seen: " + list.document.body.innerText;
}, 50);
</script>"""


@pytest.mark.slow
def test_a_page_in_one_folder_does_not_learn_of_the_others(
    output: Path, asset: str, client: httpx.Client, served: str, browser: "Browser"
) -> None:
    """Whoever knows the password opens it; it opens the list of folders in another window and reads that."""
    (output / asset / "spy.html").write_text(SPY)
    link = link_to(output, asset, "spy.html")
    assert str(output) in client.get(served, headers={"Sec-Fetch-Site": "none"}).text, "typed by a person"
    window = browser.new_context(http_credentials={"username": "mediaflow", "password": "secret"})
    page = window.new_page()
    page.goto(link)
    until(page, "document.title.startsWith('seen: ')")
    assert page.title() == "seen: There is no such page."
    window.close()


def test_links_elsewhere(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On S3 a key for that one file; without `make serve` the file itself."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "one")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "two")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    from containers.common import s3

    s3.client.cache_clear()
    signed = link_to("s3://media/out", "a" * 16, "report.html")
    assert urlsplit(signed).path.endswith(f"out/{'a' * 16}/report.html") and "Signature" in signed
    s3.client.cache_clear()
    monkeypatch.delenv(RESULTS_URL, raising=False)
    assert link_to(output, "a", "report.html") == (output / "a" / "report.html").as_uri()
