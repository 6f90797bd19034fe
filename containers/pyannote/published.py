"""pyannote's own pipelines, 3.1 and community-1, from their files in the store. Imports torch.

Turns are those of `pyannote.audio.Pipeline` with the same files, but for one thing: where the segmentation
hears more voices at once than there are speakers, pyannote adds a speaker without a voice, which is left out.
"""

import contextlib
import io
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import NDArray
from pyannote.audio.core.plda import PLDA
from pyannote.audio.pipelines.clustering import AgglomerativeClustering, BaseClustering, VBxClustering
from pyannote.core import SlidingWindowFeature

from containers.pyannote.clustering import sample
from containers.pyannote.pipeline import Diarizer, load_network

NETWORK = "pytorch_model.bin"
SETTINGS = (  # of `pipeline.params` in config.yaml; the others name the models
    "segmentation_step",
    "segmentation_batch_size",
    "embedding_batch_size",
    "embedding_exclude_overlap",
)


def load_published(folder: Path, segmentation: Path, embedding: Path, plda: Path | None = None) -> Diarizer:
    """The pipeline of `folder`/config.yaml with the networks and the PLDA of the other folders."""
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    given = config["pipeline"]["params"]
    if given["clustering"] == "VBxClustering":
        assert plda is not None
        clustering = _VBx(PLDA(plda / "xvec_transform.npz", plda / "plda.npz"), metric="cosine")
    else:
        clustering = _Agglomerative(metric="cosine")
    return _Published(
        load_network(segmentation / NETWORK, strict=False),  # a checkpoint may hold its loss too
        load_network(embedding / NETWORK, strict=False),
        clustering,
        config["params"],
        **{name: given[name] for name in SETTINGS if name in given},
    )


class _Published(Diarizer):
    def get_embeddings(
        self,
        file: Any,
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = False,
        hook: Any = None,
    ) -> NDArray:
        """(windows, voices, dimension), NaN for voices that are silent in their window.

        What upstream finds, with one run of the network a window instead of one a voice: WeSpeaker looks at
        who speaks when in its last layers only.
        """
        masks, grid = binary_segmentations.data, binary_segmentations.sliding_window
        windows, frames, voices = masks.shape
        embedding: Any = self._embedding
        used = masks
        if exclude_overlap:
            alone = masks * (masks.sum(2, keepdims=True) < 2)
            least = math.ceil(frames * self._shortest / (grid.duration * embedding.sample_rate))
            used = np.where(alone.sum(1, keepdims=True) > least, alone, masks)
        found = np.full((windows, voices, embedding.dimension), np.nan, np.float32)
        heard = np.flatnonzero(masks.any((1, 2)))
        size = max(1, self.embedding_batch_size // voices)
        for first in range(0, len(heard), size):
            batch = heard[first : first + size]
            sound = torch.stack([self._audio.crop(file, grid[int(one)], mode="pad")[0] for one in batch])
            weights = torch.from_numpy(used[batch].transpose(0, 2, 1).copy())
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore")  # as upstream: torch.vmap on its speed
                embeddings = embedding.model_(
                    sound.to(embedding.device), weights=weights.to(embedding.device)
                )
            found[batch] = embeddings.cpu().numpy()
        found[~masks.any(1)] = np.nan
        return found

    @property
    def _shortest(self) -> int:
        """Samples that the embedding network needs."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it is tried with ever shorter sound
            return self._embedding.min_num_samples


class _Steady(BaseClustering):
    """What keeps upstream's clusterings from failing on recordings that are very short, long or uniform."""

    def filter_embeddings(
        self,
        embeddings: NDArray,
        segmentations: SlidingWindowFeature | None = None,
        min_active_ratio: float = 0.2,
    ) -> tuple[NDArray, NDArray, NDArray]:
        found = super().filter_embeddings(embeddings, segmentations, min_active_ratio)
        if len(found[0]):
            return sample(*found)
        assert segmentations is not None, "the pipeline always gives them"
        # Nobody talks alone for long. Upstream makes that one speaker, whose voice would be NaN.
        mean = embeddings[segmentations.data.any(1)].mean(0, keepdims=True)
        return mean, np.zeros(1, int), np.zeros(1, int)

    def __call__(
        self,
        embeddings: NDArray,
        segmentations: SlidingWindowFeature | None = None,
        num_clusters: int | None = None,
        min_clusters: int | None = None,
        max_clusters: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Clusters (windows, voices), their scores, and centroids (clusters, dimension), as upstream."""
        assert segmentations is not None, "the pipeline always gives them"
        # Silent voices are put in some cluster and taken out of it later; NaN would spread to others.
        silent = np.expand_dims(~segmentations.data.any(1), 2)
        embeddings = np.where(silent, np.float32(1), embeddings)
        found, *_ = self.filter_embeddings(embeddings, segmentations)
        different = len(np.unique(found, axis=0))  # K-means fails on fewer than it has to find
        bounds = self.set_num_clusters(different, num_clusters, min_clusters, max_clusters)
        with contextlib.redirect_stdout(io.StringIO()):  # they print what the result says too
            return super().__call__(embeddings, segmentations, *bounds, **kwargs)


class _Agglomerative(_Steady, AgglomerativeClustering): ...


class _VBx(_Steady, VBxClustering): ...
