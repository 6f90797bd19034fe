"""What a stage says about itself. Order, keys, options, documents, checks and report are derived from it.

A stage is a folder of `tasks/stages` with a `stage.py` that holds one `STAGE`, and one line in `registry.py`.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tasks.stages.code import ROOT
from tasks.stages.common import NotInKey, StageOptions

if TYPE_CHECKING:
    from prefect import Task

    from tasks.checks.table import Table
    from tasks.media.decoded import Decoded
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput

Part = Literal["sound", "picture"]
Call = tuple["Task[..., Any]", Sequence[Any]]  # a task and its arguments


@dataclass(frozen=True)
class Inputs:
    """What a stage can be given."""

    media: Path
    decoded: "Decoded"
    found: Mapping[str, Any]  # the output of each earlier stage that succeeded, by its name
    options: Any  # of the stage's own class
    work: Path  # a folder that goes when the run has ended
    kept: Path  # the stage's own folder, which lasts as long as its result


class Stage(ABC):
    """Base of all stages. Methods import heavier files themselves: this one is part of `--help`."""

    name: ClassVar[str]
    about: ClassVar[str]  # what it finds, in a few words
    serves: ClassVar[str] = ""  # what people ask for: speech, speakers, sounds, faces, pictures
    image: ClassVar[str | None] = None  # the container whose models it calls
    reads: ClassVar[tuple[Part, ...]]  # without these in the media there is nothing to do
    needs: ClassVar[tuple[str, ...]] = ()  # stages whose output it is made of
    after: ClassVar[tuple[str, ...]] = ()  # stages whose output it uses where there is one
    options: ClassVar[type[StageOptions]] = StageOptions
    keeps: ClassVar[str] = ""  # the folder in the asset's cache with the files that its output names
    prewarm: ClassVar[bool] = False  # its image loads for seconds: it is started with the run
    software: ClassVar[tuple[str, ...]] = ()  # packages whose versions the manifest states
    unwanted: ClassVar[str] = "switched off"  # why it does not run where `wanted` says no
    section: ClassVar[str] = ""  # title of its part of the report, which is report.html.j2 in its folder

    @abstractmethod
    def call(self, given: Inputs) -> Call:
        """The Prefect task that finds it, with its arguments."""

    @abstractmethod
    def output(self) -> "type[StageOutput]":
        """What the task returns."""

    def wanted(self, options: Any) -> bool:
        """False where the options switch it off, or the store has no model for it."""
        return True

    def weights(self, options: Any) -> list[str]:
        """Catalogue ids of its models, known before anything is loaded."""
        return []

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of Findings that it fills; without any, its output is `Findings.of` its name."""
        return {}

    def documents(self, findings: "Findings", asset: str) -> dict[str, bytes]:
        """Its files in the asset folder, by name, that are made of findings alone."""
        return {}

    def files(self, findings: "Findings") -> dict[str, bytes | Path]:
        """Its other files there: what its task left in the asset's cache."""
        return {}

    def embeddings(self, findings: "Findings") -> list[dict[str, Any]]:
        """Its rows for embeddings.parquet: `model`, `vector` and `metadata` with its `kind`."""
        return []

    def tables(self) -> "Sequence[Table]":
        """The quality checks' tables of its documents, with their rules."""
        return ()

    def report(self, findings: "Findings") -> dict[str, Any]:
        """What its part of the report shows: `section` in its template."""
        return {}

    @property
    def folder(self) -> Path:
        return Path(inspect.getfile(type(self))).parent

    def limits(self) -> dict[str, float]:
        """Numbers from elsewhere than its options and its code that decide what it finds."""
        return {}

    @property
    def before(self) -> tuple[str, ...]:
        return (*self.needs, *self.after)

    def sources(self, root: Path = ROOT) -> list[Path]:
        """The code that its results depend on, with what that imports; how they are written down is not."""
        folder = root / self.folder.relative_to(ROOT)
        return [folder / "run.py", *([root / "containers" / self.image] if self.image else [])]

    @property
    def in_key(self) -> set[str]:
        """Names of its options that change what it finds."""
        own = {
            name: field
            for name, field in self.options.model_fields.items()
            if name not in StageOptions.model_fields
        }
        return {
            name
            for name, field in own.items()
            if not any(isinstance(mark, NotInKey) for mark in field.metadata)
        }
