"""Weights read without torch."""

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.common.models.tensors import read_tensors


@pytest.fixture
def save(tmp_path: Path) -> Any:
    def write(content: Any) -> Path:
        import torch

        torch.save(content, tmp_path / "weights.pt")
        return tmp_path / "weights.pt"

    return write


def test_every_layout_of_a_tensor_is_read(save: Any) -> None:
    import torch

    whole = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    state = {
        "whole": whole,
        "turned": whole.permute(2, 0, 1),  # the same numbers in another order
        "part": whole[1, 1:],
        "number": torch.tensor(7),
        "nothing": torch.zeros(0, 3),
        "half": whole.half(),
        "double": whole.double(),
        "trained": torch.nn.Parameter(whole).data,
    }
    found = read_tensors(save({"state_dict": state, "epoch": 3}))
    assert found.keys() == state.keys()
    for name, tensor in state.items():
        assert np.array_equal(found[name], tensor.numpy()), name
        assert found[name].shape == tuple(tensor.shape)


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_nothing_that_a_file_names_runs(save: Any, tmp_path: Path) -> None:
    import torch

    path = save({"state_dict": {"weight": torch.ones(2)}, "other": [Hostile(tmp_path / "ran")]})
    assert read_tensors(path)["weight"].tolist() == [1, 1]
    assert not (tmp_path / "ran").exists()


def test_a_tensor_does_not_reach_beyond_its_numbers(save: Any, tmp_path: Path) -> None:
    import torch

    path = save({"state_dict": {"weight": torch.ones(64)}})
    forged = tmp_path / "forged.pt"
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(forged, "w") as cut:
        for name in whole.namelist():
            content = whole.read(name)
            if name.endswith("data.pkl"):
                assert content.count(b"K\x40\x85") == 1  # a shape of (64,)
                content = content.replace(b"K\x40\x85", b"K\x7f\x85")
            cut.writestr(name, content)
    with pytest.raises(pickle.UnpicklingError, match="outside its numbers"):
        read_tensors(forged)


@pytest.mark.parametrize("content", [b"", b"no archive", pickle.dumps({"weight": 1})])
def test_another_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(pickle.UnpicklingError, match=r"weights\.pt holds no weights"):
        read_tensors(path)
