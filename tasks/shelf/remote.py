"""The shelf of an output on S3, read by whatever shows the bucket: a site, or a copy of it on a disk.

An analysis adds its recording to it and reads nothing of the others; the nightly run writes what changed.
"""

import sqlite3
import tempfile
from pathlib import Path

from containers.common.inside import existing
from tasks.asset.bucket import work_folder
from tasks.asset.folder import Asset
from tasks.shelf.card import card_of, pictures_of
from tasks.shelf.files import as_script
from tasks.shelf.make import (
    ASSETS,
    SHARDED,
    cards_in,
    picture_name,
    sorted_cards,
    write_page,
    write_said,
    write_shelf,
)
from tasks.shelf.places import SHELF, Bucket
from tasks.words import index_file
from tasks.words.remote import fetch_asset, mirror
from tasks.words.rows import read_rows
from tasks.words.store import Held

PICTURES = "embeddings.parquet"  # says which pictures were seen for how long


def make_remote_shelf(output: str, whole: bool = False) -> str:
    """As `make_shelf`, of an s3:// URI; returns the page's URI. Raises StorageError."""
    place = Bucket(output)
    with place.turn():
        pictures = place.names(f"{SHELF}/pictures")

        def picture_of(connection: sqlite3.Connection, held: Held) -> str | None:
            name = picture_name(held.asset)
            return name if name.rpartition("/")[2] in pictures else None

        write_shelf(place, mirror(output), picture_of, whole or not place.has(SHARDED), catch_up=True)
    return place.uri("index.html")


def add_to_shelf(asset: Asset) -> None:
    """An asset on S3 as it is published. Raises StorageError, and UserError when it cannot be read."""
    place = Bucket(str(asset.remote))
    with tempfile.TemporaryDirectory() as made:
        if not asset.take_uploaded(Path(made, asset.id)):
            fetch_asset(place.output, asset.id, Path(made), also=(PICTURES,))
        rows = read_rows(Path(made), asset.id)
    if rows is None:
        return
    connection = index_file.create(Path(":memory:"))
    index_file.add(connection, rows)
    held = Held(1, rows.asset, rows.name, rows.made, rows.day, rows.dated, rows.duration)
    card = card_of(connection, held, rows.digest[:16], _put_picture(place, connection, held))
    write_said(place, connection, held)
    place.update(
        ASSETS, lambda there: as_script("assets", sorted_cards(cards_in(there) | {held.asset: card}))
    )
    write_page(place)
    connection.close()


def _put_picture(place: Bucket, connection: sqlite3.Connection, held: Held) -> str | None:
    """The first that is in this machine's cache."""
    cache = work_folder(place.output) / ".cache"
    for label in pictures_of(connection, held):
        if path := existing(cache, held.asset, *label.split("/")):
            place.write(picture_name(held.asset), path.read_bytes())
            return picture_name(held.asset)
    return None
