"""DeepFilterNet3 as its authors' torch package runs it, for the checkpoint they publish.

The network takes a recording at once; here it takes pieces that overlap, so that memory stays flat.
"""

import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from containers.common.errors import UserError
from containers.common.media.audio import windows
from containers.common.models.checkpoints import only_weights
from containers.deepfilternet.noise import NoiseMeter
from containers.deepfilternet.sound import Block, frame_powers

SAMPLE_RATE = 48_000
FRAME = 480
PIECE = 30 * SAMPLE_RATE
# Its recurrent layers and running means forget the past within seconds; it looks 2 frames ahead.
BEFORE = 5 * SAMPLE_RATE
AFTER = 4_800


def check_installed() -> None:
    """Raises UserError: the image is built without torch unless that is asked for."""
    if not find_spec("df"):
        raise UserError(
            "This image has no engine torch: build it with --extra deepfilternet-torch, or use native."
        )


@cache
def load(folder: Path) -> tuple[Any, Any]:
    """(network, STFT state) from a folder with `config.ini` and `checkpoints/`."""
    check_installed()
    init_df = import_df()
    with only_weights():
        network, state, _ = init_df(str(folder), log_level="none", log_file=None)
    return network, state


def import_df() -> Any:
    """The package's `init_df`. It imports a class that only its own way of reading files uses, from where
    torchaudio kept it before 2.9: there stands another in for it."""
    if "torchaudio.backend" not in sys.modules:
        common = ModuleType("torchaudio.backend.common")
        common.AudioMetaData = type("AudioMetaData", (), {})  # pyright: ignore[reportAttributeAccessIssue]
        sys.modules["torchaudio.backend"] = ModuleType("torchaudio.backend")
        sys.modules[common.__name__] = common
    from df import init_df

    return init_df


def denoise(
    folder: Path,
    blocks: Iterable[Block],
    channels: int,
    meter: NoiseMeter,
    post_filter: bool = False,
) -> Iterator[Block]:
    """48 kHz blocks (n, channels) of any size in; the same number of samples out, aligned to the input."""
    network, state = load(folder)
    import torch
    from df import enhance

    network.post_filter = post_filter  # read at every call
    estimates: list[Any] = []
    # enhance() drops the local SNR that the network estimates for every frame.
    hook = network.register_forward_hook(lambda module, given, returned: estimates.append(returned[2]))
    try:
        done = 0
        ahead: Block = np.zeros((0, channels), np.float32)
        measured = 0
        for start, piece in windows(blocks, BEFORE + PIECE + AFTER, PIECE):
            audio = torch.from_numpy(np.ascontiguousarray(piece.T))
            cleaned = enhance(network, state, audio).numpy().T
            measured = _measure(meter, measured, start, piece, estimates.pop())
            ahead = cleaned[done - start :]
            yield ahead[:-AFTER]
            done += max(0, len(ahead) - AFTER)
            ahead = ahead[-AFTER:]
        yield ahead
    finally:
        hook.remove()


def _measure(meter: NoiseMeter, measured: int, start: int, piece: Block, snr_db: Any) -> int:
    """Gives `meter` the piece's frames beyond the first `measured`; returns how many it has now."""
    frames = -(-len(piece) // FRAME)
    power = frame_powers(np.pad(piece, ((0, frames * FRAME - len(piece)), (0, 0))), FRAME)
    fresh = slice(measured - start // FRAME, frames)
    meter.add(power[fresh], snr_db.reshape(power.shape[1], -1).cpu().numpy().T[:frames][fresh])
    return start // FRAME + frames
