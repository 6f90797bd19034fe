"""`python -m benchmarks.calls`: words of two people who have a channel each, and hear each other a little.

Calls are MADE of real recordings of speech, two of a language, the second of which begins a second before the
first has ended; into each channel leaks what a microphone in the room would hear of the other. They are
analysed as people do it, by flows.batch, once as one sound and once channel by channel. cpWER is the error of
each person's words together, under the assignment of speakers that is best for the result (Watanabe et al.,
"CHiME-6 challenge", 2020, section 4); of Korean, characters are counted.

MEDIAFLOW_REAL_DATA names the folder of a `dataset.toml`, as `flows.evaluate --data` reads it, with PAIRS.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.real_speech import count, real_data, units
from containers.common.media.audio import load_audio
from tasks.media.decoding import decode_media

ROOT = Path(__file__).parents[1]
RATE = 16_000
PAIRS = (
    ("en/librispeech_1089-134686-0005.flac", "en/fleurs_en_002.ogg"),
    ("en/fleurs_en_005.ogg", "en/librispeech_1089-134686-0002.flac"),
    ("de/fleurs_de_000.ogg", "de/fleurs_de_003.ogg"),
    ("de/fleurs_de_006.ogg", "de/fleurs_de_004.ogg"),
    ("fr/fleurs_fr_001.ogg", "fr/fleurs_fr_002.ogg"),
    ("es/fleurs_es_001.ogg", "es/fleurs_es_002.ogg"),
    ("ko/zeroth_104_003_0193.flac", "ko/picovoice_ko.flac"),
    ("ko/zeroth_104_003_0360.flac", "ko/azure_customspeech_ko_2.flac"),
)
LEAKS = (-20, -12, -6)  # dB
OVERLAP = 1.0  # seconds
LOUD = 0.05  # root mean square of a person's own speech
Sound = NDArray[np.float32]


class Call(NamedTuple):
    """`texts`: what each person says."""

    name: str
    language: str
    texts: tuple[str, str]
    channels: Sound  # (2, samples), nothing leaks


def calls(folder: Path) -> list[Call]:
    known = {item["media"]: item for item in tomllib.loads((folder / "dataset.toml").read_text())["item"]}
    made = []
    for number, pair in enumerate(PAIRS):
        spoken = [load_audio((folder / name).absolute().as_uri(), RATE) for name in pair]
        begins = max(len(spoken[0]) - round(OVERLAP * RATE), 0)
        channels = np.zeros((2, max(len(spoken[0]), begins + len(spoken[1])) + RATE // 2), np.float32)
        for channel, samples, first in zip(channels, spoken, (0, begins), strict=True):
            channel[first : first + len(samples)] = samples * (LOUD / np.sqrt(np.square(samples).mean()))
        one, other = (known[name] for name in pair)
        made.append(Call(f"call{number}", one["language"], (one["text"], other["text"]), channels))
    return made


def leaking(channels: Sound, decibels: float, seed: int) -> Sound:
    """Each channel with the other as a microphone of the same small room hears it, and a little noise."""
    chance = np.random.default_rng(seed)
    time = np.arange(round(0.2 * RATE)) / RATE
    tail = chance.normal(0, 0.1, len(time)) * np.exp(-6.9 * time / 0.2)
    tail[48] = 1.0  # a meter
    tail /= np.sqrt(np.square(tail).sum())
    heard = np.stack([np.convolve(each, tail)[: channels.shape[1]] for each in channels[::-1]])
    mixed = channels + 10 ** (decibels / 20) * heard + chance.normal(0, 3e-4, channels.shape)
    return mixed.astype(np.float32)


def errors(call: Call, segments: list[dict]) -> tuple[int, int]:
    """Wrong words or characters of a transcript, and how many were said."""
    heard: dict[str, list[str]] = defaultdict(list)
    for segment in sorted(segments, key=lambda each: each["start"]):
        for word in segment["words"] or [{"word": segment["text"]}]:
            heard[str(word.get("speaker") or segment.get("speaker"))].append(word["word"])
    texts = [" ".join(words) for words in heard.values()]
    texts += [""] * max(2 - len(texts), 0)
    best = None
    for chosen in itertools.permutations(range(len(texts)), 2):
        pairs = [
            count(said, texts[place], call.language) for said, place in zip(call.texts, chosen, strict=True)
        ]
        others = [text for place, text in enumerate(texts) if place not in chosen]
        wrong = sum(each.wrong for each in pairs) + sum(len(units(text, call.language)) for text in others)
        best = wrong if best is None else min(best, wrong)
    said = sum(len(units(text, call.language)) for text in call.texts)
    return best or 0, said


def analysed(files: list[Path], output: Path, **options: object) -> dict[str, list[dict]]:
    """Segments by the name of the file."""
    given = json.dumps({"only": ["speech", "speakers"], **options})
    command = [sys.executable, "-m", "flows.batch", *map(str, files), "--output", str(output)]
    subprocess.run([*command, "--options", given], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    found = {}
    for manifest in output.glob("*/manifest.json"):
        name = json.loads(manifest.read_bytes())["media"]["name"]
        found[name] = json.loads((manifest.parent / "transcript.json").read_bytes())["segments"]
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calls", description=__doc__)
    parser.add_argument("--leaks", type=float, nargs="+", default=LEAKS, metavar="DB")
    chosen = parser.parse_args(arguments)
    folder = real_data()
    if folder is None:
        print("MEDIAFLOW_REAL_DATA names no folder with recordings and their dataset.toml.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        made = calls(folder)
        print("| leakage | calls that `auto` tells apart | mixed | separate | auto |")
        print("|---:|---:|---:|---:|---:|", flush=True)
        for decibels in chosen.leaks:
            files = [place / f"{call.name}{decibels:g}.wav" for call in made]
            for number, (call, file) in enumerate(zip(made, files, strict=True)):
                soundfile.write(file, leaking(call.channels, decibels, number).T, RATE, "FLOAT")
            apart = [
                bool(decode_media(file, place / f"{file.name}.d", 1, channels="auto").channels_16k)
                for file in files
            ]
            mixed = analysed(files, place / f"mixed{decibels:g}")
            separate = analysed(files, place / f"separate{decibels:g}", channels="separate")
            rows = [
                [errors(call, found[file.name]) for call, file in zip(made, files, strict=True)]
                for found in (mixed, separate)
            ]
            rows.append([rows[int(told)][number] for number, told in enumerate(apart)])
            rates = [sum(wrong for wrong, _ in row) / sum(said for _, said in row) for row in rows]
            shown = " | ".join(f"{rate:.3f}" for rate in rates)
            print(f"| {decibels:g} dB | {sum(apart)} of {len(apart)} | {shown} |", flush=True)
            for number, call in enumerate(made):
                each = [f"{row[number][0]}/{row[number][1]}" for row in rows]
                print(f"{call.name} {call.language} {each}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
