"""Which voices of the windows are one speaker. Imports pyannote.audio: imported when a pipeline is loaded."""

import contextlib
import io
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyannote.audio.pipelines.clustering import AgglomerativeClustering
from pyannote.core import SlidingWindowFeature

# How these numbers were chosen. On 64 recordings of 15 to 300 s with 1 to 4 speakers (pyannote.audio's sample
# as it is, cut, repeated, coded by AAC, MP3 and Opus, with noise and denoised; its two voices alone and at
# other speeds; talks of espeak-ng, flite and festival voices) a threshold alone finds the right number in 54
# at best, at 0.26, with a cliff right above it; with evidence in 0.1 to 0.15 of the windows, thresholds from
# 0.28 to 0.33 find it in 58 to 60. But where people take longer turns, two voices are side by side in fewer
# windows: on 96 talks of a minute and a half (benchmarks/conversations.py with seeds 0 to 47, and as many of
# flite and espeak-ng voices and the sample's; half with overlaps or noise) mean confusion is 3.3 % with 0.27
# and 0.08, 3.9 % with 0.28 and 0.12, 3.4 % with 0.26 and 0.12, 3.7 % with 0.24 and 0.06, 3.8 % with centroids
# instead of averages, and more than 5 % from 0.2 down.
THRESHOLD = 0.27  # cosine distance between clusters (average linkage) that are surely different speakers
# Smaller clusters join the nearest large one. In short recordings a speaker has fewer windows than twelve:
# pyannote then asks for a tenth of them, ours for a little less. On 36 half minutes of such talks, DER is
# 0.122 with a tenth and 0.112 so (0.22 and 0.14 speakers too few, 0.03 too many in both), in whole talks the
# same; on the real dialogues of benchmarks/speakers.md it finds the one who mostly talks at the same time.
MIN_CLUSTER_SIZE = 12  # windows, or
MIN_PART = 0.08  # this part of the voices heard, but
FEWEST = 4  # windows in any case
APART = 0.2  # cosine distance between two voices of one window that counts as evidence of two speakers
MAX_CONFLICTS = 0.08  # part of the windows that may hold two such voices of one speaker, but
FEW_CONFLICTS = 6  # windows may in any case, or
SHORT_CONFLICTS = 0.12  # this part of them where there are no fifty

ALONE_SECONDS = 1.0  # a voice is evidence when it is heard alone for this long in a window
MAX_EMBEDDINGS = 4000  # clustered; memory grows with the square: 64 MB here. The others join the nearest.


def sample(embeddings: NDArray, windows: NDArray, voices: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """At most MAX_EMBEDDINGS rows of what `filter_embeddings` returns."""
    if len(embeddings) <= MAX_EMBEDDINGS:
        return embeddings, windows, voices
    kept = np.random.default_rng(0).choice(len(embeddings), MAX_EMBEDDINGS, replace=False)
    return embeddings[kept], windows[kept], voices[kept]


class SpeakerClustering(AgglomerativeClustering):
    """Average-linkage clustering that also hears how many speakers the windows hold.

    A distance that suits one recording merges or splits the speakers of another. The segmentation network
    knows better inside its 5 s windows: two voices that it tells apart there, and that sound different, are
    two speakers. So clustering begins with few clusters and makes more of them as long as too many windows
    hold two such voices in one cluster.
    """

    min_part = MIN_PART

    def filter_embeddings(
        self,
        embeddings: NDArray,
        segmentations: SlidingWindowFeature | None = None,
        min_active_ratio: float = 0.2,
    ) -> tuple[NDArray, NDArray, NDArray]:
        found, windows, voices = super().filter_embeddings(embeddings, segmentations, min_active_ratio)
        if not len(found) and min_active_ratio:  # nobody talks for a second: take what there is
            return self.filter_embeddings(embeddings, segmentations, 0)
        return sample(found, windows, voices)

    def cluster(
        self,
        embeddings: NDArray,
        min_clusters: int | None = None,
        max_clusters: int | None = None,
        num_clusters: int | None = None,
    ) -> NDArray:
        """Cluster of each of `embeddings` (voices, dimension), as upstream; small ones may be smaller."""
        most = self.min_cluster_size
        self.min_cluster_size = min(most, max(FEWEST, round(self.min_part * len(embeddings))))
        try:
            return super().cluster(embeddings, min_clusters, max_clusters, num_clusters)
        finally:
            self.min_cluster_size = most

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

        def cluster(number: int | None) -> Any:
            # It prints when there are fewer clusters than asked for; the result says that too.
            with contextlib.redirect_stdout(io.StringIO()):
                return super(SpeakerClustering, self).__call__(
                    embeddings, segmentations, number, min_clusters, max_clusters, **kwargs
                )

        result = cluster(num_clusters)
        if num_clusters:
            return result
        while (number := int(result[0].max()) + 1) < (max_clusters or np.inf):
            if not _too_few(result[0], embeddings, segmentations.data):
                break
            finer = cluster(number + 1)
            if finer[0].max() < number:
                break
            result = finer
        return result


def _too_few(clusters: NDArray, embeddings: NDArray, segmentations: NDArray) -> bool:
    """Whether two different voices are in one cluster in too many of the windows with speech.

    `clusters` (windows, voices), `embeddings` (windows, voices, dimension) L2-normalised,
    `segmentations` (windows, frames, voices) of 0 and 1 over 5 s.
    """
    alone = segmentations * (segmentations.sum(2, keepdims=True) == 1)
    seconds = alone.sum(1) * 5 / segmentations.shape[1]
    heard = (seconds >= ALONE_SECONDS) & ~np.isnan(embeddings).any(2)
    conflicts = 0
    for window in np.flatnonzero(heard.sum(1) > 1):
        conflicts += any(
            clusters[window, one] == clusters[window, other]
            and 1 - embeddings[window, one] @ embeddings[window, other] > APART
            for one, other in combinations(np.flatnonzero(heard[window]), 2)
        )
    spoken = heard.any(1).sum()
    return conflicts > max(MAX_CONFLICTS * spoken, min(FEW_CONFLICTS, SHORT_CONFLICTS * spoken))
