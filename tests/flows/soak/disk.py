"""A small disk of its own for what a campaign writes, which can be full."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

SIZE = "600m"  # some of which the product leaves free


class Disk:
    """A file system in memory at `folder`, where this user may mount one; else `there` is False."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "mediaflow-soak", folder]
        self.there = subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self) -> None:
        """To the last byte: whoever writes hears ENOSPC."""
        with (self.folder / ".filler").open("wb") as file:
            for size in (1 << 20, 1 << 12):
                block = bytes(size)
                with suppress(OSError):
                    while True:
                        os.write(file.fileno(), block)

    def free(self) -> None:
        (self.folder / ".filler").unlink(missing_ok=True)

    def close(self) -> None:
        if self.there:
            subprocess.run(["umount", "--lazy", self.folder], check=True)
