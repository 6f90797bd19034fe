"""How light pictures are."""

from containers.common.contract import Contract, Request, Score


class LightRequest(Request):
    images: list[str]


class LightResult(Contract):
    lights: list[Score]
