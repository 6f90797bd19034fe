"""The encoders of sentences and descriptions in NumPy: a question is a dozen tokens, for which importing
torch and transformers takes longer than all the rest of a search.

BERT's encoder (Devlin et al., "BERT", 2019), which normalises after each block, and SigLIP's text tower (Zhai
et al., "Sigmoid Loss for Language Image Pre-Training", 2023), which does before. published.py reads them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

AT_ONCE = 32  # rows that are bent: what is computed with them stays in a core's cache


class Text(NamedTuple):
    """Its tokens by number, of which the first `seen` are looked at: those behind only fill up."""

    tokens: list[int]
    seen: int


class Linear(NamedTuple):
    weight: Array  # (out, in), as torch keeps it
    bias: Array

    def __call__(self, rows: Array) -> Array:
        result = rows @ self.weight.T
        result += self.bias
        return result


class Norm(NamedTuple):
    scale: Array
    shift: Array
    epsilon: float

    def __call__(self, rows: Array) -> Array:
        centred = rows - rows.mean(-1, keepdims=True)
        deviation = np.sqrt(np.square(centred).mean(-1, keepdims=True) + self.epsilon)
        return centred / deviation * self.scale + self.shift


class Block(NamedTuple):
    """One layer: attention among the tokens of a text, then two linear layers for each token."""

    query: Linear
    key: Linear
    value: Linear
    merged: Linear
    wide: Linear
    narrow: Linear
    around_attention: Norm
    around_linear: Norm

    def attend(self, rows: Array, texts: list[tuple[slice, slice]], heads: int) -> Array:
        """Rows (tokens of all texts, width): a text's tokens see those of the same text."""
        size = rows.shape[1] // heads
        asked, keys, values = (
            part(rows).reshape(-1, heads, size).transpose(1, 0, 2)
            for part in (self.query, self.key, self.value)
        )
        seen = np.empty_like(rows)
        for text, looked_at in texts:
            scores = asked[:, text] @ keys[:, looked_at].transpose(0, 2, 1) / np.float32(size**0.5)
            scores = np.exp(scores - scores.max(-1, keepdims=True))
            mixed = scores / scores.sum(-1, keepdims=True) @ values[:, looked_at]
            seen[text] = mixed.transpose(1, 0, 2).reshape(-1, rows.shape[1])
        return self.merged(seen)


class Encoder(NamedTuple):
    """`words` gives the embeddings of tokens by number; of the rest all is in memory."""

    words: Callable[[NDArray[np.int64]], Array]
    places: Array  # what a token's place adds
    first: Norm | None  # BERT's, of the embeddings
    blocks: list[Block]
    last: Norm | None  # SigLIP's
    head: Linear | None
    heads: int
    bend: Callable[[Array], Array]

    @property
    def longest(self) -> int:
        return len(self.places)

    def encode(self, texts: list[Text]) -> list[Array]:
        """For each text what its tokens are in the last layer, shape (tokens, width).

        Texts lie end to end, so nothing is padded: only attention looks at one text at a time.
        """
        ends = np.cumsum([len(text.tokens) for text in texts])
        parts = []
        for text, end in zip(texts, ends, strict=True):
            start = int(end) - len(text.tokens)
            parts.append((slice(start, int(end)), slice(start, start + text.seen)))
        rows = self.words(np.concatenate([text.tokens for text in texts]))
        rows += np.concatenate([self.places[: len(text.tokens)] for text in texts])
        if self.first:
            rows = self.first(rows)
        for block in self.blocks:
            if self.first:  # normalised after each sum
                rows = block.around_attention(rows + block.attend(rows, parts, self.heads))
                rows = block.around_linear(rows + block.narrow(self.bend(block.wide(rows))))
            else:  # normalised before, and what is summed is not
                rows = rows + block.attend(block.around_attention(rows), parts, self.heads)
                rows = rows + block.narrow(self.bend(block.wide(block.around_linear(rows))))
        if self.last:
            rows = self.last(rows)
        return [rows[part] for part, _ in parts]


def gelu(rows: Array) -> Array:
    """x Phi(x) of each, in place. The error function by Abramowitz and Stegun, 7.1.26: off by 1.5e-7 at most,
    as float32 is."""
    for start in range(0, len(rows), AT_ONCE):
        x = rows[start : start + AT_ONCE]
        z = np.abs(x)
        z *= np.float32(0.5**0.5)
        t = z * np.float32(0.3275911)
        t += 1
        np.reciprocal(t, out=t)
        tail = t * np.float32(1.061405429)
        for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
            tail += np.float32(factor)
            tail *= t
        np.multiply(z, z, out=z)
        np.negative(z, out=z)
        np.exp(z, out=z)
        tail *= z
        tail *= np.float32(0.5)  # of the normal distribution, beyond |x|
        np.subtract(1, tail, out=tail, where=x >= 0)
        x *= tail
    return rows


def gelu_tanh(rows: Array) -> Array:
    """In place: Hendrycks and Gimpel, "Gaussian Error Linear Units", 2016, the one of tanh."""
    for start in range(0, len(rows), AT_ONCE):
        x = rows[start : start + AT_ONCE]
        bent = x * x
        bent *= np.float32(0.044715 * (2 / np.pi) ** 0.5)
        bent += np.float32((2 / np.pi) ** 0.5)
        bent *= x
        np.tanh(bent, out=bent)
        bent += 1
        bent *= np.float32(0.5)
        x *= bent
    return rows
