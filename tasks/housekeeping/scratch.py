"""Scratch folders of models, and their logs, that processes left when they were killed."""

import os
import tempfile
import time
from pathlib import Path

import psutil

from containers.common.image import IMAGES
from tasks.housekeeping.freed import Freed, bytes_of

NAMES = (*(f"mediaflow-{image}-*" for image in IMAGES), "mediaflow-logs-*", "mediaflow-export-*")


def clear_scratch(hours: float) -> Freed:
    """Those that no process of this user has, and where nothing was written for `hours` hours."""
    found = Freed(what="scratch folders", why=f"of processes that were killed, after {hours:g} hours")
    root = Path(tempfile.gettempdir())
    needed = _needed()
    before = time.time() - hours * 3600
    for folder in (path for name in NAMES for path in root.glob(name)):
        try:
            mine = folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid()
            written = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
        except OSError:
            continue  # it has just gone
        if not mine:
            continue
        if written < before and not any(Path(path).is_relative_to(folder) for path in needed):
            found.remove(folder)
        else:
            found.left += bytes_of(folder)
    return found


def _needed() -> set[str]:
    """Where this user's processes have their temporary files, and what they have open."""
    paths: set[str] = set()
    for process in psutil.process_iter():
        try:
            if process.uids().real == os.getuid():
                paths.add(process.environ().get("TMPDIR", ""))
                paths |= {process.cwd(), *(each.path for each in process.open_files())}
        except (psutil.Error, OSError):
            continue  # ended meanwhile, or not ours to ask
    return paths - {""}
