"""What a person can choose about a re-index. Light to import: Prefect is not needed to read it."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from containers.common import storage
from containers.common.inside import one_name


class ReindexOptions(BaseModel):
    """What a person can choose about a re-index. Prefect shows these as a form."""

    model_config = ConfigDict(extra="forbid")

    index: str | None = Field(
        default=None, description="folder or s3:// prefix of the indexes; `index` below the output when empty"
    )
    models: list[str] | None = Field(
        default=None, description="only these models' indexes, `words` is that of words; all when empty"
    )
    type: str | None = Field(
        default=None, description="FAISS factory string, IVF, HNSW or auto; what the index has when empty"
    )
    memory_mb: int | None = Field(
        default=None, ge=16, description="what auto's index may take; half of the image's memory when empty"
    )
    recall: float = Field(default=0.95, ge=0, le=1, description="recall@10 that a new version needs")
    keep_versions: int = Field(default=3, ge=2, description="versions kept, for going back")
    rebuild: bool = Field(default=False, description="build anew although adding would do")

    @model_validator(mode="after")
    def _names_are_plain(self) -> Self:
        if self.models is not None and not all(name and "/" not in name for name in self.models):
            raise ValueError("models are names without slashes")
        return self


def index_uri(output: str | Path, options: ReindexOptions, model: str) -> str:
    return storage.join(options.index or storage.join(output, "index"), one_name(model))
