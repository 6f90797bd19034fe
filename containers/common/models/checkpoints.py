"""Pickled checkpoints, opened as data: what is in one may name a few harmless types and nothing that runs.

torch's own unpickler does it (`weights_only`: https://pytorch.org/docs/stable/notes/serialization.html); what
publishers keep beside the weights is listed here by the name that it has in the file. Whoever opens a file by
`torch.load` does it here, and libraries that open theirs do it inside `only_weights`. Importing this module
is light, so that a file can be judged (pickles.py of the downloader) where there is no torch.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

# torch.load obeys it whatever its caller asks for (torch/serialization.py): pyannote.audio asks for all.
FORCED, FORBIDDEN = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"

_KINDS = ("Bool", "Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64", "Float16")
# Arrays and numbers of NumPy, as a trainer's state has them (PANNs: its sampler's). Before NumPy 2 its core
# was `numpy.core`; a file keeps the name of its time.
NUMPY = frozenset(
    {f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("_reconstruct", "scalar")}
    | {"numpy.ndarray", "numpy.dtype"}
    | {f"numpy.dtypes.{kind}DType" for kind in (*_KINDS, "Float32", "Float64")}
)
# What pyannote.audio keeps of a network: its task, and the settings that it was trained with (OmegaConf's).
PYANNOTE = frozenset(
    {
        "builtins.dict",
        "builtins.int",
        "builtins.list",
        "collections.defaultdict",
        "omegaconf.base.ContainerMetadata",
        "omegaconf.base.Metadata",
        "omegaconf.dictconfig.DictConfig",
        "omegaconf.listconfig.ListConfig",
        "omegaconf.nodes.AnyNode",
        "pyannote.audio.core.model.Introspection",
        "pyannote.audio.core.task.Problem",
        "pyannote.audio.core.task.Resolution",
        "pyannote.audio.core.task.Specifications",
        "torch.torch_version.TorchVersion",
        "typing.Any",
    }
)
_lock = threading.RLock()  # torch keeps one list of what is allowed for the whole process


def load_checkpoint(path: Path, allowed: frozenset[str] = frozenset()) -> Any:
    """What `torch.save` wrote, on the CPU; `allowed` names what it may hold beside tensors.

    Raises pickle.UnpicklingError when there is anything else in it: none of that has run.
    """
    import torch

    with only_weights(allowed):
        return torch.load(path, map_location="cpu", weights_only=True)


@contextmanager
def only_weights(allowed: frozenset[str] = frozenset()) -> Iterator[None]:
    """Inside, and from then on in this process, `torch.load` runs nothing of a file, whoever calls it.

    Inside alone, files may hold what `allowed` names.
    """
    import torch

    with _lock:
        os.environ.pop(FORBIDDEN, None)
        os.environ[FORCED] = "1"
        before = torch.serialization.get_safe_globals()
        torch.serialization.add_safe_globals([(_found(name), name) for name in sorted(allowed)])
        try:
            yield
        finally:
            torch.serialization.clear_safe_globals()
            torch.serialization.add_safe_globals(before)


def _found(name: str) -> Any:
    """The object of that name in the libraries that are installed now."""
    module, _, attribute = name.replace("numpy.core.", "numpy._core.").rpartition(".")
    return getattr(import_module(module), attribute)
