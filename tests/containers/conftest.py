"""A model store made of files at hand, with a catalogue that vouches for them."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from containers.common.models import store as models


@pytest.fixture(scope="module")
def make_store(tmp_path_factory) -> Iterator[Callable[[dict[str, dict[str, Path]]], Path]]:
    """`make_store({model id: {name: file}})` is the store that the rest of the module's tests use.

    A model without files is in the catalogue and not in the store.
    """
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:

        def make(contents: dict[str, dict[str, Path]]) -> Path:
            entries = []
            for model, files in contents.items():
                entries.append(
                    f'[[model]]\nid = "{model}"\ntask = ""\ntitle = ""\nrevision = "test"\nlicence = ""\n'
                    'profile = "starter"\nsource = {}\n'
                )
                for name, file in files.items():
                    target = folder / model / name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(file, target)
                    entries.append(_listed(name, models.sha256_of(target), target.stat().st_size))
                if not files:
                    entries.append(_listed("absent", "0", 1))
            (folder / "catalogue.toml").write_text("".join(entries), encoding="utf-8")
            patch.setenv("MEDIAFLOW_MODELS", str(folder))
            patch.setenv("MEDIAFLOW_CATALOGUE", str(folder / "catalogue.toml"))
            _forget()
            return folder

        yield make
    _forget()


def _listed(name: str, sha256: str, size: int) -> str:
    return f'[[model.files]]\nname = "{name}"\nsha256 = "{sha256}"\nsize = {size}\n'


def _forget() -> None:
    models.catalogue.cache_clear()
    models.open_model.cache_clear()
