"""The spectrograms before and after as one PNG, collected block by block in bounded memory."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from containers.deepfilternet.sound import RATE, Block

WINDOW, HOP = 2048, 1024
COLUMNS, ROWS = 1000, 240  # at most, of one panel
RANGE_DB = 80
SHADES = 40
LEFT, TOP, BOTTOM, GAP = 56, 28, 28, 44
# Dark to light, equally bright steps; close to matplotlib's magma.
COLOURS = np.array(
    [(0, 0, 4), (59, 15, 112), (140, 41, 129), (222, 73, 104), (254, 159, 109), (252, 253, 191)]
)


class Spectrogram:
    """Mean power over time and frequency; when its columns run out, each two become one."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)
        self._columns: list[NDArray[np.float32]] = []
        self._step = 1  # windows a column
        self._open: list[NDArray[np.float32]] = []
        self._taper = np.hanning(WINDOW).astype(np.float32)

    def add(self, block: Block) -> None:
        """48 kHz samples (n, channels)."""
        samples = np.concatenate([self._rest, block.mean(axis=1)])
        count = max(0, (len(samples) - WINDOW) // HOP + 1)
        for number in range(count):
            part = samples[number * HOP : number * HOP + WINDOW] * self._taper
            power = np.square(np.abs(np.fft.rfft(part))).astype(np.float32)[:-1]
            self._add_window(power.reshape(-1, 4).mean(axis=1))
        self._rest = samples[count * HOP :]

    def _add_window(self, power: NDArray[np.float32]) -> None:
        self._open.append(power)
        if len(self._open) < self._step:
            return
        self._columns.append(np.stack(self._open).mean(axis=0))
        self._open = []
        if len(self._columns) == 2 * COLUMNS:
            pairs = zip(self._columns[::2], self._columns[1::2], strict=True)
            self._columns = [(first + second) * np.float32(0.5) for first, second in pairs]
            self._step *= 2

    def decibels(self) -> NDArray[np.float32]:
        """(frequencies from 0 to 24 kHz, columns)."""
        columns = self._columns or [np.zeros(WINDOW // 8, np.float32)]
        return 10 * np.log10(np.stack(columns, axis=1) + 1e-10)


def draw(path: Path, before: Spectrogram, after: Spectrogram, sound_rate: int, duration: float) -> None:
    """Writes the PNG: both panels on the same scale, frequencies up to half of `sound_rate`."""
    from PIL import Image, ImageDraw

    highest = min(sound_rate, RATE) / 2
    panels = [panel.decibels() for panel in (before, after)]
    top = max(panel.max() for panel in panels)
    height = TOP + 2 * ROWS + GAP + BOTTOM
    picture = Image.new("RGB", (LEFT + COLUMNS + 16, height), "white")
    pen = ImageDraw.Draw(picture)
    for number, (panel, title) in enumerate(zip(panels, ("before", "after"), strict=True)):
        y = TOP + number * (ROWS + GAP)
        rows = max(1, round(len(panel) * highest / (RATE / 2)))
        shade = np.clip((panel[:rows] - top + RANGE_DB) / RANGE_DB, 0, 1)[::-1] * (len(COLOURS) - 1)
        steps = np.arange(len(COLOURS))
        channels = [np.interp(shade, steps, channel).astype(np.uint8) for channel in COLOURS.T]
        image = Image.fromarray(np.stack(channels, axis=-1))
        picture.paste(image.resize((COLUMNS, ROWS), Image.Resampling.BOX), (LEFT, y))
        pen.text((LEFT, y - 16), title, "black")
        for part in range(5):
            pen.text((4, y + ROWS - part * ROWS // 4 - 8), f"{part * highest / 4000:.1f} kHz", "black")
            seconds = f"{part * duration / 4:.1f} s"
            pen.text((LEFT + part * (COLUMNS - 40) // 4, y + ROWS + 4), seconds, "black")
    # A palette makes it a quarter as large: it is shown inside the report page.
    picture.quantize(SHADES, Image.Quantize.FASTOCTREE).save(path, format="PNG", optimize=True)
