"""`python -m benchmarks.decode OTHER`: decoding of this tree and of another checkout, in turn, on one video.

Whole processes are measured, so that starting Python and loading libraries count on both sides; OTHER's
`decode_media` is looked for where this tree has it and where it was before. Prints the medians and the ratio,
pair by pair.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tasks.media.demo import build_demo_video

ROOT = Path(__file__).parents[1]
DECODE = """
import sys
from pathlib import Path
try:
    from tasks.media.decoding import decode_media
except ImportError:
    from tasks.media.decode import decode_media
decode_media(Path(sys.argv[1]), Path(sys.argv[2]), frame_rate=1)
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode", description=__doc__)
    parser.add_argument("other", type=Path, help="another checkout of this project")
    parser.add_argument("--media", type=Path, help="the sample video when left out")
    parser.add_argument("--runs", type=int, default=5, help="of each, after one that does not count")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        media = chosen.media or build_demo_video(Path(folder, "demo.mp4"))
        pairs = [
            [_seconds(tree, media.absolute(), Path(folder)) for tree in (ROOT, chosen.other)]
            for _ in range(chosen.runs + 1)
        ][1:]
    ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratio = statistics.median(one / other for one, other in pairs)
    print(f"{media.name}: this tree {ours:.2f} s, the other {theirs:.2f} s of CPU, ratio {ratio:.2f}")
    return 0


def _seconds(tree: Path, media: Path, folder: Path) -> float:
    """Processor time of one process that decodes."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, "-c", DECODE, str(media), str(Path(out, "decoded"))]
        process = subprocess.Popen(command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)})
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
