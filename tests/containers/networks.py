"""Small networks with the inputs and outputs of published ones, in the files that are published."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import ArrayLike
from onnx import TensorProto, helper, numpy_helper

Named = tuple[str, list[int | str]]  # a tensor's name and shape


def save_network(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, ArrayLike],
    given: Named,
    found: Named,
) -> None:
    """In the operators of 2020, as what is published has them."""
    values = [
        numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()
    ]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)] for name, shape in (given, found)
    )
    graph = helper.make_graph(list(nodes), "network", inputs, outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 12)], ir_version=7)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def make_auraface(path: Path) -> dict[str, np.ndarray]:
    """glintr100's inputs and outputs, one layer of each of its kinds. Returns its weights."""
    draw = np.random.default_rng(0).normal
    weights = {
        "kernel": draw(0, 0.1, (8, 3, 5, 5)),
        "slope": draw(0, 0.1, (8, 1, 1)),
        "matrix": draw(0, 0.1, (8 * 27**2, 512)),
    }
    nodes = [
        helper.make_node("Conv", ["input.1", "kernel"], ["seen"], strides=[4, 4]),
        helper.make_node("PRelu", ["seen", "slope"], ["bent"]),
        helper.make_node("Flatten", ["bent"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["683"]),
    ]
    save_network(path, nodes, weights, ("input.1", ["None", 3, 112, 112]), ("683", [1, 512]))
    return weights


def make_ced(folder: Path, labels: Sequence[str], loud: str, quiet: str) -> None:
    """CED whose score of `loud` grows with the mean of the mel bands; `quiet` has the rest."""
    high, low = (np.array([name == label for name in labels], np.float32) for label in (loud, quiet))
    constants = {"two": [2], "nineteen": [19], "quiet": low, "rest": low - high}
    nodes = [
        helper.make_node("ReduceMean", ["mel"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("ReduceMean", ["mean"], ["level"], axes=[1], keepdims=1),
        helper.make_node("Div", ["level", "two"], ["half"]),
        helper.make_node("Add", ["half", "nineteen"], ["moved"]),
        helper.make_node("Sigmoid", ["moved"], ["score"]),
        helper.make_node("Mul", ["score", "rest"], ["less"]),
        helper.make_node("Sub", ["quiet", "less"], ["scores"]),
    ]
    shapes = ("mel", ["N", 64, "T"]), ("scores", ["N", len(labels)])
    save_network(folder / "model.onnx", nodes, constants, *shapes)
    rows = [
        f'{place},/m/{place},"{name}"' for place, name in enumerate(labels)
    ]  # names quoted, as AudioSet's
    text = "\n".join(["index,mid,display_name", *rows, ""])
    (folder / "class_labels_indices.csv").write_text(text, encoding="utf-8")


def make_mms(path: Path, patch: pytest.MonkeyPatch) -> None:
    """MMS' aligner, but narrow: 31 outputs, of which three stand for nothing."""
    import torch
    import torchaudio

    published = torchaudio.pipelines.MMS_FA
    layers = [(32, width, step) for _, width, step in published._params["extractor_conv_layer_config"]]
    narrow = {"encoder_embed_dim": 32, "encoder_num_layers": 1, "encoder_num_heads": 2}
    narrow |= {"extractor_conv_layer_config": layers, "encoder_ff_interm_features": 64}
    made = replace(published, _params=published._params | narrow)
    patch.setattr(torchaudio.pipelines, "MMS_FA", made)
    torch.manual_seed(0)
    torch.save(torchaudio.models.wav2vec2_model(**made._params | {"aux_num_out": 31}).state_dict(), path)
