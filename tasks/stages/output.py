"""What every stage's result carries, and the key under which a finished stage is kept."""

import hashlib
import json
from typing import Any

from pydantic import BaseModel

from containers.common.contract import Answer, ModelRef
from containers.common.models.store import catalogue


class StageOutput(BaseModel):
    """Base of every task's result: which models made it and what it cost."""

    models: list[ModelRef] = []
    load_seconds: float = 0
    compute_seconds: float = 0

    @property
    def summary(self) -> str:
        """What was found, in a few words for a person."""
        return ""

    @property
    def figures(self) -> dict[str, float | str | bool | None]:
        """What the stage measured or decided, for the manifest."""
        return {}

    def add_cost(self, answer: "Answer[Any] | StageOutput") -> None:
        """Adds the models and times of one image call, or of several."""
        known = {model.id for model in self.models}
        self.models += [model for model in answer.models if model.id not in known]
        self.load_seconds += answer.load_seconds
        self.compute_seconds += answer.compute_seconds


def stage_key(stage: str, content: str, options: dict[str, Any], models: list[str], code: str) -> str:
    """The same key means the same result: same media, options, weights and code.

    `content` names the input: the media's SHA-256 or the keys of the stages before; `code` is a hash.
    """
    parts = {
        "content": content,
        "options": options,
        "models": {model: catalogue()[model].sha256 for model in models if model in catalogue()},
        "code": code,
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return f"{stage}-{digest[:24]}"
