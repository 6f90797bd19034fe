"""The shelf kept up to date: by an analysis at its own cost, and whole by the nightly run."""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from markupsafe import Markup

from containers.common.errors import StorageError
from containers.common.inside import existing, one_name
from tasks.asset.disk import explain_disk
from tasks.outputs.environment import TEMPLATES, page_environment, read_style
from tasks.search.korean import PARTICLE, RULES
from tasks.search.number_words import numbers_in, words_of_numbers
from tasks.search.numbers import SCALES
from tasks.search.said import LONG
from tasks.shelf.card import SHAPE, card_of, pictures_of, said_in
from tasks.shelf.files import SHARDS, as_script, from_script, shard_of
from tasks.shelf.places import SHELF, Folder, Place
from tasks.words.store import Held, OpenFile, Words, open_words
from tasks.words.tokens import pieces, terms_of

PAGE = "index.html"
ASSETS = f"{SHELF}/assets.js"
SHARDED = f"{SHELF}/words/about.js"
SCRIPTS = ("shelf_numbers.js", "shelf_korean.js", "shelf.js")
LINKS = (("People", "people/people.html"), ("Quality", "quality/index.html"))
Card = dict[str, Any]
PictureOf = Callable[[sqlite3.Connection, Held], str | None]


def make_shelf(output: Path, whole: bool = False) -> Path:
    """Writes OUT/index.html and what it reads, of what is indexed; of what did not change nothing is read.

    `whole`: all that is published, and the shards; until then the page looks into what is new word by word.
    An index.html that is not ours stays. Raises StorageError when the folder cannot be written.
    """
    place = Folder(output)
    output = place.output
    page = output / PAGE
    if page.is_symlink() or (page.exists() and b"mediaflow-shelf" not in page.read_bytes()[:2000]):
        raise StorageError(f"{page} is not the shelf's: rename it to have one.")

    def picture_of(connection: sqlite3.Connection, held: Held) -> str | None:
        for label in pictures_of(connection, held):
            if existing(output / ".cache", held.asset, *label.split("/")):
                return f".cache/{held.asset}/{label}"
        return None

    with explain_disk(output), place.turn():
        write_shelf(place, output, picture_of, whole, catch_up=whole)
    return page


def write_shelf(place: Place, folder: Path, picture_of: PictureOf, whole: bool, catch_up: bool) -> None:
    """`folder` is where the index of words is read. Call it in a turn. Raises StorageError."""
    try:
        words = open_words(folder, say=lambda _: None, catch_up=catch_up)
        try:
            _write(place, words, picture_of, whole)
        finally:
            for file in words.files:
                file.connection.close()
    except sqlite3.Error as error:
        raise StorageError(f"The word index of {folder} cannot be read: {error}.") from None
    write_page(place)


def picture_name(asset: str) -> str:
    """Where the asset's picture lies on S3, which has no cache."""
    return f"{SHELF}/pictures/{one_name(asset)}.jpg"


def has_shards(output: Path) -> bool:
    return Folder(output).has(SHARDED)


def cards_in(content: bytes | None) -> dict[str, Card]:
    """Of assets.js by their assets; none where it cannot be read."""
    try:
        return {card["id"]: card for card in from_script(content or b"", "assets")}
    except (ValueError, LookupError, TypeError):
        return {}


def sorted_cards(cards: dict[str, Card]) -> list[Card]:
    """The newest recording first."""
    return sorted(cards.values(), key=lambda card: (-card["made"], card["id"]))


def write_said(place: Place, connection: sqlite3.Connection, held: Held) -> None:
    rows = said_in(connection, held)
    place.write(f"{SHELF}/said/{held.asset}.js", as_script("said", held.asset, rows))


def _write(place: Place, words: Words, picture_of: PictureOf, whole: bool) -> None:
    known = cards_in(place.read(ASSETS))
    there = place.names(f"{SHELF}/said")
    cards: dict[str, Card] = {}
    for file in words.files:
        digests = dict(file.connection.execute("SELECT asset, digest FROM assets"))
        for held in file.assets.values():
            digest = digests[held.asset][:16]
            card = known.get(held.asset, {})
            kept = (card.get("digest"), card.get("shape")) == (digest, SHAPE) and f"{held.asset}.js" in there
            if not kept:
                card = card_of(file.connection, held, digest, picture_of(file.connection, held))
                write_said(place, file.connection, held)
            cards[held.asset] = card
    if whole:
        _write_shards(place, words.files, sorted_cards(cards))

    gone = set(known) - set(cards)

    def bring_in(content: bytes | None) -> bytes:
        """With what others added since this began."""
        added = {asset: card for asset, card in cards_in(content).items() if known.get(asset) != card}
        gone.difference_update(added)
        return as_script("assets", sorted_cards(cards | added))

    place.update(ASSETS, bring_in)
    for asset in gone:
        place.remove(f"{SHELF}/said/{one_name(asset)}.js")
        place.remove(picture_name(asset))


def _write_shards(place: Place, files: list[OpenFile], cards: list[Card]) -> None:
    numbers = {card["id"]: number for number, card in enumerate(cards)}
    found: dict[str, list[int]] = defaultdict(list)
    known: Counter[str] = Counter()  # words of which the page looks for forms, and for what is spelled alike
    for file in files:
        for held in file.assets.values():
            query = "SELECT text FROM segments WHERE asset = ?"
            own: set[str] = set()
            for (text,) in file.connection.execute(query, (held.number,)):
                runs = list(pieces(text))
                own.update(term for run in runs for term in terms_of(run))
                own.update(str(said.value) for said in numbers_in(text))
                known.update(run.text for run in runs if run.script == "word" and len(run.text) >= LONG)
            for term in own:
                found[term].append(numbers[held.asset])
    shards: list[dict[str, list[int]]] = [{} for _ in range(SHARDS)]
    for term, assets in found.items():
        assets.sort()
        shards[shard_of(term)][term] = assets
    # As known.js has them, those said most first.
    place.write(
        f"{SHELF}/words/known.js", as_script("known", " ".join(word for word, _ in known.most_common()))
    )
    # First nobody trusts the shards, then they change, then they are trusted again.
    place.write(SHARDED, as_script("about", []))
    place.write_all(
        (f"{SHELF}/words/{number}.js", as_script("words", number, shard))
        for number, shard in enumerate(shards)
    )
    place.write(SHARDED, as_script("about", [[card["id"], card["digest"]] for card in cards]))


def _script() -> Markup:
    """What the page runs, with what the search knows of numbers' words and of Korean."""
    data = {
        "NUMBERS": words_of_numbers(),
        "SCALES": SCALES,
        "PARTICLE_SOURCE": PARTICLE.pattern,
        "KOREAN": RULES,
    }
    given = "".join(
        f"const {name} = {json.dumps(value, separators=(',', ':')).replace('<', chr(92) + 'u003c')};\n"
        for name, value in data.items()
    )
    scripts = [(TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS]
    return Markup("\n".join([given, *scripts]))


def write_page(place: Place) -> None:
    """Where it is another than the one that is there."""
    environment = page_environment()
    page = environment.get_template("shelf.html.j2").render(
        style=read_style("report.css", "shelf.css"),
        script=_script(),
        shards=SHARDS if place.has(SHARDED) else 0,  # a file that is not there is an error on the console
        links=[(name, target) for name, target in LINKS if place.has(target)],
    )
    if place.read(PAGE) != page.encode():
        place.write(PAGE, page.encode())
