"""`python -m benchmarks.speech [PART...]`: words, languages, silence and speed against plain whisperX.

Each part replaces its section of benchmarks/speech.md. Synthetic voices need espeak-ng.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soundfile

from benchmarks import noises, switching
from benchmarks.by_hand import _whisper, weights
from benchmarks.long_media import long_table
from benchmarks.real_speech import real_data, real_table, times_table
from benchmarks.words import NOISES, RATE, by_hand, starts_table, wer_table
from containers.common.media.audio import load_audio
from tasks.media.demo import sample_speech

REPORT = Path(__file__).with_suffix(".md")


def music(count: int, random: np.random.Generator) -> np.ndarray:
    """Struck chords with overtones and a melody, two notes a second, in a random order; at noises.RATE."""
    time = np.arange(count) / noises.RATE
    steps = 2 ** (random.choice([0, 2, 4, 5, 7, 9], len(time) * 2 // noises.RATE + 1) / 12)
    tune = 440 * steps[(time * 2).astype(int)]
    chord = [110 * interval * np.ones(count) for interval in (1, 2, 2.52, 3)]
    phases = [np.cumsum(note) / noises.RATE * 2 * np.pi for note in [*chord, tune]]
    notes = sum(np.sin(n * phase) / n**1.5 for phase in phases for n in range(1, 6))
    return notes * np.exp(-3 * (time * 2 % 1))


def nothing_table() -> Iterator[str]:
    """A minute of what is no speech, at -20 dB of full scale."""
    from containers.whisperx.app import handler

    made = {**NOISES, "room tone": noises.room_tone, "mains hum": noises.hum, "music": music}
    yield "A minute each of what is no speech: words written.\n"
    yield "| sound | whisperX | ours |"
    yield "|---|---:|---:|"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "nothing.wav")
        for name, make in {"silence": None, **made}.items():
            samples = np.zeros(60 * noises.RATE)
            if make:
                samples = make(len(samples), np.random.default_rng(3))
                samples = samples / np.sqrt(np.mean(samples**2)) * 0.1
            soundfile.write(path, np.clip(samples, -1, 1), noises.RATE)
            segments = handler({"audio": path.as_uri()}, None)["result"]["segments"]
            words = sum(len(segment["words"]) for segment in segments)
            yield f"| {name} | {len(by_hand(path).split())} | {words} |"


def switching_table() -> Iterator[str]:
    from containers.whisperx.app import handler

    yield "Nine stretches each in Korean, English and German (espeak-ng): those over 3 s whose words carry"
    yield "the right language. Settings were chosen on other mixtures.\n"
    yield "| seed | seconds | found by itself | expected `ko,en,de` | whisperX |"
    yield "|---:|---:|---:|---:|---:|"
    totals = np.zeros(4, int)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mixture.wav")
        for seed in range(21, 31):
            samples, truth = switching.mixture(seed)
            soundfile.write(path, samples, RATE)
            long = [spoken for spoken in truth if spoken.end - spoken.start > 3]
            right = []
            for options in ({}, {"language": "ko,en,de"}):
                segments = handler({"audio": path.as_uri(), **options}, None)["result"]["segments"]
                right.append(sum(switching.heard_language(segments, one) == one.language for one in long))
            spoken = _whisper().transcribe(load_audio(path.as_uri(), RATE), batch_size=8)["language"]
            right.append(sum(one.language == spoken for one in long))
            totals += [*right, len(long)]
            shown = " | ".join(f"{count} of {len(long)}" for count in right)
            yield f"| {seed} | {len(samples) / RATE:.0f} | {shown} |"
    yield "| **all** | | " + " | ".join(f"{count / totals[3]:.0%}" for count in totals[:3]) + " |"


BY_HAND = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import torch
from pathlib import Path
from benchmarks.by_hand import _diarizer, _load_16k, _whisper
path, seconds = Path(sys.argv[1]), []
for _ in range(3):
    started = time.perf_counter()
    audio = _load_16k(path)
    _whisper().transcribe(audio, batch_size=8)
    _diarizer()({"waveform": torch.from_numpy(audio)[None], "sample_rate": 16000, "uri": "media"})
    seconds.append(time.perf_counter() - started)
print(json.dumps(seconds))
"""


