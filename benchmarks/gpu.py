"""`python -m benchmarks.gpu`: the images that run on torch, on a CUDA device and on this machine's cores.

Each is called twice in a process of its own, the second call counts; both must find the same: the packaged
call of two speakers, and face-api's sample pictures.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "containers/faceapi/node_modules/@vladmandic/face-api/demo"
CALLS = {"pyannote": "turns", "facenet": "images"}


def requests() -> dict[str, dict[str, Any]]:
    package = importlib.util.find_spec("pyannote.audio")
    assert package and package.origin
    pictures = [{"image": path.as_uri()} for path in sorted(PICTURES.glob("sample?.jpg"))]
    return {
        "pyannote": {"audio": (Path(package.origin).parent / "sample" / "sample.wav").as_uri()},
        "facenet": {"images": pictures},
    }


def call_all() -> dict[str, Any]:
    """Each image's answer and the seconds of its second call, and the device's name."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} cores"
    answers = {}
    for image, request in requests().items():
        handler: Callable[[Any, None], Any] = importlib.import_module(f"containers.{image}.app").handler
        handler(request, None)
        started = time.perf_counter()
        found = handler(request, None)["result"][CALLS[image]]
        answers[image] = {"found": found, "seconds": time.perf_counter() - started}
    return {"device": device, "torch": torch.__version__, **answers}


def measure(hidden: bool) -> dict[str, Any]:
    """In a process of its own; `hidden`: without its CUDA devices. Raises CalledProcessError."""
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": ""} if hidden else {})
    command = [sys.executable, "-m", "benchmarks.gpu", "child"]
    ran = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ran.stdout.splitlines()[-1])


def main() -> int:
    if sys.argv[1:] == ["child"]:
        print(json.dumps(call_all()))
        return 0
    gpu, cpu = measure(hidden=False), measure(hidden=True)
    if gpu["device"] == cpu["device"]:
        print("There is no CUDA device here.")
        return 1
    print(f"{gpu['device']} and {cpu['device']}, torch {gpu['torch']}")
    for image in CALLS:
        one, other = gpu[image], cpu[image]
        same = "the same" if one["found"] == other["found"] else "DIFFERENT"
        print(f"{image}: {one['seconds']:.2f} s and {other['seconds']:.2f} s, {same} results")
    return 0


if __name__ == "__main__":
    sys.exit(main())
