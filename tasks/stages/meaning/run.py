"""What is said as vectors of its meaning, by the facenet image: other words for the same are near."""

from pathlib import Path

from prefect import task
from pydantic import BaseModel, Field

from containers.common.documents.speech import Transcript
from containers.facenet.contract import SENTENCES, TextRequest, TextResult
from tasks.calls.invoke import invoke
from tasks.calls.progress import advance
from tasks.stages.output import StageOutput

BATCH = 512  # texts a call


class SentenceVector(BaseModel):
    """What is said from `start` to `end`, and the vector that stands for it."""

    start: float = Field(description="seconds")
    end: float = Field(description="seconds")
    model: str
    vector: list[float]


class Understood(StageOutput):
    sentences: list[SentenceVector] = []

    @property
    def summary(self) -> str:
        models = ", ".join(sorted({each.model for each in self.sentences}))
        return f"{len(self.sentences)} sentences by {models}" if models else "no speech"


@task
def understand(transcript: Transcript, folder: Path) -> Understood:
    """A vector for each segment of a transcript; answers of the image lie in `folder` meanwhile."""
    output = Understood()
    said = [segment for segment in transcript.segments if segment.text.strip()]
    for first in range(0, len(said), BATCH):
        batch = said[first : first + BATCH]
        request = TextRequest(
            action="text",
            texts=[segment.text.strip() for segment in batch],
            model=SENTENCES,
            result_uri=(folder / f"meaning-{first}.json").as_uri(),
        )
        answer = invoke("facenet", request, TextResult)
        output.add_cost(answer)
        output.sentences += [
            SentenceVector(start=segment.start, end=segment.end, model=answer.value.model, vector=vector)
            for segment, vector in zip(batch, answer.value.vectors, strict=True)
        ]
        advance("meaning", len(output.sentences) / len(said))
    return output
