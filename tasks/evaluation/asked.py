"""What is asked of an evaluation, looked at before a notebook is started: its model and its options."""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from containers.common.errors import UserError
from tasks.evaluation import pictures_and_sounds
from tasks.evaluation.analysis import CHAINS, Analysed, options_of
from tasks.evaluation.run import Kind
from tasks.evaluation.search import SearchOptions
from tasks.evaluation.speed import check_speed
from tasks.stages.registry import STAGES


def check_asked(kind: Kind, model: str, options: Mapping[str, Any]) -> None:
    """Raises UserError for a model or an option that this kind has not, in one sentence.

    Whether the store has the model, and whether FAISS knows a type of index, their images say.
    """
    try:
        if kind in get_args(Analysed):
            chosen = options_of(kind, model, options)  # type: ignore[arg-type]
            for stage in CHAINS[kind]:  # type: ignore[index]
                STAGES[stage].weights(chosen)
        elif kind in pictures_and_sounds.KINDS:
            pictures_and_sounds.check_asked(kind, model, options)
        elif kind == "search":
            SearchOptions.model_validate(dict(options))
        else:
            check_speed(model, options)
    except ValidationError as error:
        first = error.errors()[0]
        name = " ".join(map(str, first["loc"])) or "options"
        raise UserError(f"{name}: {first['msg'].removeprefix('Value error, ')}.") from None
