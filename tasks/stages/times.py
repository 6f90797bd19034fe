"""Times of a part's sound as those of the whole media."""

from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)
# Fields of the images' contracts that say when something is, from the start of what they were given.
TIMES = frozenset({"start", "end", "time", "start_time", "end_time", "duration"})


def later(model: Model, seconds: float) -> Model:
    """A copy in which everything is `seconds` later; `duration`, where the sound ends, too."""
    return _moved(model, seconds) if seconds else model


def _moved(value: Any, seconds: float) -> Any:
    if isinstance(value, BaseModel):
        changed = {
            name: round(held + seconds, 3) if name in TIMES else _moved(held, seconds)
            for name in type(value).model_fields
            if (held := getattr(value, name)) is not None
        }
        return value.model_copy(update=changed)
    if isinstance(value, list):
        return [_moved(each, seconds) for each in value] if _of_models(value) else value
    if isinstance(value, dict):
        return {key: _moved(each, seconds) for key, each in value.items()}
    return value


def _of_models(values: list[Any]) -> bool:
    """Not of numbers: embeddings are long."""
    return bool(values) and isinstance(values[0], BaseModel)
