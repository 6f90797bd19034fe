"""Models from where they are published to the store, checked."""

from typing import Literal

from pydantic import Field

from containers.common.contract import Contract, Request


class FetchedModel(Contract):
    id: str
    status: Literal["fetched", "present", "failed"]
    bytes_moved: int = 0
    reason: str | None = Field(default=None, description="one sentence, when failed")


class FetchResult(Contract):
    models: list[FetchedModel]


class FetchRequest(Request):
    models: list[str] = Field(default=[], description="catalogue ids")
    profile: str | None = Field(
        default=None, description="every model of this profile; `starter` when no models are named either"
    )
