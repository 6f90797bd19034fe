"""Synthetic embeddings with the structure of real ones: people of few and of many pictures, alike in groups.

A vector is its person's centre plus noise, made unit length. Centres lie around 200 groups; the noise is
not the same in all directions (spectrum falling as i^-1/2, as within-class covariances of face embeddings
do), and as long as 0.75 of the centre, so that two pictures of one person have a cosine of about 0.64.
People have 1 to 1,000 pictures (log-normal, 20 in the middle). One vector in twenty is of nobody else.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

BLOCK = 50_000
GROUPS = 200
GROUP_SHARE = 0.5  # of a centre's squared length
NOISE = 0.75  # length of the noise, the centre's being 1
ALONE = 0.05


class Population:
    """Everybody whose vectors are drawn; the same seed is the same people."""

    def __init__(self, vectors: int, dimension: int, seed: int = 0) -> None:
        random = np.random.default_rng(seed)
        self.dimension = dimension
        people = max(1, vectors // 35)
        sizes = np.clip(random.lognormal(np.log(20), 1, people), 1, 1000)
        self._share = np.cumsum(sizes / sizes.sum())
        groups = _unit(random.standard_normal((GROUPS, dimension)))
        own = _unit(random.standard_normal((people, dimension)))
        chosen = groups[random.integers(0, GROUPS, people)]
        self._centres = _unit(np.sqrt(GROUP_SHARE) * chosen + np.sqrt(1 - GROUP_SHARE) * own)
        spectrum = np.arange(1, dimension + 1) ** -0.5
        turned = np.linalg.qr(random.standard_normal((dimension, dimension)))[0]
        self._noise = (NOISE * spectrum / np.linalg.norm(spectrum))[:, None] * turned
        self._noise = self._noise.astype(np.float32)

    def draw(self, count: int, seed: int) -> Iterator[np.ndarray]:
        """Blocks of unit vectors, shape (at most BLOCK, dimension) float32, `count` in all."""
        random = np.random.default_rng([seed, 1])
        for start in range(0, count, BLOCK):
            size = min(BLOCK, count - start)
            centres = self._centres[np.searchsorted(self._share, random.random(size) * self._share[-1])]
            alone = random.random(size) < ALONE
            centres[alone] = _unit(random.standard_normal((alone.sum(), self.dimension)))
            yield _unit(centres + random.standard_normal((size, self.dimension), np.float32) @ self._noise)

    def write(self, path: Path, count: int, seed: int) -> np.ndarray:
        """The vectors as a memory-mapped .npy file, shape (count, dimension)."""
        target = open_memmap(path, mode="w+", dtype=np.float32, shape=(count, self.dimension))
        position = 0
        for block in self.draw(count, seed):
            target[position : position + len(block)] = block
            position += len(block)
        target.flush()
        return target


def _unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
