"""Pictures to find look-alikes by."""

from collections.abc import Sequence
from typing import Any

from tasks.outputs.as_json import in_cache
from tasks.stages.look.run import PictureVector


def picture_rows(pictures: Sequence[PictureVector]) -> list[dict[str, Any]]:
    """One for each picture that stays on screen for a while."""
    return [
        {
            "model": picture.model,
            "vector": picture.vector,
            "metadata": {
                "kind": "picture",
                "time": picture.time,
                "end": picture.end,
                "thumbnail": in_cache(picture.thumbnail),
            },
        }
        for picture in pictures
    ]
