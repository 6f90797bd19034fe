"""What every image's request and response share.

An image answers with an `Answer`: either the result itself, or the URI where it was put when the
request named one. A Lambda payload ends at 6 MB, so anything that grows with the media goes to storage.
"""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(ge=0, description="seconds from the start of the media")]
Score = Annotated[float, Field(ge=0, le=1, description="probability or confidence, 0 to 1")]
Result = TypeVar("Result")


class Contract(BaseModel):
    """Unknown fields are refused, so that a misspelt option is an error and not a silence."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Span(Contract):
    """A stretch of the media, start before end."""

    start: Seconds
    end: Seconds


class ModelRef(Contract):
    """Which weights made a result."""

    id: str
    revision: str
    sha256: str = Field(description="SHA-256 over the model's file hashes in catalogue order")


class Request(Contract):
    """Every request may name where the result goes; without it the result is in the answer."""

    result_uri: str | None = Field(
        default=None, description="file:// or s3:// URI that receives the result as JSON"
    )
    answer_uri: str | None = Field(
        default=None,
        description="s3:// URI that receives the answer too; one that is there already is given again",
    )
    asset_id: str | None = Field(default=None, description="the asset it is for, for the image's logs alone")


class Answer(Contract, Generic[Result]):
    """The envelope around every image's result."""

    result: Result | None = None
    result_uri: str | None = None
    models: list[ModelRef] = []
    load_seconds: float = Field(default=0, description="time spent loading models in this call; 0 when warm")
    compute_seconds: float = 0

    @property
    def value(self) -> Result:
        """The result, where it is in the answer. Raises LookupError where only its URI is."""
        if self.result is None:
            raise LookupError(f"the result is at {self.result_uri}")
        return self.result
