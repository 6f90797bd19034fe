"""`python -m benchmarks.threads`: what images gain from threads, and runs on more cores by simulation.

Half a minute of sound or the sample pictures through one image at a time, models loaded, best of three calls,
on 1, 2, 4 ... threads as far as there are cores. From these and the stages of the last `make bench` a run of
real length is simulated: stages share the cores evenly, each has as many threads as the plan gives it. Writes
benchmarks/threads.md.
"""

import contextlib
import importlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT
from containers.common.image import Image, image
from containers.common.machine import cores
from deployments.local.environment import shared_cores
from tasks.media.demo import PICTURES, sample_speech
from tasks.stages.registry import STAGES

REPORT = Path(__file__).with_suffix(".md")
JOB = Path(__file__).with_name("main_job.md")
MEASURED = ("whisperx", "pyannote", "deepfilternet", "audioset", "facenet")
SIMULATED = (2, 8, 32)
CALLS = 3
SIMULATION = """SIMULATED from the stages of the last `make bench` (real length, cold; there they shared the
cores, so that their work is rather too large) and what two threads gain, by Amdahl's law beyond. Decoding has
one core everywhere, faceapi a thread a core, four at most.
"""
OWN_THREADS = {"faceapi": 4}  # measured in faces.md: pictures side by side gain in full
Speedup = dict[int, float]


def request(name: str, folder: str) -> dict[str, Any]:
    speech = {"audio": sample_speech().as_uri()}
    if name == "deepfilternet":
        return {**speech, "audio_uri": Path(folder, "cleaned.wav").as_uri(), "mode": "on"}
    if name == "facenet":
        return {"images": [{"image": (PICTURES / f"sample{number}.jpg").as_uri()} for number in range(1, 4)]}
    return speech


def serve(name: str) -> None:
    """In a process of its own: seconds and seconds of processors of the best of some calls."""
    handler = importlib.import_module(f"containers.{name}.app").handler
    with tempfile.TemporaryDirectory() as folder:
        event, found = request(name, folder), []
        for _ in range(CALLS + 1):
            wall, cpu = time.perf_counter(), time.process_time()
            with contextlib.redirect_stdout(io.StringIO()):
                handler(event, None)
            found.append((time.perf_counter() - wall, time.process_time() - cpu))
    print(json.dumps(min(found[1:])))


def measured(name: str, threads: int) -> tuple[float, float]:
    own = {**image(name).environment, **shared_cores(image(name)), "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.threads", name],
        cwd=ROOT,
        env=os.environ | own,
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, cpu = json.loads(done.stdout.splitlines()[-1])
    return seconds, cpu


def simulate(
    work: dict[str, float], count: int, threads: Callable[[str], int], gain: Callable[[str, int], float]
) -> float:
    """Seconds until all stages have ended; `work`: seconds of each on one thread.

    Cores are shared evenly by the threads that want them. A stage starts when those it builds on have ended.
    """
    left, ended, now = dict(work), {"decode"} - work.keys(), 0.0
    while left:
        ready = [name for name in left if all(other in ended or other not in work for other in before(name))]
        wanted = sum(threads(name) for name in ready)
        share = min(1.0, count / wanted)
        speed = {name: gain(name, threads(name)) * share for name in ready}
        step = min(left[name] / speed[name] for name in ready)
        now += step
        for name in ready:
            left[name] -= speed[name] * step
            if left[name] < 1e-6:
                del left[name]
                ended.add(name)
    return now


def before(name: str) -> tuple[str, ...]:
    return ("decode", *STAGES[name].before) if name in STAGES else ()


def stages_of_last_job() -> dict[str, float]:
    """Seconds of each stage of the cold run of real length, as main_job.md states them."""
    text = JOB.read_text(encoding="utf-8").partition("## Real length")[2]
    names, seconds = (
        re.search(rf"^\| {row} \| ({first}.*) \|$", text, re.MULTILINE)
        for row, first in (("ours, cold", "decode"), ("lasts, s", r"\d"))
    )
    if not names or not seconds:
        raise SystemExit("benchmarks/main_job.md has no run of real length: `make bench` measures one.")
    lasts = dict(zip(names[1].split(" | "), seconds[1].split(" | "), strict=True))
    return {name: float(value) for name, value in lasts.items() if name == "decode" or name in STAGES}


def gains(speedups: dict[str, Speedup], name: str, threads: int) -> float:
    """Amdahl's law through what two threads gain: measured on two cores, an assumption beyond."""
    own = "decode" if name == "decode" else STAGES[name].image
    if own in OWN_THREADS:
        return float(min(threads, OWN_THREADS[own]))
    twice = min(max(speedups.get(str(own), {}).get(2, 1.0), 1.0), 2.0)
    serial = 2 / twice - 1
    return 1 / (serial + (1 - serial) / threads)


def page() -> Iterator[str]:
    counts = [1 << power for power in range(6) if 1 << power <= cores()]
    yield "# Threads"
    yield ""
    yield "`python -m benchmarks.threads`: one image at a time, half a minute of sound or three pictures,"
    load = os.getloadavg()[0]
    yield f"models loaded, the best of {CALLS} calls, on {cores()} cores; load average {load:.1f}."
    yield ""
    yield "| image | " + " | ".join(f"{count} threads: wall | processors" for count in counts) + " | plan |"
    yield "|---|" + "---:|---:|" * len(counts) + "---:|"
    speedups: dict[str, Speedup] = {}
    for name in MEASURED:
        found = {count: measured(name, count) for count in counts}
        speedups[name] = {count: found[1][0] / found[count][0] for count in counts}
        times = " | ".join(f"{found[count][0]:.2f} s | {found[count][1]:.2f} s" for count in counts)
        yield f"| {name} | {times} | {image(name).threads} |"
    yield ""
    yield from simulated(speedups)


def simulated(speedups: dict[str, Speedup]) -> Iterator[str]:
    work = stages_of_last_job()

    def image_of(name: str) -> Image | None:
        return image(STAGES[name].image or "faiss") if name in STAGES else None

    def plan(given: Callable[[Image], int], count: int) -> Callable[[str], int]:
        """Threads of a stage: faceapi's are its own, decoding has one."""

        def threads(name: str) -> int:
            own = image_of(name)
            if own is None:
                return 1
            return min(own.threads, count) if own.name in OWN_THREADS else given(own)

        return threads

    yield SIMULATION
    yield "| cores | one thread each | half the cores each, as before | the plan |"
    yield "|---:|---:|---:|---:|"
    for count in SIMULATED:
        half = max(1, count // 2)
        chosen = (partial(_fixed, 1), partial(_fixed, half), partial(_planned, count))
        times = [simulate(work, count, plan(given, count), partial(gains, speedups)) for given in chosen]
        yield f"| {count} | " + " | ".join(f"{seconds:.0f} s" for seconds in times) + " |"


def _fixed(threads: int, own: Image) -> int:
    return threads


def _planned(count: int, own: Image) -> int:
    return int(shared_cores(own, count)["OMP_NUM_THREADS"])


def main() -> None:
    if sys.argv[1:]:
        serve(sys.argv[1])
        return
    text = "\n".join(page()) + "\n"
    REPORT.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
