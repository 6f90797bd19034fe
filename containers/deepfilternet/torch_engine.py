"""DeepFilterNet3 as its authors' torch package runs it, for the checkpoint they publish.

The network takes a recording at once; here it takes pieces that overlap, so that memory stays flat.
"""

import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from containers.common.audio import Waveform, windows

SAMPLE_RATE = 48_000
PIECE = 30 * SAMPLE_RATE
# Its recurrent layers and running means forget the past within seconds; it looks 2 frames ahead.
BEFORE = 5 * SAMPLE_RATE
AFTER = 4_800


@cache
def load(folder: Path) -> tuple[Any, Any]:
    """(network, STFT state) from a folder with `config.ini` and `checkpoints/`."""
    with warnings.catch_warnings():
        # deepfilternet imports a class from where torchaudio used to keep it.
        warnings.filterwarnings("ignore", message=r"`torchaudio\.backend", category=UserWarning)
        from df import init_df
    network, state, _ = init_df(str(folder), log_level="none", log_file=None)
    return network, state


def denoise(
    folder: Path,
    blocks: Iterable[Waveform],
    attenuation_limit_db: float | None = None,
    post_filter: bool = False,
) -> Iterator[Waveform]:
    """48 kHz mono blocks of any size in; the same number of samples out, aligned to the input."""
    network, state = load(folder)
    import torch
    from df import enhance

    network.post_filter = post_filter  # read at every call
    done = 0
    ahead: Waveform = np.zeros(0, np.float32)
    for start, piece in windows(blocks, BEFORE + PIECE + AFTER, PIECE):
        audio = torch.from_numpy(np.ascontiguousarray(piece))[None]
        cleaned = enhance(network, state, audio, atten_lim_db=attenuation_limit_db)[0].numpy()
        ahead = cleaned[done - start :]
        yield ahead[:-AFTER]
        done += max(0, len(ahead) - AFTER)
        ahead = ahead[-AFTER:]
    yield ahead
