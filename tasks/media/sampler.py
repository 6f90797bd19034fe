"""Which frames are looked at: the first at or after each multiple of 1/rate seconds, and the first of every
shot. Of a part, what is on screen when it starts is its first frame."""

from pathlib import Path

import av.error

from containers.common.errors import MediaError
from tasks.media.cuts import CutDetector
from tasks.media.part import WHOLE, Part
from tasks.media.pictures import Shown

JPEG_QUALITY = 92
EARLY = 1e-3  # seconds: times are rounded


class FrameSampler:
    """Writes them as JPEG files; `frames` holds their times and paths, `shots` when each shot starts."""

    def __init__(self, folder: Path, rate: float, part: Part = WHOLE) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.frames: list[tuple[float, Path]] = []
        self.shots: list[float] = []
        self.damaged = 0  # pictures that cannot be shown
        self._folder = folder
        self._rate = rate
        self._part = part
        self._before: Shown | None = None  # the part, the last picture
        self._next = 0
        self._cuts = CutDetector()

    def offer(self, shown: Shown) -> None:
        """Call it with every frame, in order."""
        if shown.time < self._part.start - EARLY:
            self._before = shown
            return
        if not self._part.holds(shown.time + EARLY):
            return
        if shown.time > self._part.start + EARLY:
            self._show_before()
        self._before = None
        self._look(shown, max(shown.time, 0.0))

    def close(self, end: float) -> None:
        """`end`: of the last frame, seconds."""
        if end > self._part.start:
            self._show_before()

    def _show_before(self) -> None:
        if self._before:
            self._look(self._before, self._part.start)
            self._before = None

    def _look(self, shown: Shown, seconds: float) -> None:
        try:
            self._keep(shown, seconds)
        except (MediaError, av.error.FFmpegError) as error:
            if isinstance(error, MemoryError):  # the picture is whole: what is missing is memory
                raise
            self.damaged += 1

    def _keep(self, shown: Shown, seconds: float) -> None:
        starts = self._cuts.is_cut(shown.frame, seconds)
        due = seconds * self._rate >= self._next - 1e-3
        if not (due or starts):
            return
        picture = shown.picture()  # where there is none, the next frame is looked at instead
        if starts:
            self.shots.append(round(seconds, 3))
        if due:
            self._next = int(seconds * self._rate + 1e-3) + 1
        path = self._folder / f"{len(self.frames):06d}.jpg"
        picture.save(path, quality=JPEG_QUALITY)
        self.frames.append((round(seconds, 3), path))
