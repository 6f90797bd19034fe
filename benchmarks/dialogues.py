"""Who speaks when in recordings of real rooms with known turns, for benchmarks/speakers.md.

The recordings are those of a `dataset.toml`, as `flows.evaluate diarization --data` reads it, with `turns` in
RTTM.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from benchmarks.by_hand import _diarizer, weights
from containers.common.media.audio import load_audio
from containers.pyannote.app import EMBEDDING, EMBEDDING_FILE
from containers.pyannote.pipeline import Diarizer
from containers.pyannote.starter import load_starter
from tasks.media.demo import sample_speech

RATE = 16_000
LABELS = ("by hand", "before", "ours")
# What ran before settings were chosen on real rooms too: pyannote's own tenth as the smallest cluster.
BEFORE, TENTH = {"threshold": 0.55, "min_duration_off": 0.1}, 0.1
DRAWS = 2000


class Judged(NamedTuple):
    """Seconds of one recording; `speakers` is how many were heard."""

    missed: float
    false_alarm: float
    confused: float
    spoken: float
    speakers: int

    def shares(self) -> list[float]:
        """Of what is spoken: all errors, then each kind."""
        kinds = [part / self.spoken for part in self[:3]]
        return [sum(kinds), *kinds]


def dialogues_table(folder: Path) -> Iterator[str]:
    """A row a recording, then all of them together with 95 % of bootstrap draws of recordings."""
    items = tomllib.loads((folder / "dataset.toml").read_text(encoding="utf-8"))["item"]
    given = [(folder / item["media"], folder / item["turns"]) for item in items if item.get("turns")]
    if not given:
        raise SystemExit(f"{folder / 'dataset.toml'} names no recording with turns.")
    pipelines = _pipelines()
    yield (
        "| recording | s | speakers | "
        + " | ".join(f"{one}: DER | M + F + C | heard" for one in LABELS)
        + " |"
    )
    yield "|---|---:|---:|" + "---:|---|---:|" * len(LABELS)
    rows = []
    for media, turns in given:
        line, judged = _row(pipelines, media, turns)
        rows.append(judged)
        yield line
    both = np.array([[each[:4] for each in row] for row in rows])  # (recordings, diarizers, seconds)
    chosen = np.random.default_rng(0).integers(len(rows), size=(DRAWS, len(rows)))
    shown = []
    for place in range(len(LABELS)):
        total = both[:, place].sum(0)
        drawn = both[chosen, place].sum(1)
        low, high = np.percentile(drawn[:, :3].sum(1) / drawn[:, 3], [2.5, 97.5])
        parts = " + ".join(f"{part / total[3]:.3f}" for part in total[:3])
        shown.append(f"{total[:3].sum() / total[3]:.3f} ({low:.3f} to {high:.3f}) | {parts} | ")
    yield "| **all speech** | | | " + " | ".join(shown) + " |"
    means = [np.mean([row[place].shares()[0] for row in rows]) for place in range(len(LABELS))]
    yield "| **mean of recordings** | | | " + " | ".join(f"{mean:.3f} | | " for mean in means) + " |"
    yield _row(pipelines, sample_speech(), sample_speech().with_suffix(".rttm"))[0]
    sums = both[chosen][..., :3].sum((1, 3))
    low, high = np.percentile(1 - sums[:, 2] / sums[:, 1], [2.5, 97.5])
    wrong = both[..., :3].sum((0, 2))
    yield f"\nErrors of ours against before: {1 - wrong[2] / wrong[1]:.1%} fewer ({low:.1%} to {high:.1%})."


def _pipelines() -> list[Any]:
    files = weights("pyannet-segmentation") / "pytorch_model.bin", weights(EMBEDDING) / EMBEDDING_FILE
    before, ours = load_starter(*files), load_starter(*files)
    before.segmentation.threshold = BEFORE["threshold"]
    before.segmentation.min_duration_off = BEFORE["min_duration_off"]
    before.clustering.min_part = TENTH
    return [_diarizer(), before, ours]


def _row(pipelines: list[Any], media: Path, turns: Path) -> tuple[str, list[Judged]]:
    samples = load_audio(media.absolute().as_uri(), RATE)
    truth, seconds = read_rttm(turns), len(samples) / RATE
    judged = [_judge(_turns(one, samples), truth, seconds) for one in pipelines]
    shown = []
    for each in judged:
        error, *kinds = each.shares()
        shown.append(f"{error:.3f} | {' + '.join(f'{kind:.3f}' for kind in kinds)} | {each.speakers}")
    return f"| {media.stem} | {seconds:.0f} | {len(truth.labels())} | {' | '.join(shown)} |", judged


def _turns(pipeline: Any, samples: np.ndarray) -> Annotation:
    if isinstance(pipeline, Diarizer):
        return pipeline.diarize(samples)[0].speaker_diarization
    file = {"waveform": torch.from_numpy(samples)[None], "sample_rate": RATE, "uri": "media"}
    return pipeline(file).speaker_diarization


def _judge(turns: Annotation, truth: Annotation, seconds: float) -> Judged:
    found: Any = DiarizationErrorRate()(truth, turns, uem=Segment(0, seconds), detailed=True)
    parts = (found[part] for part in ("missed detection", "false alarm", "confusion", "total"))
    return Judged(*map(float, parts), len(turns.labels()))


def read_rttm(path: Path) -> Annotation:
    found = Annotation()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        if (fields := line.split()) and fields[0] == "SPEAKER":
            start, length = float(fields[3]), float(fields[4])
            found[Segment(start, start + length), number] = fields[7]
    return found
