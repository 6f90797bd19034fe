"""`python -m benchmarks.sound [--long]`: how well and how fast sound is denoised and tagged.

Writes benchmarks/sound.md; `--long` adds one hour and three hours of audio.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from pystoi import stoi

from benchmarks import noises
from benchmarks.tagger import tagger_table
from containers.deepfilternet.app import handler

RATE = noises.RATE
KINDS = {"background": noises.background, "white": noises.white, "wind": noises.wind, "babble": noises.babble}
LEVELS = (0, 5, 10)

ONE_CORE = """
import json, sys, time
from pathlib import Path
from containers.deepfilternet.app import handler
started = time.process_time()
request = {"audio": sys.argv[1], "audio_uri": sys.argv[2], "mode": "on"}
duration = handler(request, None)["result"]["duration"]
seconds = time.process_time() - started
peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps([seconds, duration, peak]))
"""


def denoise(samples: np.ndarray, **options: object) -> tuple[np.ndarray, dict]:
    with tempfile.TemporaryDirectory() as folder:
        given, target = Path(folder, "given.wav"), Path(folder, "denoised.wav")
        soundfile.write(given, samples, RATE, subtype="FLOAT")
        request = {"audio": given.as_uri(), "audio_uri": target.as_uri(), "mode": "on", **options}
        result = handler(request, None)["result"]
        return soundfile.read(target)[0], result


def clean_table() -> Iterator[str]:
    yield "| clean speech | its level | estimated SNR | auto denoises | SI-SDR if forced |"
    yield "|---|---|---|---|---|"
    for name, speech in noises.clean_speech().items():
        for level in (0, -20):
            said = speech * 10 ** (level / 20)
            cleaned, result = denoise(said)
            answer = "yes" if decides(result) else "no"
            kept = noises.si_sdr(said, cleaned)
            yield f"| {name} | {level} dB | {result['noise']['snr_db']} dB | {answer} | {kept:.1f} dB |"


def decides(result: dict) -> bool:
    from containers.deepfilternet.contract import NoiseEstimate
    from containers.deepfilternet.noise import decide

    return decide("auto", NoiseEstimate.model_validate(result["noise"]))[0]


def noisy_table() -> Iterator[str]:
    yield "| noise | SNR | SI-SDR gain: mean (least) | STOI before | after | change (least) | denoised |"
    yield "|---|---|---|---|---|---|---|"
    clips = noises.clean_speech()
    for kind in (*KINDS, "room"):
        for level in LEVELS:
            rows = [row(kind, level, speech) for speech in clips.values()]
            gains, before, after, applied = map(np.array, zip(*rows, strict=True))
            yield (
                f"| {kind} | {level} dB | {gains.mean():+.1f} ({gains.min():+.1f}) dB | {before.mean():.3f} "
                f"| {after.mean():.3f} | {(after - before).mean():+.3f} ({(after - before).min():+.3f}) "
                f"| {applied.sum()} of {len(rows)} |"
            )


def row(kind: str, level: float, speech: np.ndarray) -> tuple[float, float, float, bool]:
    random = np.random.default_rng(7)
    noise = noises.room(speech, random) if kind == "room" else KINDS[kind](len(speech), random)
    noisy = speech + noise / noise.std() * speech.std() * 10 ** (-level / 20)
    cleaned, result = denoise(noisy)
    gain = noises.si_sdr(speech, cleaned) - noises.si_sdr(speech, noisy)
    intelligible = [float(stoi(speech, samples, RATE)) for samples in (noisy, cleaned)]
    return gain, *intelligible, decides(result)


def speed_table(hours: tuple[float, ...]) -> Iterator[str]:
    yield "| audio, 16 kHz mono | real-time factor: CPU time on one core | peak memory |"
    yield "|---|---|---|"
    speech = noises.load(noises.sample_speech())[::3]
    for length in hours:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "long.wav")
            with soundfile.SoundFile(path, "w", 16_000, 1) as file:
                random = np.random.default_rng(0)
                for _ in range(round(length * 120)):
                    file.write(speech + random.standard_normal(len(speech)) * 0.01)
            uris = [path.as_uri(), Path(folder, "out.flac").as_uri()]
            command = ["taskset", "-c", "0", sys.executable, "-c", ONE_CORE, *uris]
            said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
            seconds, duration, peak = json.loads(said)
            yield f"| {duration / 60:.0f} min | {seconds / duration:.3f} | {peak:.0f} MB |"


def main() -> None:
    hours = (1 / 60, 1.0, 3.0) if "--long" in sys.argv else (1 / 60,)
    parts = [
        "# Sound, measured by `python -m benchmarks.sound --long`\n",
        "Denoising by the native runtime through the image's handler, file to file; noise is lowered by "
        "at most 10 dB, the default.\n",
        *clean_table(),
        "\nClean speech (a telephone call, two synthetic voices) with noise added:\n",
        *noisy_table(),
        "\nThe file is read twice (level, then the model), resampled both ways and written as FLAC:\n",
        *speed_table(hours),
        "\nThe starter tagger (FireRed AED) on programmes put together from known stretches, F1 with a "
        "collar of 0.5 s on each side of a boundary:\n",
        *tagger_table(),
    ]
    Path(__file__).with_suffix(".md").write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
