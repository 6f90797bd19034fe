"""What a person can choose about an analysis: every stage's options. Prefect shows these as a form."""

from collections import Counter
from typing import Self

from pydantic import ConfigDict, create_model, model_validator

from tasks.media.part import told
from tasks.outputs.writing import WritingOptions
from tasks.stages.chosen import check_names
from tasks.stages.common import StageOptions
from tasks.stages.registry import STAGES


def _of_all_stages() -> type[StageOptions]:
    """Raises ValueError when two stages have an option, or a validator, of one name."""
    common = set(StageOptions.model_fields)
    own = Counter(
        name
        for stage in STAGES.values()
        for name in (*stage.options.model_fields, *stage.options.__pydantic_decorators__.model_validators)
        if name not in common
    )
    if twice := sorted(name for name, times in own.items() if times > 1):
        raise ValueError(f"Two stages have options or validators named {', '.join(twice)}.")
    # pydantic lists the fields of the last base first.
    bases = tuple(stage.options for stage in reversed(STAGES.values()) if stage.options is not StageOptions)
    return create_model("OptionsOfAllStages", __base__=bases)


class AnalyzeOptions(WritingOptions, _of_all_stages()):
    """Defaults suit most media; every option that changes a result is part of its stage's key.

    Those of writing are part of none: they change files, for which no model runs.
    """

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _stages_are_there(self) -> Self:
        check_names([*self.only, *self.skip])
        return self

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> Self:
        if self.end is not None and self.end <= self.part.start:
            raise ValueError(f"The end, {told(self.end)}, is not after the start, {told(self.part.start)}")
        return self

    @property
    def writing(self) -> WritingOptions:
        return WritingOptions(**self.model_dump(include=set(WritingOptions.model_fields)))
