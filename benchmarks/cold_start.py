"""`python -m benchmarks.cold_start [IMAGE ...]`: how long and how much memory a first answer takes.

Each image starts as its Dockerfile says (entry point and handler, `AWS_LAMBDA_RUNTIME_API` at a Runtime API
of ours) with the packages of its slice of the lock and no others, and answers the same small request twice.
Then the library it stands for is imported as its README does, in the same environment. Writes the tables of
benchmarks/cold_start.md, when all images are measured; what stands before and after them stays.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.cold_requests import requests
from benchmarks.slices import make_python
from containers.common.image import CONTAINERS, IMAGES, Image, image
from deployments.local.environment import worker_environment
from deployments.local.runtime_api import Invocation, RuntimeApi
from deployments.local.worker import node

ROOT = CONTAINERS.parent
REPORT = Path(__file__).with_suffix(".md")
BEGIN, END = "<!-- measured -->", "<!-- end of measured -->"
# What a reader of each library's README imports first.
PLAIN_CODE = "{}; print(open('/proc/self/status').read())"
PLAIN_NODE = """
for (const name of ["tfjs-core", "tfjs-backend-wasm"]) require(`@tensorflow/${name}`);
require("@vladmandic/face-api/dist/face-api.node-wasm.js");
console.log(require("fs").readFileSync("/proc/self/status", "utf8"));
"""
PLAINLY = {
    "whisperx": "import whisperx, whisperx.asr",
    "pyannote": "from pyannote.audio import Pipeline",
    "faceapi": "require('@vladmandic/face-api')",
    "facenet": "from facenet_pytorch import MTCNN, InceptionResnetV1",
    "deepfilternet": "from df.enhance import enhance, init_df",
    "audioset": "import panns_inference",
    "faiss": "import faiss",
    "model_downloader": "from huggingface_hub import snapshot_download",
}
PLAIN_EXTRA = {"deepfilternet": "deepfilternet-torch"}


class Started(NamedTuple):
    """Seconds and bytes of one image's first two calls in a fresh process."""

    init: float
    load: float
    first: float
    second: float
    idle: int  # resident when it asks for work
    peak: int  # highest resident until the first answer
    native_init: set[str]
    native_call: set[str]

    @property
    def cold(self) -> float:
        return self.init + self.load


@contextmanager
def process_of(settings: Image, python: Path, scratch: Path) -> Iterator[tuple[subprocess.Popen, RuntimeApi]]:
    """The image's process, asking a Runtime API of its own for work; killed in the end."""
    api = RuntimeApi()
    environment = worker_environment(settings, api.address, ROOT, scratch)
    environment |= {"PYTHONPATH": str(ROOT), "MEDIAFLOW_IMAGE": settings.name}
    if settings.runtime == "node":
        command, folder = [node(), "entry.mjs", settings.handler], CONTAINERS / settings.name
    else:
        command, folder = [str(python), "-m", "containers.common.runtime.entry"], ROOT
    quiet: Any = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=environment, **quiet)
    try:
        yield process, api
    finally:
        process.kill()
        process.wait()
        api.close()


def start(settings: Image, python: Path, request: dict[str, Any], scratch: Path) -> Started:
    began = time.perf_counter()
    with process_of(settings, python, scratch) as (process, api):
        while not api.ready:
            if process.poll() is not None:
                raise RuntimeError(f"{settings.name} ended before it asked for work")
            time.sleep(0.002)
        init = time.perf_counter() - began
        idle, native_init = memory(process.pid, "VmRSS"), native(process.pid)
        first, answer = call(api, settings, request)
        peak, native_call = memory(process.pid, "VmHWM"), native(process.pid)
        second, _ = call(api, settings, request)
    return Started(
        init, answer["load_seconds"], first, second, idle, peak, native_init, native_call - native_init
    )


