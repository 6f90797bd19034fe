"""`python -m benchmarks.sound PART ...`: how well and how fast sound is denoised and tagged.

Each part is measured anew and its section of benchmarks/sound.md replaced; the others stay.
"""

import argparse
import json
import logging
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile
from pystoi import stoi

from benchmarks import noises, voices
from benchmarks.tagger import tagger_table
from containers.common.models.store import open_model
from containers.deepfilternet import native
from containers.deepfilternet.app import handler
from containers.deepfilternet.contract import NoiseEstimate
from containers.deepfilternet.engine import MODELS
from containers.deepfilternet.noise import decide
from tasks.media.demo import sample_speech

RATE = noises.RATE
REPORT = Path(__file__).with_suffix(".md")
BACKGROUND = {
    "room tone": noises.room_tone,
    "hum": noises.hum,
    "fan": noises.fan,
    "street": noises.street,
    "white": noises.white,
    "wind": noises.wind,
}
KINDS = (*BACKGROUND, "babble", "reverberation")
WANTED = {0: 6, 5: 4, 10: 2}  # dB of SI-SDR at each SNR
LONG = {"60 min": 1.0, "180 min": 3.0}  # hours
SAMPLE_SECONDS = 30  # of the packaged call

ONE_CORE = """
import json, sys, time
from importlib import import_module
from pathlib import Path
handler = import_module(sys.argv[1]).handler
started = time.process_time()
handler(json.loads(sys.argv[2]), None)
seconds = time.process_time() - started
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps([seconds, peak]))
"""


def denoise(samples: np.ndarray, **options: object) -> tuple[np.ndarray, dict]:
    with tempfile.TemporaryDirectory() as folder:
        given, target = Path(folder, "given.wav"), Path(folder, "denoised.wav")
        soundfile.write(given, samples, RATE, subtype="FLOAT")
        request = {"audio": given.as_uri(), "audio_uri": target.as_uri(), "mode": "on", **options}
        result = handler(request, None)["result"]
        return soundfile.read(target)[0], result


def decides(result: dict) -> bool:
    return decide("auto", NoiseEstimate.model_validate(result["noise"]))[0]


def clean_table() -> Iterator[str]:
    yield "| clean speech | its level | estimated SNR | auto denoises | SI-SDR if forced |"
    yield "|---|---|---|---|---|"
    for name, speech in (voices.voices_to_choose_on() | voices.voices_to_report()).items():
        for level in (0, -20):
            said = speech * 10 ** (level / 20)
            cleaned, result = denoise(said)
            answer = "yes" if decides(result) else "no"
            kept = noises.si_sdr(said, cleaned)
            yield f"| {name} | {level} dB | {result['noise']['snr_db']} dB | {answer} | {kept:.1f} dB |"


HEADINGS = (
    "noise",
    "SNR",
    "SI-SDR gain: mean (least)",
    "wanted",
    "STOI before",
    "after",
    "change (least)",
    "auto",
)


def noisy_table() -> Iterator[str]:
    """On the four voices that no setting was chosen on, each with noise of its own."""
    yield from headings()
    clips = list(voices.voices_to_report().values())
    for kind in KINDS:
        for level in WANTED:
            yield line(
                kind, level, [measure(kind, level, clips, n, [7, n, level]) for n in range(len(clips))]
            )


def gusts_table() -> Iterator[str]:
    """On the telephone call, where wind is hardest to remove."""
    yield from headings()
    halves = list(voices.voices_to_choose_on().values())[:2]
    for level in WANTED:
        seeds = [(half, seed) for half in range(2) for seed in range(4)]
        yield line(
            "wind", level, [measure("wind", level, halves, n, [11, n, seed, level]) for n, seed in seeds]
        )


def headings() -> Iterator[str]:
    yield f"| {' | '.join(HEADINGS)} |"
    yield "|---" * len(HEADINGS) + "|"


def line(kind: str, level: int, rows: list[tuple[float, ...]]) -> str:
    gains, before, after, applied = map(np.array, zip(*rows, strict=True))
    change, wanted = after - before, WANTED[level]
    met = (gains >= wanted) & ((level > 5) | (change >= 0))
    on_average = gains.mean() >= wanted and (level > 5 or change.mean() >= 0)
    answer = "every clip" if met.all() else "on average" if on_average else "**missed**"
    return (
        f"| {kind} | {level} dB | {gains.mean():+.1f} ({gains.min():+.1f}) dB | {wanted} dB: {answer} "
        f"| {before.mean():.3f} | {after.mean():.3f} | {change.mean():+.3f} ({change.min():+.3f}) "
        f"| {round(applied.sum())} of {len(rows)} |"
    )


def measure(
    kind: str, level: int, clips: list[np.ndarray], number: int, seed: list[int]
) -> tuple[float, ...]:
    """SI-SDR gain, STOI before and after, and whether auto denoises."""
    random = np.random.default_rng(seed)
    speech = clips[number]
    if kind == "reverberation":
        noise = noises.room(speech, random)
    elif kind == "babble":
        others = np.concatenate([clip for clip in clips if clip is not speech])
        noise = noises.babble(others, len(speech), random)
    else:
        noise = BACKGROUND[kind](len(speech), random)
    noisy = speech + noise / noise.std() * speech.std() * 10 ** (-level / 20)
    cleaned, result = denoise(noisy)
    gain = noises.si_sdr(speech, cleaned) - noises.si_sdr(speech, noisy)
    heard = [float(stoi(speech, samples, RATE)) for samples in (noisy, cleaned)]
    return gain, *heard, float(decides(result))


