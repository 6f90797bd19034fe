"""Pictures that stand for assets, as the shelf has them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from containers.common.errors import StorageError
from tasks.asset.bucket import Location
from tasks.shelf.make import ASSETS, cards_in
from tasks.shelf.places import Bucket, Folder


def shelf_pictures(output: Location, assets: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """An asset and its picture, a JPEG, of each that has one; none of a shelf that cannot be read."""
    remote = str(output).startswith("s3://")
    place = Bucket(str(output)) if remote else Folder(Path(output))
    try:
        cards = cards_in(place.read(ASSETS))
    except StorageError:
        return
    for asset in assets:
        name = cards.get(asset, {}).get("picture")
        try:
            content = place.read(name) if isinstance(name, str) else None
        except (OSError, StorageError):  # it leads elsewhere, or is no file
            continue
        if content:
            yield asset, content
