"""Checkpoints as strangers write them: weights are read, what would run is refused, whoever opens it."""

import pickle
import threading
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import numpy as np
import pytest

from containers.common.models.checkpoints import NUMPY, load_checkpoint, only_weights
from containers.common.models.store import store_folder
from containers.model_downloader.pickles import refused_names

LOADERS = {
    "ours": "containers.common.models.checkpoints:load_checkpoint",
    "facenet": "containers.facenet.embedder:load_embedder",
    "ge2e": "containers.pyannote.ge2e:load_ge2e",
    "pyannote": "containers.pyannote.pipeline:load_network",
}


def weights() -> dict[str, Any]:
    import torch  # here: whoever collects this file needs none of it

    return {"weight": torch.full((2, 3), 0.5)}


def load_all(path: Path) -> Any:
    """As a library that asks for everything."""
    import torch

    return torch.load(path, weights_only=False)


class Hostile:
    """Whoever unpickles it without a guard makes the file `ran`."""

    def __init__(self, folder: Path) -> None:
        self.ran = folder / "ran"

    def __reduce__(self) -> Any:
        return Path.touch, (self.ran,)


@pytest.fixture(params=[True, False], ids=["zip", "legacy"])
def save(request, tmp_path):
    """Writes a checkpoint as torch does now, or as it did before 1.6."""

    def write(content: Any, name: str = "weights.pt") -> Path:
        import torch

        torch.save(content, tmp_path / name, _use_new_zipfile_serialization=request.param)
        return tmp_path / name

    return write


def test_weights_alone(save):
    path = save(weights())
    assert refused_names(path) == []
    assert load_checkpoint(path)["weight"].tolist() == weights()["weight"].tolist()


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.bool_, np.uint8])
def test_a_trainer_s_numpy_state_is_allowed_where_it_is_asked_for(save, kind):
    path = save({**weights(), "state": [np.ones(3, kind), kind(1)]})
    assert refused_names(path) == []
    assert load_checkpoint(path, NUMPY)["state"][0].tolist() == [1, 1, 1]
    with pytest.raises(pickle.UnpicklingError):
        load_checkpoint(path)


def test_names_of_python_2_are_those_of_today(tmp_path):
    """As in pyannote's checkpoints: their settings say `long`."""
    path = tmp_path / "old.pkl"
    path.write_bytes(b"\x80\x02c__builtin__\nlong\nU\x017\x85R.")
    assert pickle.loads(path.read_bytes()) == 7
    assert refused_names(path) == []
    path.write_bytes(b"\x80\x02c__builtin__\nxrange\nK\x07\x85R.")
    assert refused_names(path) == ["builtins.range"]


def test_the_starter_models_hold_nothing_that_fetching_refuses():
    """Of this machine's store, which may be older than what fetching asks."""
    files = [path for path in store_folder().rglob("*") if path.suffix in {".bin", ".pt", ".pth", ".ckpt"}]
    assert "pytorch_model.bin" in {path.name for path in files}
    assert {str(path): found for path in files if (found := refused_names(path))} == {}


@pytest.mark.parametrize("loader", [*LOADERS, "a library that asks for everything"])
def test_nothing_of_a_hostile_checkpoint_runs(save, tmp_path, loader):
    load = resolve_name(LOADERS[loader]) if loader in LOADERS else load_all
    path = save({**weights(), "more": Hostile(tmp_path)})
    assert refused_names(path) != []
    with only_weights(), pytest.raises(pickle.UnpicklingError):
        load(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_that_is_no_checkpoint_has_no_names_that_pass(tmp_path, protocol):
    path = tmp_path / "plain.pkl"
    path.write_bytes(pickle.dumps({"a": Hostile(tmp_path)}, protocol=protocol))
    if protocol:  # torch opens none of protocol 0, nor does anybody else here
        assert refused_names(path) != []
    with pytest.raises((pickle.UnpicklingError, RuntimeError, EOFError)):
        load_checkpoint(path, NUMPY)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content", [b"", b"\x80", b"\x80\x02", b"\x80\x02garbage", b"PK\x03\x04cut", b"\x06\0\0\0model"]
)
def test_damaged_files_are_judged_and_not_opened(tmp_path, content):
    path = tmp_path / "weights.bin"
    path.write_bytes(content)
    assert isinstance(refused_names(path), list)


def test_what_one_thread_allows_does_not_end_when_another_is_done(save):
    path = save({**weights(), "state": np.ones(3)})
    failed = []

    def load() -> None:
        try:
            for _ in range(20):
                load_checkpoint(path, NUMPY)
        except pickle.UnpicklingError as error:
            failed.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
