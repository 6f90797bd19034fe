"""`python -m containers.deepfilternet.listen`: denoises a stream.

Raw mono float32 at 48 kHz on standard input; the same, without noise, on standard output, as many samples as
came in and aligned with them. Each 10 ms come out `native.LATENCY` after they went in.
"""

import sys
from typing import BinaryIO

import numpy as np

from containers.common.models.store import open_model
from containers.common.runtime.live import read_samples, run_live
from containers.deepfilternet.engine import MODELS
from containers.deepfilternet.native import DELAY, FRAME, MODEL_FILE, open_denoiser


def denoise_stream(source: BinaryIO, target: BinaryIO, limit_db: float | None = None) -> None:
    """Until `source` ends. Raises ModelMissing, ModelCorrupt."""
    folder, _ = open_model(MODELS["native"])
    with open_denoiser(folder / MODEL_FILE, limit_db) as denoiser:
        late, received, written = DELAY, 0, 0
        for block in read_samples(source, FRAME):
            received += len(block)
            cleaned, _ = denoiser.frames(np.pad(block, (0, FRAME - len(block))))
            written += _write(target, cleaned[late:])
            late = max(late - FRAME, 0)
        while written < received:
            cleaned, _ = denoiser.frames(np.zeros(FRAME, np.float32))
            written += _write(target, cleaned[late:][: received - written])
            late = max(late - FRAME, 0)


def _write(target: BinaryIO, samples: np.ndarray) -> int:
    target.write(samples.tobytes())
    target.flush()
    return len(samples)


if __name__ == "__main__":
    sys.exit(run_live(lambda: denoise_stream(sys.stdin.buffer, sys.stdout.buffer)))
