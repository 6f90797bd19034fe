"""What a checkpoint asks to be called when it is opened, read without opening it and without torch.

A file that asks for more than images allow (`common/models/checkpoints.py`) would not load there, so it does
not come into the store, where it would be preferred to a smaller model that works.
"""

import pickle
import pickletools
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from containers.common.models.checkpoints import NUMPY, PYANNOTE

LARGEST = 64 << 20  # bytes of the pickle itself; weights lie beside it
# What torch itself allows: `_get_allowed_globals` in torch/_weights_only_unpickler.py, dtypes and storages by
# their endings.
_TORCH = frozenset(
    {
        "_codecs.encode",
        "builtins.bytearray",
        "builtins.complex",
        "builtins.set",
        "collections.Counter",
        "collections.OrderedDict",
        "torch.Size",
        "torch.Tensor",
        "torch.device",
        "torch._tensor._rebuild_from_type_v2",
        "torch.nn.parameter.Parameter",
        "torch.serialization._get_layout",
    }
)
_DTYPES = ("float", "int", "uint", "bfloat", "complex", "bool", "half", "double", "long", "short", "qu", "qi")
# torch.load reads such a file's pickles one after another, then the weights (torch/serialization.py).
_LEGACY = 5
_PROTOCOLS = tuple(bytes([0x80, number]) for number in (2, 3, 4, 5))  # how a pickle begins


def refused_names(path: Path) -> list[str]:
    """Names in the file that no image lets a checkpoint hold; none for files that are no checkpoints."""
    try:
        found = {name for stream in _pickles(path) for name in _names(stream)}
    except (ValueError, EOFError, IndexError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        return [f"a pickle that cannot be read ({error})"]
    return sorted(name for name in found if not _is_allowed(name))


def _is_allowed(name: str) -> bool:
    if name in _TORCH or name in NUMPY or name in PYANNOTE:
        return True
    module, _, attribute = name.rpartition(".")
    if module == "torch._utils":
        return attribute.startswith("_rebuild_")
    if module in ("torch", "torch.storage", "torch.cuda"):
        return attribute.endswith(("Storage", "Tensor")) or attribute.startswith(_DTYPES)
    return False


def _pickles(path: Path) -> Iterator[IO[bytes]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.filename.endswith("data.pkl"):
                    continue
                if info.file_size > LARGEST:
                    raise ValueError(f"{info.file_size} bytes")
                with archive.open(info) as stream:
                    yield stream
        return
    with path.open("rb") as stream:
        if stream.read(2) not in _PROTOCOLS:
            return
        stream.seek(0)
        for number in range(_LEGACY):
            yield stream
            if number == 0 and not _is_legacy(path):
                return  # a plain pickle: nothing that torch.save wrote follows


def _is_legacy(path: Path) -> bool:
    """Whether it begins with the number that torch.save writes first (its MAGIC_NUMBER)."""
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2)
    with path.open("rb") as stream:
        return stream.read(len(magic)) == magic


def _names(stream: IO[bytes]) -> Iterator[str]:
    """Everything that the next pickle of the stream imports, or how it would import unseen."""
    for code, argument, _ in pickletools.genops(stream):
        if code.name == "GLOBAL":
            yield _as_python_3_names_it(*str(argument).split(" ", 1))
        elif code.name in ("STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4", "NEWOBJ_EX"):
            yield f"an import that weights never need ({code.name})"


def _as_python_3_names_it(module: str, name: str) -> str:
    """Files of protocol 2 name things as Python 2 did: `__builtin__.long`. All unpicklers translate it."""
    module, name = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
    return f"{module}.{name}"
