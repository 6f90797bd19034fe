"""Finished stages and decoded media below an output folder (OUT/.cache): how much of them is kept.

Nothing of a run that is under way is touched. What goes is done again when somebody asks for it: asset
folders, indexes and people do not depend on it.
"""

import os
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from pathlib import Path

from filelock import Timeout

from containers.common import storage
from containers.common.locks import held
from tasks.asset.bucket import Location
from tasks.asset.folder import Asset
from tasks.housekeeping.freed import Freed, bytes_of

DAY = 24 * 3600.0


def clear_caches(output: Location, most: int, days: float) -> list[Freed]:
    """Removes decoded media that runs left, stages that nobody continues, the oldest beyond `most` bytes.

    Stages of an asset without a folder stay for `days` days, since such a run can be continued. Raises
    StorageError when an output on S3 cannot be listed.
    """
    decoded = Freed(what="decoded media", why="of runs that were ended before they could remove it")
    abandoned = Freed(what="stages of unfinished runs", why=f"that nobody continued for {days:g} days")
    oldest = Freed(what="finished stages", why=f"analysed longest ago, beyond {most / 1e9:.1f} GB")
    published = set(storage.list_folders(storage.as_uri(output)))
    assets = sorted(_assets(output), key=_last_used)
    before = time.time() - days * DAY
    for asset in assets:
        with ExitStack() as ours:
            if not _ours(asset, ours):
                decoded.left += bytes_of(asset.media)
                continue
            for left in (asset.media, asset.cache / "publish"):
                if left.is_dir():
                    decoded.remove(left)
            if asset.id not in published and _last_used(asset) < before:
                abandoned.remove(asset.cache)
    sizes = {asset.id: bytes_of(asset.cache) for asset in assets}
    kept = sum(sizes.values())
    for asset in assets:
        if kept <= most:
            break
        with ExitStack() as ours:
            if sizes[asset.id] and _ours(asset, ours):
                oldest.remove(asset.cache)
                kept -= sizes.pop(asset.id)
    _drop_locks(output, published, before)
    abandoned.left = sum(size for id, size in sizes.items() if id not in published)
    oldest.left = kept - abandoned.left
    return [decoded, abandoned, oldest]


def _drop_locks(output: Location, published: Collection[str], before: float) -> None:
    """Of assets of which nothing is left. Whoever waits for one that goes takes the next (filelock)."""
    for path in Asset.at(output, "any").lock_path.parent.glob("*.lock"):
        asset = Asset.at(output, path.stem)
        if path.is_symlink() or asset.cache.exists() or asset.id in published or _changed(path) >= before:
            continue
        with ExitStack() as ours:
            if _ours(asset, ours):
                path.unlink(missing_ok=True)


def _assets(output: Location) -> Iterator[Asset]:
    caches = Asset.at(output, "any").cache.parent
    for folder in caches.iterdir() if caches.is_dir() else ():
        if not folder.is_symlink() and any((folder / name).is_dir() for name in ("results", "media")):
            yield Asset.at(output, folder.name)


def _last_used(asset: Asset) -> float:
    """When a run last took its lock, or wrote a stage."""
    return max(_changed(path) for path in (asset.lock_path, asset.results, asset.cache))


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _ours(asset: Asset, ours: ExitStack) -> bool:
    """Whether no run has it; then it is held until `ours` ends, and its time of last use is as before."""
    used = _changed(asset.lock_path)
    try:
        ours.enter_context(held(asset.lock_path, asset.id, patience=0))
    except Timeout:
        return False
    if used:
        os.utime(asset.lock_path, (used, used))
    return True
