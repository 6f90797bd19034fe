"""Small networks in ONNX, with the inputs and outputs of published ones."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
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
