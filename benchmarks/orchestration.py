"""What Prefect costs: `python -m benchmarks.orchestration [MEDIA]` against a `make serve` of its own.

Per task: a hundred tasks that do nothing, one after another and eight at once as an analysis submits them, by
the wall and by the processor time of flow and server. Per run: the same analysis again with its results kept
but the asset folder gone, so that what is left is orchestration, checks and writing.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import psutil

TASKS = 100


class Cost(NamedTuple):
    """Seconds by the wall, by this process's processor time and by the server's."""

    wall: float
    here: float
    there: float

    @classmethod
    def now(cls, server: psutil.Process) -> "Cost":
        times = server.cpu_times()
        return cls(time.perf_counter(), time.process_time(), times.user + times.system)

    def since(self, before: "Cost") -> "Cost":
        return Cost(*(now - then for now, then in zip(self, before, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orchestration")
    parser.add_argument(
        "media", type=Path, nargs="?", help="also a run on this file, and its kept repetition"
    )
    media = parser.parse_args().media
    from tests.flows.serving import serving

    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, "prefect")
        home.mkdir()
        with serving(home) as (server, process):
            os.environ |= {**server.variables, "PREFECT_HOME": str(home)}
            per_task(psutil.Process(process.pid).children()[0])
            if media:
                per_run(media.absolute(), Path(folder, "out"))
    print(f"load before {load:.1f}, after {os.getloadavg()[0]:.1f}")


def per_task(server: psutil.Process) -> None:
    """Prints milliseconds a task."""
    from prefect import flow, task
    from prefect.task_runners import ThreadPoolTaskRunner

    @task(persist_result=False)
    def nothing() -> None:
        pass

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=8))
    def one_after_another(count: int) -> Cost:
        before = Cost.now(server)
        for _ in range(count):
            nothing.submit().result()
        return Cost.now(server).since(before)

    @flow(task_runner=ThreadPoolTaskRunner(max_workers=8))
    def eight_at_once(count: int) -> Cost:
        before = Cost.now(server)
        for future in [nothing.submit() for _ in range(count)]:
            future.result()
        return Cost.now(server).since(before)

    for run in (one_after_another, eight_at_once):
        run(1)  # warm
        cost = run(TASKS)
        wall, here, there = (seconds / TASKS * 1000 for seconds in cost)
        print(
            f"{run.name}: {wall:.1f} ms a task; processor time {here:.1f} ms in the flow, {there:.1f} ms in "
            "the server"
        )


def per_run(media: Path, output: Path) -> None:
    """Prints a warm run's seconds, and those of its repetition with every stage kept."""
    from flows.analyze.flow import analyze
    from flows.runs.images import running_images
    from tasks.media.demo import build_demo_video
    from tasks.stages.options import AnalyzeOptions

    with running_images():
        short = build_demo_video(output.with_name("short.mp4"))
        analyze(short, output.with_name("short"), AnalyzeOptions(), False)  # loads the models
        seconds = {}
        for kept, again in (("anew", True), ("kept", False)):
            for folder in output.glob("[0-9a-f]*"):
                shutil.rmtree(folder)
            started = time.perf_counter()
            manifest = analyze(media, output, AnalyzeOptions(), again)
            seconds[kept] = time.perf_counter() - started
    work = sum(s.seconds for s in manifest.stages if not s.kept)
    share = 100 * (seconds["kept"] - work) / seconds["anew"]
    print(f"{manifest.duration:.0f} s of media: {seconds['anew']:.1f} s warm")
    print(f"every stage kept: {seconds['kept']:.1f} s, of which {work:.1f} s are checks and writing")
    print(f"orchestration: at most {share:.1f} %")


if __name__ == "__main__":
    main()
