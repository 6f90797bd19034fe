"""The weights of a checkpoint without torch: two seconds and half a gigabyte that reading can do without.

`torch.save` writes a zip archive: a pickle that says which tensors there are, and beside it each one's
numbers as they lie in memory ("Serialized file format for torch.save",
https://pytorch.org/docs/stable/notes/serialization.html).
"""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_KINDS = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
}
_BUILTINS = {"dict": dict, "list": list, "long": int, "int": int}


class _Kind(NamedTuple):
    """A storage's kind of number."""

    dtype: str


class Other:
    """Stands for whatever else the file holds: it keeps nothing and does nothing."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> "Other":
        return self

    def __setstate__(self, _: Any) -> None:
        pass

    def __setitem__(self, _: Any, __: Any) -> None:
        pass

    def append(self, _: Any) -> None:
        pass


def read_tensors(path: Path) -> dict[str, NDArray]:
    """The tensors of the file's `state_dict`, by name.

    Nothing that the file names is imported or called. Raises pickle.UnpicklingError when it is no such file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (listed,) = (name for name in archive.namelist() if name.endswith("data.pkl"))
            with archive.open(listed) as stream:
                found = _Reader(stream, archive, listed.removesuffix("data.pkl")).load()
            held = found["state_dict"].items()
            return {name: value for name, value in held if isinstance(value, np.ndarray)}
    except (zipfile.BadZipFile, ValueError, LookupError, TypeError, AttributeError, EOFError) as error:
        raise pickle.UnpicklingError(
            f"{path.name} holds no weights as torch saves them ({error})."
        ) from error


class _Reader(pickle.Unpickler):
    def __init__(self, stream: IO[bytes], archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(stream)
        self._archive, self._folder = archive, folder

    def find_class(self, module: str, name: str) -> Any:
        if module in ("builtins", "__builtin__") and name in _BUILTINS:
            return _BUILTINS[name]
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if module == "torch" and name in _KINDS:
            return _Kind(_KINDS[name])
        return Other

    def persistent_load(self, pid: Any) -> NDArray:
        _, kind, key, _, count = pid
        values = np.frombuffer(self._archive.read(f"{self._folder}data/{key}"), kind.dtype)
        if len(values) != count:
            raise ValueError(f"{len(values)} numbers of {count}")
        return values


def _rebuild(
    storage: NDArray, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> NDArray:
    """A view of the storage. `as_strided` trusts its arguments, so they are looked at first."""
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if min([offset, *stride, *size], default=0) < 0 or (0 not in size and last >= len(storage)):
        raise ValueError("a tensor outside its numbers")
    steps = [step * storage.itemsize for step in stride]
    return np.array(np.lib.stride_tricks.as_strided(storage[offset:], size, steps))
