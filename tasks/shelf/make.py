"""The shelf kept up to date: by an analysis at its own cost, and whole by the nightly run."""

import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import Any

from filelock import Timeout
from markupsafe import Markup

from containers.common import storage
from containers.common.errors import StorageError
from containers.common.inside import inside
from containers.common.locks import held as lock_held
from tasks.asset.disk import explain_disk
from tasks.outputs.environment import TEMPLATES, page_environment, read_style
from tasks.shelf.card import card_of, said_in
from tasks.shelf.files import SHARDS, as_script, from_script, shard_of
from tasks.words.store import OpenFile, Words, open_words
from tasks.words.tokens import terms

SHELF = "shelf"
PAGE = "index.html"
PATIENCE = 120.0  # seconds: whoever waits longer leaves it to the next one
LINKS = (("People", "people/people.html"), ("Quality", "quality/index.html"))


def make_shelf(output: Path, whole: bool = False) -> Path:
    """Writes OUT/index.html and what it reads, of what is indexed; of what did not change nothing is read.

    `whole`: all that is published, and the shards; until then the page looks into what is new word by word.
    An index.html that is not ours stays. Raises StorageError when the folder cannot be written.
    """
    output = output.absolute()
    folder = inside(output, SHELF)
    page = output / PAGE
    if page.is_symlink() or (page.exists() and b"mediaflow-shelf" not in page.read_bytes()[:2000]):
        raise StorageError(f"{page} is not the shelf's: rename it to have one.")
    with explain_disk(output):
        folder.mkdir(exist_ok=True)
        try:
            turn = lock_held(folder / ".lock", "", say=lambda _: None, patience=PATIENCE)
            with turn:
                _write_from_words(output, folder, whole)
                _put(page, _page(output))
        except sqlite3.Error as error:
            raise StorageError(f"The word index of {output} cannot be read: {error}.") from None
        except Timeout:
            raise StorageError(f"Another writer has held {folder} for {PATIENCE:.0f} seconds.") from None
    return page


def _write_from_words(output: Path, folder: Path, whole: bool) -> None:
    words = open_words(output, say=lambda _: None, catch_up=whole)
    try:
        _write(output, folder, words, whole)
    finally:
        for file in words.files:
            file.connection.close()


def has_shards(output: Path) -> bool:
    return (output / SHELF / "words" / "about.js").is_file()


def _put(path: Path, content: bytes) -> None:
    storage.write_bytes(storage.as_uri(path), content, durable=False)


def _write(output: Path, folder: Path, words: Words, whole: bool) -> None:
    known = _known(folder)
    said = inside(folder, "said")
    cards: list[dict[str, Any]] = []
    for file in words.files:
        digests = dict(file.connection.execute("SELECT asset, digest FROM assets"))
        for held in file.assets.values():
            digest = digests[held.asset][:16]
            card = known.get(held.asset)
            if card is None or card.get("digest") != digest or whole:
                card = card_of(output, file.connection, held, digest)
                rows = said_in(file.connection, held)
                _put(inside(said, f"{held.asset}.js"), as_script("said", held.asset, rows))
            cards.append(card)
    cards.sort(key=lambda card: (-card["made"], card["id"]))
    if whole:
        _write_shards(inside(folder, "words"), words.files, cards)
    _put(inside(folder, "assets.js"), as_script("assets", cards))
    there = {card["id"] for card in cards}
    for path in said.glob("*.js"):
        if path.stem not in there:
            path.unlink()


def _known(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        cards = from_script(inside(folder, "assets.js").read_bytes(), "assets")
        return {card["id"]: card for card in cards}
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return {}


def _write_shards(folder: Path, files: list[OpenFile], cards: list[dict[str, Any]]) -> None:
    numbers = {card["id"]: number for number, card in enumerate(cards)}
    found: dict[str, list[int]] = defaultdict(list)
    for file in files:
        for held in file.assets.values():
            query = "SELECT text FROM segments WHERE asset = ?"
            own = {term for (text,) in file.connection.execute(query, (held.number,)) for term in terms(text)}
            for term in own:
                found[term].append(numbers[held.asset])
    shards: list[dict[str, list[int]]] = [{} for _ in range(SHARDS)]
    for term, assets in found.items():
        assets.sort()
        shards[shard_of(term)][term] = assets
    # First nobody trusts the shards, then they change, then they are trusted again.
    _put(inside(folder, "about.js"), as_script("about", []))
    for number, shard in enumerate(shards):
        _put(inside(folder, f"{number}.js"), as_script("words", number, shard))
    _put(inside(folder, "about.js"), as_script("about", [[card["id"], card["digest"]] for card in cards]))


def _page(output: Path) -> bytes:
    environment = page_environment()
    return (
        environment.get_template("shelf.html.j2")
        .render(
            style=read_style("report.css", "shelf.css"),
            script=Markup((TEMPLATES / "shelf.js").read_text(encoding="utf-8")),
            shards=SHARDS if has_shards(output) else 0,  # a file that is not there is an error on the console
            links=[(name, place) for name, place in LINKS if (output / place).is_file()],
        )
        .encode()
    )
