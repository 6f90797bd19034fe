"""Sound events, for programs; and a vector for each window, where the tagger makes some."""

from typing import Any

import numpy as np

from containers.common import storage
from containers.common.documents.sounds import Tags
from tasks.outputs.as_json import to_json


def write_tags(tags: Tags) -> dict[str, bytes]:
    return {"tags.json": to_json(tags.model_dump(mode="json", exclude={"embeddings"}))}


def sound_rows(tags: Tags) -> list[dict[str, Any]]:
    """One row for each window that the tagger embedded; none where the model embeds nothing."""
    if tags.embeddings is None:
        return []
    with storage.reading(tags.embeddings) as path, np.load(path) as stored:
        return [
            {
                "model": "panns-cnn14",
                "vector": vector.tolist(),
                "metadata": {"kind": "sound", "time": float(start), "end": float(end)},
            }
            for (start, end), vector in zip(stored["times"], stored["vectors"], strict=True)
        ]
