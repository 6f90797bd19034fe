"""From the probability of speech over time to stretches that fit Whisper, as WhisperX makes them.

Bain et al., "WhisperX: Time-Accurate Speech Transcription of Long-Form Audio", 2023, section 2.1 (cut and
merge); tests/containers/whisperx/test_activity.py compares with whisperx.vads, whose import costs torch,
lightning and pyannote.audio.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from containers.common.contract import Span
from containers.common.media.audio import Waveform
from containers.common.models.pyannet_light import DURATION, FRAME_LENGTH, FRAME_STEP, SAMPLE_RATE

AT_ONCE = 16  # windows


class Activity(NamedTuple):
    """Probability of speech, shape (frames,), and the second that each frame stands for."""

    scores: NDArray[np.floating]
    times: NDArray[np.floating]


def hear_windows(network: Callable[[Waveform], NDArray], audio: Waveform, step: float) -> Activity:
    """The loudest voice of windows `step` seconds apart, as pyannote.audio's Inference joins them.

    `network`: scores (windows, frames, voices) of windows (windows, samples).
    """
    length, hop = round(DURATION * SAMPLE_RATE), round(step * SAMPLE_RATE)
    count = max(1, -(-(len(audio) - length) // hop) + 1)
    padded = np.pad(audio, (0, (count - 1) * hop + length - len(audio)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    found: NDArray = np.concatenate(
        [network(windows[first : first + AT_ONCE]).max(axis=2) for first in range(0, count, AT_ONCE)]
    )
    frames = found.shape[1]
    share = np.hamming(frames)
    total = round((DURATION + (count - 1) * step) / FRAME_STEP) + 1
    sums, weights = np.zeros(total, np.float32), np.zeros(total, np.float32)
    for number, scores in enumerate(found):
        first = round(number * step / FRAME_STEP)
        sums[first : first + frames] += (scores * share)[: total - first]
        weights[first : first + frames] += share[: total - first]
    joined = sums / np.maximum(weights, 1e-12)
    if len(padded) > len(audio):  # what was filled up is no sound
        joined = joined[: int(len(audio) / SAMPLE_RATE / FRAME_STEP) + 1]
    return Activity(joined, np.arange(len(joined)) * FRAME_STEP + FRAME_LENGTH / 2)


def find_speech_parts(activity: Activity, onset: float, offset: float, longest: float) -> list[Span]:
    """Speech begins above `onset` and ends below `offset`; what gets longer than `longest` seconds is cut
    where it is least likely speech, in its second half."""
    parts: list[Span] = []
    held: list[int] = [0]  # frames since the cut, or since speech ended
    begun = 0
    speaks = bool(activity.scores[0] > onset)
    scores, times = activity.scores.tolist(), activity.times.tolist()

    def end(frame: int) -> None:
        if times[frame] > times[begun]:
            parts.append(Span(start=times[begun], end=times[frame]))

    for frame in range(1, len(scores)):
        if not speaks:
            if scores[frame] > onset:
                begun, speaks = frame, True
            continue
        if times[frame] - times[begun] > longest:
            half = len(held) // 2
            least = min(range(half, len(held)), key=lambda place: scores[held[place]])
            end(held[least])
            begun, held = held[least], held[least + 1 :]
        elif scores[frame] < offset:
            end(frame)
            begun, speaks, held = frame, False, []
        held.append(frame)
    if speaks:
        end(len(scores) - 1)
    return parts


def merge_parts(parts: list[Span], longest: float) -> list[list[Span]]:
    """Neighbours together, `longest` seconds at most from the first one's start to the last one's end."""
    merged: list[list[Span]] = []
    for part in parts:
        if merged and part.end - merged[-1][0].start <= longest:
            merged[-1].append(part)
        else:
            merged.append([part])
    return merged
