"""How well the starter tagger finds speech and music where they are known to be."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from pyannote.core import Annotation, Segment, Timeline
from pyannote.database.util import load_rttm
from pyannote.metrics.detection import DetectionPrecisionRecallFMeasure

from benchmarks import noises, voices
from containers.audioset.app import handler
from tasks.evaluation.synthesis import music
from tasks.media.demo import demo_truth, sample_speech

RATE = noises.RATE
COLLAR = 1.0  # pyannote.metrics counts both sides together
GAP = 4  # seconds of near silence


def tagger_table() -> Iterator[str]:
    yield "| programme | label | precision | recall | F1 |"
    yield "|---|---|---|---|---|"
    for name, (samples, truth) in programmes().items():
        found = tag(samples)
        for label in ("Speech", "Music"):
            metric = DetectionPrecisionRecallFMeasure(collar=COLLAR)
            whole = Timeline([Segment(0, len(samples) / RATE)])
            metric(truth.subset([label]), found.subset([label]), uem=whole)
            precision, recall, f1 = metric.compute_metrics()
            yield f"| {name} | {label} | {precision:.2f} | {recall:.2f} | {f1:.2f} |"


def tag(samples: np.ndarray) -> Annotation:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "programme.wav")
        soundfile.write(path, samples, RATE)
        request = {"audio": path.as_uri(), "model": "firered-aed"}
        predictions = handler(request, None)["result"]["predictions"]
    found = Annotation()
    for number, event in enumerate(predictions):
        found[Segment(event["start_time"], event["end_time"]), number] = event["label"]
    return found


def programmes() -> dict[str, tuple[np.ndarray, Annotation]]:
    """Samples at 48 kHz and where speech and music are in them."""
    call = voices.load(sample_speech())
    turns = next(iter(load_rttm(demo_truth().rttm).values())).get_timeline().support(collar=0.3)
    made: dict[str, tuple[np.ndarray, Annotation]] = {}
    for tempo in (120, 80, 160):
        random = np.random.default_rng(tempo)
        samples, truth = [silence(GAP, random)], Annotation()
        for part in ("Speech", "Music", "Music", "Speech"):
            start = sum(map(len, samples)) / RATE
            if part == "Speech":
                samples.append(call[6 * RATE :])
                for turn in turns.crop(Segment(6, 30)):
                    truth[Segment(turn.start - 6 + start, turn.end - 6 + start), "s"] = part
            else:
                samples.append(music(12, tempo) * 0.4)
                truth[Segment(start, start + 12), "m"] = part
            samples.append(silence(GAP, random))
        made[f"call and music at {tempo} beats a minute"] = (np.concatenate(samples), truth)
    return made


def silence(seconds: float, random: np.random.Generator) -> np.ndarray:
    return random.standard_normal(int(seconds * RATE)) * 1e-4