def speed_table() -> Iterator[str]:
    """Both in turn on the same machine, warm: the best of two rounds after the one that loads the models."""
    samples, _ = switching.mixture(31, 6, "en")
    call = load_audio(sample_speech().as_uri(), RATE)
    media = np.concatenate([call, samples, call[6 * RATE :]])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "media.wav")
        soundfile.write(path, media, RATE)
        length = len(media) / RATE
        done = subprocess.run(
            [sys.executable, "-c", BY_HAND, str(path)], capture_output=True, text=True, check=True
        )
        hand = min(json.loads(done.stdout.splitlines()[-1])[1:])
        together = min(_ours_together(path)[1:])
    yield f"{length:.0f} s of speech (the packaged call twice, a synthetic voice between), two cores, warm."
    yield "By hand: whisperX (int8, batch 8), then pyannote's pipeline, in one"
    yield "process, with the same weights;"
    yield "without word times."
    yield "Ours: both images through the local endpoint at once, with word times and languages.\n"
    yield "| | seconds | real-time factor |"
    yield "|---|---:|---:|"
    yield f"| by hand | {hand:.1f} | {hand / length:.3f} |"
    yield f"| ours | {together:.1f} | {together / length:.3f} |"
    yield f"| ours / by hand | {together / hand:.2f} | |"


def _ours_together(path: Path) -> list[float]:
    from concurrent.futures import ThreadPoolExecutor

    from containers.common.documents.speakers import Diarization
    from containers.common.documents.speech import Transcript
    from containers.pyannote.contract import DiarizeRequest
    from containers.whisperx.contract import TranscribeRequest
    from flows.runs.images import running_images
    from tasks.calls.invoke import invoke

    calls: list[Callable[[], object]] = [
        lambda: invoke("whisperx", TranscribeRequest(audio=path.as_uri()), Transcript),
        lambda: invoke("pyannote", DiarizeRequest(audio=path.as_uri()), Diarization),
    ]
    seconds = []
    with running_images(), ThreadPoolExecutor(2) as pool:
        for _ in range(3):
            started = time.perf_counter()
            list(pool.map(lambda call: call(), calls))
            seconds.append(time.perf_counter() - started)
    return seconds


def live_table() -> Iterator[str]:
    from pyannote.core import Annotation, Segment
    from pyannote.database.util import load_rttm
    from pyannote.metrics.diarization import DiarizationErrorRate

    from containers.pyannote.app import EMBEDDING, EMBEDDING_FILE, handler
    from containers.pyannote.online import OnlineDiarizer

    reference = load_rttm(sample_speech().with_suffix(".rttm"))["sample"]
    samples = load_audio(sample_speech().as_uri(), RATE)

    def row(label: str, turns: list[tuple[float, float, str]]) -> str:
        told = Annotation()
        for number, (start, end, speaker) in enumerate(turns):
            told[Segment(start, end), number] = speaker
        return f"| {label} | {DiarizationErrorRate()(reference, told):.3f} | {len(told.labels())} |"

    yield "The packaged call (two speakers), number of speakers found by itself. The settings of live"
    yield "listening were chosen on this call: its row is no proof for other recordings.\n"
    yield "| turns settled after | DER | speakers |"
    yield "|---|---:|---:|"
    files = [weights("pyannet-segmentation") / "pytorch_model.bin"]
    files.append(weights(EMBEDDING) / EMBEDDING_FILE)
    for latency in (0.5, 1, 2, 4):
        diarizer = OnlineDiarizer(*files, latency)
        closed = [turn for turn in (*diarizer.push(samples), *diarizer.finish()) if not turn.open]
        yield row(f"{latency:g} s", [(turn.start, turn.end, turn.speaker) for turn in closed])
    found = handler({"audio": sample_speech().as_uri()}, None)["result"]["turns"]
    yield row("the end (not live)", [(turn["start"], turn["end"], turn["speaker"]) for turn in found])


PARTS: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "wer": ("Words", wer_table),
    "starts": ("Words and chance", starts_table),
    "times": ("Word times", times_table),
    "nothing": ("Silence, noise and music", nothing_table),
    "switching": ("Languages", switching_table),
    "speed": ("Speed", speed_table),
    "long": ("Long media", long_table),
    "live": ("Speakers, live and at the end", live_table),
}

if real_data():  # recordings that a clone does not bring
    PARTS["real"] = ("Real speech", real_table)


def write_section(title: str, lines: list[str]) -> None:
    text = (
        REPORT.read_text(encoding="utf-8")
        if REPORT.exists()
        else "# Speech, measured by benchmarks/speech.py\n"
    )
    head, *sections = re.split(r"\n(?=## )", text.rstrip() + "\n")
    kept = [section for section in sections if not section.startswith(f"## {title}\n")]
    written = f"## {title}\n\n" + "\n".join(lines) + "\n"
    REPORT.write_text("\n".join([head, *kept, written]), encoding="utf-8")


def main() -> None:
    for part in sys.argv[1:] or PARTS:
        title, table = PARTS[part]
        lines = []
        for line in table():
            print(line, flush=True)
            lines.append(line)
        write_section(title, lines)


if __name__ == "__main__":
    main()