def call(api: RuntimeApi, settings: Image, request: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    api.inbox.put(Invocation("cold-start", "arn", json.dumps(request).encode(), settings.timeout_s))
    while (message := api.outbox.get(timeout=settings.timeout_s)).kind == "delivered":
        pass
    if message.kind != "response":
        raise RuntimeError(f"{settings.name} answers: {message.body.decode()}")
    return time.perf_counter() - began, json.loads(message.body)


def memory(pid: int | str, field: str) -> int:
    """Bytes. VmRSS: resident now; VmHWM: the highest so far."""
    return int(Path(f"/proc/{pid}/status").read_text().split(f"{field}:")[1].split()[0]) * 1024


def native(pid: int) -> set[str]:
    """Packages of which native code is mapped into a process."""
    found = set()
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        for folder in ("/site-packages/", "/node_modules/"):
            if folder in line and (".so" in line or line.endswith(".node")):
                found.add(line.rpartition(folder)[2].split("/")[0].partition(".")[0])
    return found


def import_plainly(name: str, folder: Path) -> tuple[float, int]:
    """(seconds from the start of the process, peak bytes)."""
    if name == "faceapi":
        command = [node(), "-e", PLAIN_NODE]
    else:
        python = make_python(PLAIN_EXTRA.get(name, image(name).extra), folder)
        command = [str(python), "-c", PLAIN_CODE.format(PLAINLY[name])]
    began = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=CONTAINERS / "faceapi",
        env={**os.environ, "HF_HUB_OFFLINE": "1", "PYANNOTE_METRICS_ENABLED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    return time.perf_counter() - began, int(done.stdout.split("VmHWM:")[1].split()[0]) * 1024


def measure(names: list[str]) -> Iterator[tuple[str, Started, tuple[float, int]]]:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        asked = requests(folder)
        for name in names:
            settings, python = image(name), Path(sys.executable)
            if settings.runtime == "python":
                python = make_python(settings.extra, folder / name)
            start(settings, python, asked[name], folder)  # so that every file has been read once
            started = start(settings, python, asked[name], folder)
            import_plainly(name, folder / "read once")
            shutil.rmtree(folder / "read once", ignore_errors=True)
            yield name, started, import_plainly(name, folder / f"{name} plainly")


def tables(names: list[str]) -> Iterator[str]:
    loads = [os.getloadavg()[0]]
    rows = []
    for row in measure(names):
        rows.append(row)
        loads.append(os.getloadavg()[0])
        print(*row, file=sys.stderr, flush=True)
    yield f"On {os.cpu_count()} cores. Load average {min(loads):.1f} to {max(loads):.1f}, our own 1 among it."
    yield ""
    yield "| image | init | load | cold start | first call | second | memory: init | first call |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|"
    for name, it, _ in rows:
        times = (it.init, it.load, it.cold, it.first, it.second)
        seconds = " | ".join(f"{one:.2f} s" for one in times)
        yield f"| {name} | {seconds} | {mib(it.idle)} | {mib(it.peak)} |"
    yield ""
    yield "| image | the library, imported plainly | takes | ratio | memory | ratio |"
    yield "|---|---|---:|---:|---:|---:|"
    for name, it, (seconds, peak) in rows:
        ratios = f"{seconds:.2f} s | {seconds / it.cold:.1f} | {mib(peak)} | {peak / it.peak:.1f}"
        yield f"| {name} | `{PLAINLY[name]}` | {ratios} |"
    yield ""
    yield "| image | native code after init | brought by the first call |"
    yield "|---|---|---|"
    for name, it, _ in rows:
        yield f"| {name} | {listed(it.native_init)} | {listed(it.native_call)} |"


def mib(size: int) -> str:
    return f"{size / 2**20:.0f} MiB"


def listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("images", nargs="*", metavar="IMAGE", help=f"of {', '.join(IMAGES)}; all")
    chosen: list[str] = parser.parse_args(arguments).images or list(IMAGES)
    text = "\n".join(tables(chosen))
    if chosen == list(IMAGES):
        before, _, rest = REPORT.read_text(encoding="utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        REPORT.write_text(f"{before}{BEGIN}\n{text}\n\n{END}{after}", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
