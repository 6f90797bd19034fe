"""Which frames are looked at: the first at or after each multiple of 1/rate seconds, and the first of every
shot."""

from pathlib import Path

from tasks.media.cuts import CutDetector
from tasks.media.pictures import Shown

JPEG_QUALITY = 92


class FrameSampler:
    """Writes them as JPEG files; `frames` holds their times and paths, `shots` when each shot starts."""

    def __init__(self, folder: Path, rate: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.frames: list[tuple[float, Path]] = []
        self.shots: list[float] = []
        self._folder = folder
        self._rate = rate
        self._next = 0
        self._cuts = CutDetector()

    def offer(self, shown: Shown) -> None:
        """Call it with every frame, in order."""
        seconds = max(shown.time, 0.0)
        starts = self._cuts.is_cut(shown.frame, seconds)
        due = seconds * self._rate >= self._next - 1e-3
        if starts:
            self.shots.append(round(seconds, 3))
        if due:
            self._next = int(seconds * self._rate + 1e-3) + 1
        if not (due or starts):
            return
        path = self._folder / f"{len(self.frames):06d}.jpg"
        shown.picture().save(path, quality=JPEG_QUALITY)
        self.frames.append((round(seconds, 3), path))
