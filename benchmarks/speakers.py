"""`python -m benchmarks.speakers`: who speaks when, and how many they are, in talks of natural voices.

With `--data FOLDER`, which holds a `dataset.toml` with turns, in real recordings instead. Writes its part of
benchmarks/speakers.md. All with the starter models and no number of speakers given.
"""

import argparse
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pyannote.audio.pipelines.clustering import AgglomerativeClustering
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from benchmarks.by_hand import _diarizer, weights
from benchmarks.conversations import KINDS, RATE, Kind, conversation
from benchmarks.dialogues import dialogues_table
from containers.pyannote.app import EMBEDDING, EMBEDDING_FILE
from containers.pyannote.starter import load_starter

REPORT = Path(__file__).with_suffix(".md")
MARKS = ("<!-- measured -->", "<!-- end of measured -->")
REAL_MARKS = ("<!-- real rooms -->", "<!-- end of real rooms -->")
BEST_SINGLE = 0.26  # of all thresholds, on the recordings that ours was chosen on
FIXED = {"method": "average", "threshold": BEST_SINGLE, "min_cluster_size": 12}
TALKS = list(enumerate([*KINDS, *KINDS], start=48))  # two of each kind; the number is a talk's seed
MEANS = (
    ("mean DER", "error"),
    ("of it missed", "missed"),
    ("of it false alarm", "false_alarm"),
    ("of it confusion", "confusion"),
    ("mean DER, collar 0.25 s", "forgiving"),
)
LABELS = ("by hand", "one threshold", "ours")
COLLAR = 0.25  # seconds on both sides of every edge that NIST's evaluations forgive


class Heard(NamedTuple):
    """What one diarizer made of one talk; the parts add up to its DER."""

    missed: float
    false_alarm: float
    confusion: float
    forgiving: float
    speakers: int

    @property
    def error(self) -> float:
        return self.missed + self.false_alarm + self.confusion


class Diarizers:
    """The three of the table, on the same two networks; the last two hear the same windows."""

    def __init__(self) -> None:
        folder = weights("pyannet-segmentation")
        self._by_hand: Any = _diarizer()
        self._ours = load_starter(folder / "pytorch_model.bin", weights(EMBEDDING) / EMBEDDING_FILE)
        fixed = AgglomerativeClustering(metric="cosine").instantiate(FIXED)
        self._clusterings = [fixed, self._ours.clustering]

    def hear(self, samples: np.ndarray, truth: Annotation) -> list[Heard]:
        waveform = torch.from_numpy(samples)[None]
        outputs = [self._by_hand({"waveform": waveform, "sample_rate": RATE, "uri": "media"})]
        windows = self._ours.hear(samples)
        for clustering in self._clusterings:
            self._ours.clustering = clustering
            outputs.append(self._ours.group(windows)[0])
        return [judge(output.speaker_diarization, truth, len(samples) / RATE) for output in outputs]


def judge(turns: Annotation, truth: Annotation, seconds: float) -> Heard:
    all_of_it = Segment(0, seconds)
    found: Any = DiarizationErrorRate()(truth, turns, uem=all_of_it, detailed=True)
    parts = (found[part] / found["total"] for part in ("missed detection", "false alarm", "confusion"))
    forgiving: Any = DiarizationErrorRate(collar=2 * COLLAR)(truth, turns, uem=all_of_it)
    return Heard(*map(float, parts), float(forgiving), len(turns.labels()))


def described(kind: Kind) -> str:
    return ", ".join([*["overlaps"] * kind.overlaps, *([kind.noise] if kind.noise else [])]) or "none"


def table() -> list[str]:
    diarizers = Diarizers()
    lines = [
        "| speakers | overlaps, noise | s | "
        + " | ".join(f"{label}: DER | heard" for label in LABELS)
        + " |",
        "|---:|---|---:|" + "---:|" * 6,
    ]
    results: list[list[Heard]] = []
    for seed, kind in TALKS:
        samples, truth = conversation(kind, seed)
        results.append(diarizers.hear(samples, truth))
        shown = " | ".join(f"{heard.error:.3f} | {heard.speakers}" for heard in results[-1])
        lines.append(f"| {kind.speakers} | {described(kind)} | {len(samples) / RATE:.0f} | {shown} |")
        print(lines[-1], flush=True)
    for label, part in MEANS:
        means = np.array([[getattr(heard, part) for heard in row] for row in results]).mean(axis=0)
        lines.append(f"| **{label}** | | | " + " | ".join(f"{mean:.3f} | " for mean in means) + " |")
    counts = np.array([[heard.speakers for heard in row] for row in results])
    off = np.abs(counts - np.array([[kind.speakers] for _, kind in TALKS]))
    for label, most in (("right", 0), ("right or one off", 1)):
        parts = (off <= most).mean(axis=0)
        lines.append(f"| **{label}** | | | " + " | ".join(f" | {part:.0%}" for part in parts) + " |")
    return lines


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speakers")
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="real recordings: their dataset.toml")
    chosen = parser.parse_args(arguments)
    if chosen.data:
        marks, lines = REAL_MARKS, []
        for line in dialogues_table(chosen.data):
            print(line, flush=True)
            lines.append(line)
    else:
        marks, lines = MARKS, [f"On {os.cpu_count()} cores.", "", *table()]
        print("\n".join(lines))
    text = REPORT.read_text(encoding="utf-8")
    before, after = text.split(marks[0])[0], text.split(marks[1])[1]
    REPORT.write_text("\n".join([before + marks[0], *lines, marks[1] + after]), encoding="utf-8")


if __name__ == "__main__":
    main()
