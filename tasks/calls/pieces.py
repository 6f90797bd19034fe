"""Long recordings in pieces that are transcribed side by side, cut where nobody speaks."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from containers.common import storage
from containers.common.contract import Span
from containers.common.media.audio import load_audio
from containers.common.media.container import open_media

PIECE = 600.0  # seconds: a Lambda's 15 minutes are enough for it, with time to spare
SEARCH = 30.0  # seconds before and after in which the quietest moment is looked for
QUIET = 0.4  # seconds that have to be quiet
SAMPLE_RATE = 16_000


def cut_pieces(audio: str, piece: float = PIECE) -> list[Span]:
    """Spans of about `piece` seconds that cover the audio at `audio`, cut at its quietest moments.

    Only the audio around the cuts is read. Audio that is less than half as long again stays whole.
    """
    duration = duration_of(audio)
    if duration < 1.5 * piece:
        return [Span(start=0, end=duration)]
    cuts = [0.0, *_cuts(audio, duration, piece), duration]
    return [Span(start=start, end=end) for start, end in pairwise(cuts)]


def even_pieces(duration: float, piece: float = PIECE) -> list[Span]:
    """Spans of `piece` seconds; the last one is half as long at least, and half as long again at most."""
    count = max(1, int(duration / piece + 0.5))
    cuts = [*(piece * number for number in range(count)), duration]
    return [Span(start=start, end=end) for start, end in pairwise(cuts)]


def duration_of(audio: str) -> float:
    """Seconds, as the file's header says. Raises MediaError, StorageError."""
    with storage.reading(audio) as path, open_media(path) as container:
        return (container.duration or 0) / 1e6


def _cuts(audio: str, duration: float, piece: float) -> Iterator[float]:
    """Equal pieces but for the search, so that no short one is left at the end."""
    count = round(duration / piece)
    reach = min(SEARCH, duration / count / 4)
    for number in range(1, count):
        middle = duration * number / count
        samples = load_audio(audio, SAMPLE_RATE, middle - reach, middle + reach)
        yield round(middle - reach + quietest(samples), 3)


def quietest(samples: np.ndarray) -> float:
    """Seconds from the start to the middle of the quietest QUIET seconds of 16 kHz mono, shape (samples,)."""
    width = round(QUIET * SAMPLE_RATE)
    if len(samples) <= width:
        return len(samples) / SAMPLE_RATE / 2
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    step = SAMPLE_RATE // 100
    windows = energy[width::step] - energy[:-width:step]
    # Of equally quiet moments (digital silence) the one in the middle of the recording's search.
    best = np.flatnonzero(windows <= windows.min() + 1e-9)
    place = best[np.abs(best - len(windows) / 2).argmin()]
    return (place * step + width / 2) / SAMPLE_RATE
