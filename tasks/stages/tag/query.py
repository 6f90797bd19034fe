"""A sound that is searched for, embedded as those of an analysis are."""

from pathlib import Path

import numpy as np

from containers.audioset.contract import TagRequest
from containers.common.documents.sounds import Tags
from tasks.calls.invoke import invoke

SOUNDS = ["panns-cnn14"]  # what may have made an index


def embed_sound(audio: str, model: str, folder: Path) -> np.ndarray:
    """Of each window of the sound at `audio`, shape (windows, dimension). Raises UserError."""
    vectors = folder / "sounds.npz"
    request = TagRequest(
        audio=audio,
        model=model,
        embeddings_uri=vectors.as_uri(),
        result_uri=(folder / "tags.json").as_uri(),
    )
    invoke("audioset", request, Tags)
    with np.load(vectors) as stored:
        return stored["vectors"]
