"""Word times by the sound: Whisper's own are early, and pauses show where words begin and end.

Chosen on the packaged telephone call and a dialogue in a quiet room, whose times are known; measured in
benchmarks/speech.md.
"""

from dataclasses import replace

import numpy as np

from containers.common.contract import Span
from containers.common.media.audio import Waveform
from containers.whisperx.segments import longest_usual
from containers.whisperx.sentences import HeardWord
from containers.whisperx.speech import without

SAMPLE_RATE = 16_000
FRAME = 160  # samples of a loudness: 10 ms
LATE = 0.1  # seconds that Whisper base's attention comes to a word before its sound begins
# A pause is quiet for so long (seconds); quiet is below this share of the way from the softest to the loudest
# moments around it, in dB, where those are far enough apart to tell speech from what is behind it.
SHORTEST_PAUSE, QUIET, CLEAR = 0.1, 0.4, 12.0
AROUND, STEP = 150, 25  # frames to either side that are compared, and between two comparisons
# Seconds that a boundary between words may be from its pause; a long pause is no closed consonant.
NEAR, LONG_PAUSE, FAR = 0.15, 0.25, 0.5
SHORTEST_WORD = 0.02


def refine(words: list[HeardWord], pauses: list[Span], span: Span) -> list[HeardWord]:
    """Words of a stretch with times by its pauses."""
    if not words:
        return words
    starts = [word.start + LATE for word in words]
    ends = [word.end + LATE for word in words]
    for boundary, pause in _match(pauses, starts, ends).items():
        if boundary < len(words):
            starts[boundary] = pause.end
        if boundary:
            ends[boundary - 1] = pause.start
    refined: list[HeardWord] = []
    latest = span.start
    for place, word in enumerate(words):
        start = max(starts[place], latest)
        following = starts[place + 1] if place + 1 < len(words) else span.end
        end = max(min(ends[place], following), start + SHORTEST_WORD)
        latest = _before_a_pause(word.word, start, end, pauses)
        refined.append(replace(word, start=start, end=latest))
    return refined


def find_pauses(audio: Waveform, span: Span) -> list[Span]:
    """Where a stretch of 16 kHz mono, shape (samples,), is quiet between sounds: seconds of the whole."""
    first = max(0, round(span.start * SAMPLE_RATE))
    samples = audio[first : round(span.end * SAMPLE_RATE)]
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    if len(frames) < 3:
        return []
    power = np.square(frames, dtype=np.float64).mean(axis=1)
    level = 10 * np.log10(np.convolve(power, np.ones(3) / 3, mode="same") + 1e-12)
    quiet = np.zeros(len(level), bool)
    for start in range(0, len(level), STEP):
        softest, loudest = np.percentile(level[max(0, start - AROUND) : start + AROUND], [5, 95])
        if loudest - softest >= CLEAR:
            quiet[start : start + STEP] = level[start : start + STEP] < softest + QUIET * (loudest - softest)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], quiet, [False]]).astype(int)))
    times = (first + edges.reshape(-1, 2) * FRAME) / SAMPLE_RATE
    return [Span(start=float(start), end=float(end)) for start, end in times if end - start >= SHORTEST_PAUSE]


def cut_at_pauses(voiced: list[Span], pauses: list[Span]) -> list[Span]:
    """Voices without the long pauses in them, which voice activity does not notice where they are short."""
    long = [(pause.start, pause.end) for pause in pauses if pause.end - pause.start >= LONG_PAUSE]
    return [part for voice in voiced for part in without(voice, long)]


def _match(pauses: list[Span], starts: list[float], ends: list[float]) -> dict[int, Span]:
    """The pause of each boundary that has one; boundary n is before word n, the last one after all words."""
    boundaries = [
        (min(one, other), max(one, other))
        for one, other in zip([starts[0], *ends], [*starts, ends[-1]], strict=True)
    ]
    taken: dict[int, Span] = {}
    for pause in pauses:
        far = FAR if pause.end - pause.start >= LONG_PAUSE else NEAR
        distances = [
            (
                max(pause.start - end, start - pause.end, 0.0),
                abs(pause.start + pause.end - start - end) / 2,
            )
            for start, end in boundaries
        ]
        nearest = min(range(len(boundaries)), key=distances.__getitem__)
        other = taken.get(nearest)
        longer = other is None or pause.end - pause.start > other.end - other.start
        if distances[nearest][0] <= far and longer:
            taken[nearest] = pause
    return {boundary: pause for boundary, pause in taken.items() if _in_order(boundary, pause, taken)}


def _in_order(boundary: int, pause: Span, taken: dict[int, Span]) -> bool:
    """Whether no later word has an earlier pause."""
    return all(pause.start <= other.start for later, other in taken.items() if later > boundary)


def _before_a_pause(word: str, start: float, end: float, pauses: list[Span]) -> float:
    """The word's end: one that nobody says so long ends at the pause that its time reaches over."""
    if end - start <= longest_usual(word):
        return end
    over = (pause.start for pause in pauses if start + SHORTEST_PAUSE < pause.start and pause.end < end)
    return next(over, end)
