"""Sound events, by the audioset image."""

from collections import Counter
from pathlib import Path

import numpy as np
from prefect import task

from containers.audioset.contract import TagRequest
from containers.common.documents.sounds import Tags
from tasks.calls.invoke import invoke
from tasks.stages.output import StageOutput
from tasks.stages.tag.options import TagOptions
from tasks.stages.times import later


class TaggedAudio(StageOutput):
    tags: Tags

    @property
    def summary(self) -> str:
        labels = Counter(event.label for event in self.tags.predictions)
        return ", ".join(f"{label} ({count})" for label, count in labels.most_common(5)) or "no sound events"


@task
def tag(
    audio: str, folder: Path, options: TagOptions, model: str, vectors: Path, start: float = 0.0
) -> TaggedAudio:
    """The original audio in (denoising would remove what is to be tagged), labels with times out.

    `model` is the tagger's id in the catalogue. One that makes embeddings leaves them in `vectors`. `start`:
    seconds of the media at which the audio begins; times out are the media's.
    """
    request = TagRequest(
        audio=audio,
        model=model,
        mode=options.tag_mode,
        only=options.tag_only,
        threshold=options.tag_threshold,
        thresholds=options.tag_thresholds,
        top_k=options.tag_top_k,
        window=options.tag_window,
        hop=options.tag_hop,
        embeddings_uri=vectors.as_uri(),
        result_uri=(folder / "tags.json").as_uri(),
    )
    answer = invoke("audioset", request, Tags)
    if start and answer.value.embeddings:
        with np.load(vectors) as stored:
            moved = {**stored, "times": stored["times"] + start}
        np.savez(vectors, **moved)
    output = TaggedAudio(tags=later(answer.value, start))
    output.add_cost(answer)
    return output
