"""`make bench`: the main job on the demo video, by hand and by our flow, in one run.

By hand: `by_hand.py`, one library after the other, a fresh process each; warm, all in one process the second
time. Ours: `python -m flows.analyze` from nothing; warm, the second run of one process. Ratios are by hand
over ours: above 1, ours is faster or smaller. Writes benchmarks/main_job.md.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.by_hand import STEPS
from benchmarks.measure import Measured, measure
from tasks.asset.manifest import Manifest, StageEntry
from tasks.media.demo import build_demo_video

REPORT = Path(__file__).with_suffix(".md")
MODEL_STAGES = {"denoise", "transcribe", "diarize", "tag", "detect", "embed", "index"}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        video = build_demo_video(Path(folder) / "demo.mp4")
        by_hand = Path(folder) / "by_hand"
        by_hand.mkdir()
        steps = {step: _by_hand(step, video, by_hand) for step in STEPS}
        cold_hand = sum(step.seconds for step in steps.values())
        peak_hand = max(step.peak for step in steps.values())
        warm = _by_hand("warm", video, by_hand)
        command = [sys.executable, "-m", "flows.analyze", str(video), "--output", str(Path(folder) / "out")]
        ours = measure(command)
        manifest = Manifest.model_validate_json(
            next((Path(folder) / "out").glob("*/manifest.json")).read_bytes()
        )
        ours_warm = measure(
            [sys.executable, "-m", "benchmarks.warm_flow", str(video), str(Path(folder) / "warm")]
        )
        outside = ours.seconds - covered(manifest.stages)
    table = [
        ("cold wall time", cold_hand, ours.seconds, "s"),
        ("warm wall time", last_number(warm), last_number(ours_warm), "s"),
        ("cold peak memory", peak_hand / 2**20, ours.peak / 2**20, "MiB"),
        ("warm peak memory", warm.peak / 2**20, ours_warm.peak / 2**20, "MiB"),
    ]
    lines = [
        "# The main job on the demo video (30 s, 1280 x 720, two speakers, 3 to 5 faces)",
        "",
        f"`make bench` on {os.cpu_count()} cores, all rows from one run. "
        "Ratio: by hand over ours, above 1 is for us.",
        "",
        "| | by hand | ours | ratio |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {hand:.1f} {unit} | {ours_:.1f} {unit} | {hand / ours_:.2f} |"
            for name, hand, ours_, unit in table
        ),
        "",
        f"Of our cold time, {outside:.1f} s ({outside / ours.seconds:.0%}) passed with no model at work: "
        "starting Prefect's server, decoding, writing the folder.",
        "",
        "| by hand, cold | " + " | ".join(STEPS) + " |",
        "|---|" + "---:|" * len(STEPS),
        "| seconds | " + " | ".join(f"{steps[step].seconds:.1f}" for step in STEPS) + " |",
        "",
    ]
    REPORT.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def _by_hand(step: str, video: Path, folder: Path) -> Measured:
    return measure([sys.executable, "-m", "benchmarks.by_hand", step, str(video), str(folder)])


def last_number(measured: Measured) -> float:
    """The program's own last line: libraries print before it."""
    return json.loads(measured.printed.splitlines()[-1])


def covered(stages: list[StageEntry]) -> float:
    """Seconds during which at least one model stage ran."""
    spans = sorted(
        (stage.started, stage.started + stage.seconds) for stage in stages if stage.name in MODEL_STAGES
    )
    total, until = 0.0, 0.0
    for start, end in spans:
        total += max(0.0, end - max(start, until))
        until = max(until, end)
    return total


if __name__ == "__main__":
    main()
