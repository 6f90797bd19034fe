"""Conversations of natural voices with the truth about who speaks when, for benchmarks/speakers.py.

The voices are telephone prompts and a reading that Debian packages carry. Prompts are put one behind another
as people take turns: with pauses or falling into each other's words, with or without noise. Talks with the
seeds 0 to 47 are among those that the diarizer's settings were chosen on; others are for reporting.
"""

from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from pyannote.core import Annotation, Segment
from scipy.signal import resample_poly

from benchmarks import noises
from benchmarks.voices import load, package_files
from containers.common.errors import MediaError

RATE = 16_000
FRAME = RATE // 50
PACKAGES = [
    *(f"asterisk-core-sounds-{language}-g722" for language in ("en", "fr", "it", "ru")),
    "asterisk-prompt-es-co",
    "asterisk-prompt-fr-armelle",
    "asterisk-prompt-it-menardi-wav",
    "pocketsphinx-testdata",
]
SOUNDS = "usr/share/asterisk/sounds"
# Eight people; which package, not who they are, is known of two of them.
VOICES = {
    "Allison": f"{SOUNDS}/en_US_f_Allison",
    "June": f"{SOUNDS}/fr_CA_f_June",
    "Carlo": f"{SOUNDS}/it_IT_m_Carlo",
    "Ivrvoice": f"{SOUNDS}/ru_RU_f_IvrvoiceRU",
    "Bogota": f"{SOUNDS}/es",
    "Armelle": f"{SOUNDS}/fr",
    "Menardi": f"{SOUNDS}/it_IT_f_Menardi",
    "LibriVox": "usr/share/pocketsphinx/test/data/librivox",
}


class Kind(NamedTuple):
    """What a conversation is like."""

    speakers: int
    overlaps: bool = False
    noise: str | None = None
    snr: float = 10  # dB


KINDS = [
    Kind(1),
    Kind(1, noise="street"),
    Kind(2),
    Kind(2, overlaps=True),
    Kind(2, noise="fan"),
    Kind(3),
    Kind(3, overlaps=True),
    Kind(3, noise="street"),
    Kind(4),
    Kind(4, overlaps=True, noise="fan"),
    Kind(5),
    Kind(5, overlaps=True),
]


@cache
def prompts(voice: str) -> list[np.ndarray]:
    """What this person says, each of 1.5 s and more, silence cut off both ends; 16 kHz, RMS 0.05."""
    found = []
    for path in sorted((package_files(*PACKAGES) / VOICES[voice]).iterdir()):
        if path.suffix not in (".g722", ".gsm", ".wav") or path.stem == "tt-monkeys":  # which scream
            continue
        try:
            samples = resample_poly(load(path), 1, 3)
        except MediaError:
            continue  # some files of the packages are empty
        spoken = np.flatnonzero(is_speech(samples))
        if len(spoken) < 1.5 * RATE / FRAME:
            continue
        samples = samples[spoken[0] * FRAME : (spoken[-1] + 1) * FRAME][: 20 * RATE]
        found.append(samples / np.sqrt(np.mean(samples**2)) * 0.05)
    return found


def is_speech(samples: np.ndarray) -> np.ndarray:
    """By frames of 20 ms: louder than 35 dB below the loudest, pauses below 0.3 s bridged."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    power = np.mean(frames**2, axis=1)
    loud = np.flatnonzero(power > power.max(initial=0) * 10**-3.5)
    speech = np.zeros(len(power), bool)
    speech[loud] = True
    for before, after in pairwise(loud):
        if after - before < 15:
            speech[before:after] = True
    return speech


def conversation(kind: Kind, seed: int, seconds: float = 90) -> tuple[np.ndarray, Annotation]:
    """Samples (n,) at 16 kHz and the turns, in which nobody's pauses of 0.3 s and more count."""
    random = np.random.default_rng(seed)
    people = random.choice(list(VOICES), kind.speakers, replace=False)
    to_say: dict[str, list[int]] = {}
    loudness = {person: 10 ** (random.uniform(-3, 3) / 20) for person in people}
    sound, turns = np.zeros(round((seconds + 60) * RATE)), Annotation()
    end, before = RATE // 2, ""
    while end < seconds * RATE:
        missing = [person for person in people if person not in turns.labels()]
        others = missing or [person for person in people if person != before] or [before]
        person = str(random.choice(others))
        for _ in range(random.integers(1, 4)):
            if not to_say.get(person):
                to_say[person] = list(random.permutation(len(prompts(person))))
            samples = prompts(person)[to_say[person].pop()] * loudness[person]
            pause = random.uniform(0.2, 0.8)
            if kind.overlaps and person != before and before and random.random() < 0.5:
                pause = -random.uniform(0.3, 1.2)
            start = max(0, end + round(pause * RATE))
            sound[start : start + len(samples)] += samples
            for first, last in _stretches(is_speech(samples)):
                turns[Segment(start / RATE + first, start / RATE + last), turns.new_track(Segment(0, 1))] = (
                    person
                )
            end, before = max(end, start + len(samples)), person
    sound = sound[: end + RATE // 2]
    if kind.noise:
        noise = resample_poly(getattr(noises, kind.noise)(3 * len(sound), random), 1, 3)[: len(sound)]
        sound += noise / noise.std() * 0.05 * 10 ** (-kind.snr / 20)
    return (sound / max(1, np.abs(sound).max())).astype(np.float32), turns.support()


def _stretches(speech: np.ndarray) -> list[tuple[float, float]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[0], speech.astype(int), [0]])))
    return [(first * FRAME / RATE, last * FRAME / RATE) for first, last in edges.reshape(-1, 2)]
