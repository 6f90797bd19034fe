"""What a campaign has finished: it must be the very same files in the end."""

import json
from pathlib import Path

Stamp = tuple[int, int]  # inode, time of change in ns


class Finished:
    """Results of stages and, where `manifests`, whole assets, each as it was first seen."""

    def __init__(self, manifests: bool = True) -> None:
        self._patterns = [".cache/*/results/*", *(["*/manifest.json"] if manifests else [])]
        self._seen: dict[Path, Stamp] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def remember(self, output: Path) -> None:
        """What is finished at this moment."""
        for path in (path for pattern in self._patterns for path in output.glob(pattern)):
            if path in self._seen:
                continue
            try:
                content = json.loads(path.read_bytes())
                if content.get("complete", True):
                    self._seen[path] = _stamp(path)
            except (FileNotFoundError, ValueError):
                continue  # it was being written: not finished

    def done_again(self) -> list[Path]:
        return [path for path, then in self._seen.items() if path.exists() and _stamp(path) != then]

    def gone(self) -> list[Path]:
        return [path for path in self._seen if not path.exists()]

    def forget(self) -> None:
        self._seen.clear()


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns
