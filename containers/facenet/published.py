"""The weights of Multilingual E5 and SigLIP, as they are published for transformers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from containers.common.errors import UserError
from containers.facenet.encoder import Array, Block, Encoder, Linear, Norm, gelu, gelu_tanh
from containers.facenet.networks import check_config

WEIGHTS, CONFIG = "model.safetensors", "config.json"
BENDS = {"gelu": gelu, "gelu_pytorch_tanh": gelu_tanh}


class Weights:
    """The tensors of a safetensors file as float32, the prefix of a whole model left out.

    Its rows are read as they are asked for: of 250,000 words' embeddings a question needs a dozen.
    """

    def __init__(self, folder: Path) -> None:
        from safetensors import safe_open

        self._file: Any = safe_open(folder / WEIGHTS, framework="np")
        self._names = {name.removeprefix("bert."): name for name in self._file.keys()}  # noqa: SIM118

    def array(self, name: str) -> Array:
        return self._file.get_tensor(self._names[name]).astype(np.float32, copy=False)

    def rows(self, name: str) -> Callable[[NDArray[np.int64]], Array]:
        table = self._file.get_slice(self._names[name])

        def read(numbers: NDArray[np.int64]) -> Array:
            wanted, places = np.unique(numbers, return_inverse=True)
            return np.concatenate([table[int(n) : int(n) + 1] for n in wanted]).astype(np.float32)[places]

        return read

    def linear(self, name: str) -> Linear:
        return Linear(self.array(f"{name}.weight"), self.array(f"{name}.bias"))

    def norm(self, name: str, epsilon: float) -> Norm:
        return Norm(self.array(f"{name}.weight"), self.array(f"{name}.bias"), epsilon)


def read_e5(folder: Path) -> Encoder:
    """BERT's encoder, which Multilingual E5 is. Raises UserError."""
    config, weights = _config(folder), Weights(folder)
    epsilon = config.get("layer_norm_eps", 1e-12)

    def block(name: str) -> Block:
        attention = f"{name}.attention"
        return Block(
            *(weights.linear(f"{attention}.self.{part}") for part in ("query", "key", "value")),
            merged=weights.linear(f"{attention}.output.dense"),
            wide=weights.linear(f"{name}.intermediate.dense"),
            narrow=weights.linear(f"{name}.output.dense"),
            around_attention=weights.norm(f"{attention}.output.LayerNorm", epsilon),
            around_linear=weights.norm(f"{name}.output.LayerNorm", epsilon),
        )

    kinds = weights.array("embeddings.token_type_embeddings.weight")  # a text alone is of the first kind
    return Encoder(
        words=weights.rows("embeddings.word_embeddings.weight"),
        places=weights.array("embeddings.position_embeddings.weight") + kinds[0],
        first=weights.norm("embeddings.LayerNorm", epsilon),
        blocks=[block(f"encoder.layer.{number}") for number in range(config["num_hidden_layers"])],
        last=None,
        head=None,
        heads=config["num_attention_heads"],
        bend=BENDS[config.get("hidden_act", "gelu")],
    )


def read_siglip(folder: Path) -> Encoder:
    """SigLIP's text tower; what its config.json leaves out is as its class has it. Raises UserError."""
    config, weights = _config(folder)["text_config"], Weights(folder)
    epsilon = config.get("layer_norm_eps", 1e-6)

    def block(name: str) -> Block:
        attention = f"{name}.self_attn"
        return Block(
            *(weights.linear(f"{attention}.{part}_proj") for part in ("q", "k", "v")),
            merged=weights.linear(f"{attention}.out_proj"),
            wide=weights.linear(f"{name}.mlp.fc1"),
            narrow=weights.linear(f"{name}.mlp.fc2"),
            around_attention=weights.norm(f"{name}.layer_norm1", epsilon),
            around_linear=weights.norm(f"{name}.layer_norm2", epsilon),
        )

    tower = "text_model"
    layers = range(config.get("num_hidden_layers", 12))
    return Encoder(
        words=weights.rows(f"{tower}.embeddings.token_embedding.weight"),
        places=weights.array(f"{tower}.embeddings.position_embedding.weight"),
        first=None,
        blocks=[block(f"{tower}.encoder.layers.{number}") for number in layers],
        last=weights.norm(f"{tower}.final_layer_norm", epsilon),
        head=weights.linear(f"{tower}.head"),
        heads=config.get("num_attention_heads", 12),
        bend=BENDS[config.get("hidden_act", "gelu_pytorch_tanh")],
    )


def _config(folder: Path) -> dict[str, Any]:
    check_config(folder)
    return read_json(folder / CONFIG)


def read_json(path: Path) -> Any:
    """Raises UserError with one sentence."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"The {path.name} of {path.parent.name} cannot be read: {error}.") from None
