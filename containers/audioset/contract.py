"""Sound events: audio in, labels with times out (specification 7.4)."""

from typing import Annotated, Literal

from pydantic import Field

from containers.common.contract import Request

TaggerName = Literal["auto", "panns-cnn14", "panns-cnn14-events", "ced-base", "ced-tiny", "firered-aed"]
Threshold = Annotated[float, Field(gt=0, lt=1)]


class TagRequest(Request):
    audio: str = Field(description="URI of audio in any container and codec")
    model: str | None = Field(
        default=None, description="catalogue id; the best for the mode that the store has when not given"
    )
    mode: Literal["clip", "events"] = Field(
        default="clip",
        description="clip: labels of whole windows; events: of frames of 10 ms, by another model",
    )
    top_k: int = Field(
        default=10, ge=1, description="labels kept per window (clip) or per recording (events, FireRed AED)"
    )
    threshold: Threshold = Field(default=0.3, description="predictions score at least this")
    thresholds: dict[str, Threshold] = Field(
        default={},
        description="other thresholds, by label, class of the ontology or family; the nearest counts",
    )
    only: list[str] = Field(
        default=[], description="labels, classes (Animal) or families (music) to look for; all when empty"
    )
    window: float = Field(default=10.0, ge=1, description="seconds analysed at once; FireRed AED reads on")
    hop: float = Field(default=5.0, ge=0.1, description="seconds between windows, at most `window`")
    embeddings_uri: str | None = Field(
        default=None,
        description="URI that receives an .npz: `times` (windows, 2) in seconds, `vectors` (windows, 2048)",
    )