def speed_table(lengths: dict[str, float]) -> Iterator[str]:
    yield "| image | audio, 16 kHz mono | real-time factor: CPU time on one core | peak memory |"
    yield "|---|---|---|---|"
    alone = sum(frame_times()) / 1000 / SAMPLE_SECONDS
    yield f"| DeepFilterNet's frames alone | 30 s | {alone:.3f} | |"
    speech = voices.load(sample_speech())[::3]
    for name, hours in lengths.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "long.wav")
            with soundfile.SoundFile(path, "w", 16_000, 1) as file:
                random = np.random.default_rng(0)
                for _ in range(round(hours * 120)):
                    file.write(speech + random.standard_normal(len(speech)) * 0.01)
            audio, target = path.as_uri(), Path(folder, "out.flac").as_uri()
            denoised = {"audio": audio, "audio_uri": target, "mode": "on"}
            tagged = {"audio": audio, "model": "firered-aed"}
            for image, request in {"deepfilternet": denoised, "audioset": tagged}.items():
                seconds, peak = on_one_core(f"containers.{image}.app", request)
                yield f"| {image} | {name} | {seconds / hours / 3600:.3f} | {peak:.0f} MB |"


def on_one_core(module: str, request: dict[str, str]) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of one call in a fresh process."""
    command = ["taskset", "-c", "0", sys.executable, "-c", ONE_CORE, module, json.dumps(request)]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True)
    seconds, peak = json.loads(said.stdout)
    return seconds, peak


def frame_times() -> list[float]:
    """CPU milliseconds of each frame of the packaged call: a plain loop over the C API, nothing beside it."""
    speech = voices.load(sample_speech())
    folder, _ = open_model(MODELS["native"])
    taken: list[float] = []
    with native.open_denoiser(folder / native.MODEL_FILE) as denoiser:
        for start in range(0, len(speech) - native.FRAME, native.FRAME):
            began = time.process_time()
            denoiser.frames(speech[start : start + native.FRAME])
            taken.append(1000 * (time.process_time() - began))
    return taken


def frames_table() -> Iterator[str]:
    yield "| use | heard late | CPU time of a frame of 10 ms: median | 99 of 100 below |"
    yield "|---|---|---|---|"
    taken = frame_times()
    late, usual = 1000 * native.LATENCY, np.median(taken)
    yield f"| frame by frame | {late:.0f} ms | {usual:.2f} ms | {np.percentile(taken, 99):.2f} ms |"


PARTS: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "clean": ("Clean speech: auto leaves it alone, and forced denoising harms it little:", clean_table),
    "noisy": (
        "Noise added to four voices that no setting was chosen on. `wanted`: that gain in SI-SDR, and at "
        "5 dB and below a STOI that does not fall. `auto`: clips that it denoises. Babble here is other "
        "people's speech, reverberation the voice itself: the model takes neither for noise.",
        noisy_table,
    ),
    "gusts": (
        "Wind on the telephone call, on which the settings were chosen (two halves, four gusts each):",
        gusts_table,
    ),
    "speed": (
        "The whole call, file to file: audio decoded and resampled, the model, FLAC written. The first row "
        "is the model alone in the same minutes, which tells a slow machine from a slow program:",
        lambda: speed_table({"1 min": 1 / 60}),
    ),
    "frames": ("Real time, a frame as it comes (`native.open_denoiser`), one channel:", frames_table),
    "long": ("The same with long audio:", lambda: speed_table(LONG)),
    "tagger": (
        "The starter tagger (FireRed AED) on programmes put together from known stretches, F1 with a collar "
        "of 0.5 s on each side of a boundary:",
        tagger_table,
    ),
}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sound", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all but long")
    parser.add_argument("--long", action="store_true", help="one and three hours of audio too")
    chosen = parser.parse_args(arguments)
    names = chosen.parts or [name for name in PARTS if name != "long"]
    if unknown := set(names) - set(PARTS):
        parser.error(f"there is no part '{min(unknown)}'")
    logging.disable(logging.INFO)
    for name in [*names, *(["long"] if chosen.long and "long" not in names else [])]:
        heading, table = PARTS[name]
        replace_section(name, [heading, "", *table()])


def replace_section(name: str, lines: list[str]) -> None:
    """Writes one part into the report, at once, so that a stopped run keeps what it has measured."""
    text = REPORT.read_text(encoding="utf-8") if REPORT.exists() else ""
    sections = dict(re.findall(r"## (\w+)\n\n(.*?)\n*(?=\n## |\Z)", text, re.DOTALL))
    sections[name] = "\n".join(lines)
    parts = [f"## {part}\n\n{sections[part]}\n" for part in PARTS if part in sections]
    REPORT.write_text(
        "\n".join(["# Sound, measured by `python -m benchmarks.sound`\n", *parts]), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
