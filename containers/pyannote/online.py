"""Who speaks when, while it is said. Imports torch: imported when a stream is opened.

Method: Coria et al., ASRU 2021, as in voices.py: every half second the segmentation network hears the last
5 s, its local voices are matched with known ones, and what overlapping windows say of a moment is averaged as
long as the stated latency allows.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from containers.common.documents.live import LiveTurn
from containers.common.media.audio import Waveform
from containers.pyannote.ge2e import SAMPLE_RATE, load_ge2e
from containers.pyannote.pipeline import load_network
from containers.pyannote.voices import Voices

STEP = 30  # frames of 17 ms between two windows: 0.51 s
WINDOW = 297  # frames of a window: 5.0 s
ACTIVE = 0.55  # score above which a voice is heard, as in pipeline.py
GAP = 12  # frames of silence that do not end a turn: 0.2 s
SHORTEST = 6  # frames of a turn: 0.1 s


class OnlineDiarizer:
    """Is given 16 kHz mono in blocks of any size; says turns `latency` seconds late, at least 0.5 s."""

    def __init__(self, segmentation: Path, embedding: Path, latency: float) -> None:
        self._segmenter: Any = load_network(segmentation)
        self._embedder = load_ge2e(embedding)
        field: Any = self._segmenter.receptive_field
        self._hop, self._frame = round(field.step * SAMPLE_RATE), field.step
        self._middle = field.duration / 2  # seconds from a frame's first sample to its middle
        self._unsettled = max(round(latency / field.step) - STEP, 0)
        self._voices = Voices(self._embedder.dimension)
        self._waiting = np.zeros(0, np.float32)
        self._sound = np.zeros(0, np.float32)
        self._received = 0  # samples heard by the network
        # What the windows so far say of the window's frames: sums of scores, and of how many windows.
        self._first = 0
        self._sums, self._windows = np.zeros((0, 0)), np.zeros(0)
        self._settled = 0  # frames that were said
        self._turns: dict[int, list[int]] = {}  # voice to first and last frame of its open turn
        self._names: dict[int, str] = {}

    def push(self, block: Waveform) -> Iterator[LiveTurn]:
        self._waiting = np.concatenate([self._waiting, block])
        step = STEP * self._hop
        while len(self._waiting) >= step:
            self._hear(self._waiting[:step])
            self._waiting = self._waiting[step:]
            yield from self._say(self._first + len(self._sums) - self._unsettled)

    def finish(self) -> Iterator[LiveTurn]:
        if len(self._waiting) > self._hop:
            rest = len(self._waiting) // self._hop * self._hop
            self._hear(self._waiting[:rest])
        yield from self._say(self._first + len(self._sums))
        for voice in sorted(self._turns):
            yield from self._close(voice)
        self._turns.clear()

    @property
    def settled(self) -> float:
        """Seconds of the stream of which everything has been said."""
        return round(self._frame * self._settled, 3)

    def _hear(self, samples: Waveform) -> None:
        """One window more, which ends with `samples`."""
        self._received += len(samples)
        self._sound = np.concatenate([self._sound, samples])[-WINDOW * self._hop :]
        with torch.inference_mode():
            try:
                scores = self._segmenter(torch.from_numpy(self._sound.copy())[None, None])[0].numpy()
            except RuntimeError:
                if len(self._sound) > self._hop * STEP:
                    raise
                return  # a stream of a few milliseconds holds no frame
        self._advance((self._received - len(self._sound)) // self._hop, len(scores))
        heard = np.flatnonzero((scores > ACTIVE).any(0))
        if len(heard):
            active = scores[:, heard] > ACTIVE
            placed = self._place(active)
            sums = np.zeros((len(scores), len(self._voices)))
            for column, voice in enumerate(placed):
                if voice is not None:
                    sums[:, voice] = np.maximum(sums[:, voice], scores[:, heard[column]])
            self._sums = np.pad(self._sums, ((0, 0), (0, len(self._voices) - self._sums.shape[1])))
            self._sums += sums
        self._windows += 1

    def _place(self, active: NDArray) -> list[int | None]:
        """The voice of each column of `active` (frames, local voices)."""
        alone = active & (active.sum(1, keepdims=True) == 1)
        seconds = alone.sum(0) * self._frame
        masks = np.where(seconds > 3 * self._frame, alone, active).T
        sound = torch.from_numpy(self._sound.copy()).expand(len(masks), 1, -1)
        with torch.inference_mode():
            embeddings = self._embedder(sound, torch.from_numpy(masks.astype(np.float32))).numpy()
        before = self._sums / np.maximum(self._windows, 1)[:, None] > ACTIVE
        known = self._windows > 0
        shared = active[known].T.astype(float) @ before[known]
        familiar = shared / np.maximum(active[known].sum(0), 1)[:, None]
        return self._voices.place(embeddings, seconds, familiar)

    def _advance(self, first: int, frames: int) -> None:
        """Moves what is known of frames on to the window that starts with frame `first`."""
        gone = first - self._first
        self._first = first
        self._sums, self._windows = self._sums[gone:], self._windows[gone:]
        more = frames - len(self._sums)
        self._sums = np.pad(self._sums, ((0, more), (0, 0)))
        self._windows = np.pad(self._windows, (0, more))

    def _say(self, until: int) -> Iterator[LiveTurn]:
        """Turns that began, grew or ended in the frames before `until`."""
        begin, until = max(self._settled, self._first), max(until, self._settled)
        rows = slice(begin - self._first, until - self._first)
        active = self._sums[rows] / np.maximum(self._windows[rows], 1)[:, None] > ACTIVE
        self._settled = until
        grown: set[int] = set()
        for offset, voices in enumerate(active):
            frame = begin + offset
            for voice in np.flatnonzero(voices).tolist():
                if voice in self._turns and frame - self._turns[voice][1] > GAP:
                    yield from self._close(voice)
                self._turns.setdefault(voice, [frame, frame])[1] = frame
                grown.add(voice)
        for voice in sorted(self._turns):
            if until - self._turns[voice][1] > GAP:
                yield from self._close(voice)
            elif voice in grown:
                yield from self._turn(voice, is_open=True)

    def _close(self, voice: int) -> Iterable[LiveTurn]:
        said = list(self._turn(voice, is_open=False))
        del self._turns[voice]
        return said

    def _turn(self, voice: int, is_open: bool) -> Iterator[LiveTurn]:
        first, last = self._turns[voice]
        if last - first + 1 < SHORTEST:
            return
        name = self._names.setdefault(voice, f"SPEAKER_{len(self._names):02d}")
        heard = (self._received + len(self._waiting)) / SAMPLE_RATE
        start, end = (self._frame * edge + self._middle for edge in (first - 0.5, last + 0.5))
        yield LiveTurn(
            speaker=name,
            start=round(max(start, 0.0), 3),
            end=round(min(end, heard), 3),
            open=is_open,
            heard=round(heard, 3),
        )
