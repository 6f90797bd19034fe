"""`python -m benchmarks.speakers`: who speaks when, and how many they are, in talks of natural voices.

Writes benchmarks/speakers.md. All with the starter models and no number of speakers given.
"""

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
from containers.pyannote.app import EMBEDDING, EMBEDDING_FILE
from containers.pyannote.starter import load_starter

REPORT = Path(__file__).with_suffix(".md")
MARKS = ("<!-- measured -->", "<!-- end of measured -->")
BEST_SINGLE = 0.26  # of all thresholds, on the recordings that ours was chosen on
FIXED = {"method": "average", "threshold": BEST_SINGLE, "min_cluster_size": 12}
TALKS = list(enumerate(KINDS))  # each kind's seed is its place
LABELS = ("by hand", "one threshold", "ours")


class Heard(NamedTuple):
    """What one diarizer made of one talk; the parts add up to its DER."""

    missed: float
    false_alarm: float
    confusion: float
    speakers: int

    @property
    def error(self) -> float:
        return self.missed + self.false_alarm + self.confusion


def ours() -> Any:
    folder = weights("pyannet-segmentation")
    return load_starter(folder / "pytorch_model.bin", weights(EMBEDDING) / EMBEDDING_FILE)


def fixed() -> Any:
    """Ours, but with pyannote's own clustering at one threshold."""
    made = ours()
    made.clustering = AgglomerativeClustering(metric="cosine").instantiate(FIXED)
    return made


def hear(diarizer: Any, samples: np.ndarray, truth: Annotation) -> Heard:
    if hasattr(diarizer, "diarize"):
        output = diarizer.diarize(samples)[0]
    else:
        waveform = torch.from_numpy(samples)[None]
        output = diarizer({"waveform": waveform, "sample_rate": RATE, "uri": "media"})
    turns: Annotation = output.speaker_diarization
    all_of_it = Segment(0, len(samples) / RATE)
    found: Any = DiarizationErrorRate()(truth, turns, uem=all_of_it, detailed=True)
    parts = (found[part] / found["total"] for part in ("missed detection", "false alarm", "confusion"))
    return Heard(*map(float, parts), len(turns.labels()))


def described(kind: Kind) -> str:
    return ", ".join([*["overlaps"] * kind.overlaps, *([kind.noise] if kind.noise else [])]) or "none"


def table() -> list[str]:
    diarizers = [_diarizer(), fixed(), ours()]
    lines = [
        "| speakers | overlaps, noise | s | "
        + " | ".join(f"{label}: DER | heard" for label in LABELS)
        + " |",
        "|---:|---|---:|" + "---:|" * 6,
    ]
    results: list[list[Heard]] = []
    for seed, kind in TALKS:
        samples, truth = conversation(kind, seed)
        results.append([hear(diarizer, samples, truth) for diarizer in diarizers])
        shown = " | ".join(f"{heard.error:.3f} | {heard.speakers}" for heard in results[-1])
        lines.append(f"| {kind.speakers} | {described(kind)} | {len(samples) / RATE:.0f} | {shown} |")
        print(lines[-1], flush=True)
    for label, part in (("mean DER", "error"), ("of it confusion", "confusion")):
        means = np.array([[getattr(heard, part) for heard in row] for row in results]).mean(axis=0)
        lines.append(f"| **{label}** | | | " + " | ".join(f"{mean:.3f} | " for mean in means) + " |")
    counts = np.array([[heard.speakers for heard in row] for row in results])
    off = np.abs(counts - np.array([[kind.speakers] for kind in KINDS]))
    for label, most in (("right", 0), ("right or one off", 1)):
        parts = (off <= most).mean(axis=0)
        lines.append(f"| **{label}** | | | " + " | ".join(f" | {part:.0%}" for part in parts) + " |")
    return lines


def main() -> None:
    lines = [f"On {os.cpu_count()} cores.", "", *table()]
    print("\n".join(lines))
    text = REPORT.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    REPORT.write_text("\n".join([before + MARKS[0], *lines, MARKS[1] + after]), encoding="utf-8")


if __name__ == "__main__":
    main()
