"""One evaluation's results: a folder that a later one is compared with.

OUT/evaluations/<kind>/<run id>/
    report.html         what people open
    measures.parquet    a row a figure and group, with its interval: the tables of many runs can be joined
    items.parquet       a row an item; faces have pairs.parquet and clusters.parquet too
    hypotheses/         what the models found in each item: JSON, and RTTM or CTM
    run.json            what was measured with what
    notebook.ipynb      as it ran
"""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from containers.common.contract import ModelRef
from containers.common.errors import UserError
from tasks.evaluation.statistics import Estimate, Measure, estimate

Kind = Literal[
    "transcription", "diarization", "attribution", "denoising", "tagging", "faces", "video", "search", "speed"
]
ALL = "all"  # the group of every item
RECORD, FIGURES = "run.json", "measures.parquet"


class RunRecord(BaseModel):
    """`run.json`."""

    model_config = ConfigDict(extra="forbid")

    id: str
    kind: Kind
    created: datetime
    dataset: str
    digest: str
    model: str
    options: dict[str, Any] = {}
    models: list[ModelRef] = []
    tables: list[str] = []
    software: dict[str, str] = {}
    data: str = ""  # where the data set was
    scored_from: str = ""  # the run whose findings these are, where no model was asked


class Run:
    """Collects one evaluation's tables, then measures them and says what was measured."""

    def __init__(
        self, folder: str | Path, kind: Kind, dataset: Any, model: str, options: dict[str, Any] | None = None
    ) -> None:
        self.folder = Path(folder).absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tables: dict[str, pd.DataFrame] = {}
        self.models: list[ModelRef] = []
        self.record = RunRecord(
            id=self.folder.name.lstrip("."),
            kind=kind,
            created=datetime.now(UTC),
            dataset=dataset.name,
            digest=dataset.digest,
            model=model,
            options=options or {},
            data=str(getattr(dataset, "place", "")),
            software={"python": platform.python_version(), "prefect": version("prefect")},
        )

    def used(self, models: list[ModelRef]) -> None:
        """Notes which weights answered."""
        known = {model.id for model in self.models}
        self.models += [model for model in models if model.id not in known]

    def keep(self, rows: list[dict[str, Any]] | pd.DataFrame, table: str = "items") -> pd.DataFrame:
        """Writes the rows; each has an `item` and, where figures by group are wanted, a `group`."""
        frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows)
        frame.to_parquet(self.folder / f"{table}.parquet", index=False)
        self.tables[table] = frame
        return frame

    def measure(self, measures: list[Measure]) -> pd.DataFrame:
        """Every figure over all items and in each group, written with `run.json`."""
        rows = []
        for measure in measures:
            table = self.tables.get(measure.table)
            if table is None or table.empty:
                continue
            groups = {ALL: table}
            if "group" in table.columns and len(set(table["group"])) > 1:
                groups |= {str(name): part for name, part in table.groupby("group", sort=False)}
            for group, part in groups.items():
                found = estimate(part, measure)
                if np.isfinite(found.value):
                    rows.append(self._figure(measure, group, found))
        figures = pd.DataFrame(rows)
        figures.to_parquet(self.folder / FIGURES, index=False)
        self.record.models, self.record.tables = self.models, list(self.tables)
        (self.folder / RECORD).write_text(self.record.model_dump_json(indent=2), encoding="utf-8")
        return figures

    def _figure(self, measure: Measure, group: str, found: Estimate) -> dict[str, Any]:
        return {
            "kind": self.record.kind,
            "run": self.record.id,
            "created": self.record.created,
            "dataset": self.record.dataset,
            "digest": self.record.digest,
            "model": self.record.model,
            "group": group,
            "measure": measure.name,
            "title": measure.title,
            "unit": measure.unit,
            "digits": measure.digits,
            "better": measure.better,
            **found._asdict(),
        }


class FinishedRun(BaseModel):
    """A run that lies on disk."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    folder: Path
    record: RunRecord
    figures: pd.DataFrame

    @classmethod
    def open(cls, folder: str | Path) -> Self:
        """Raises UserError when there is no finished run in `folder`."""
        folder = Path(folder).absolute()
        try:
            record = RunRecord.model_validate_json((folder / RECORD).read_bytes())
            figures = pd.read_parquet(folder / FIGURES)
        except FileNotFoundError:
            raise UserError(f"{folder} holds no finished evaluation.") from None
        except (OSError, ValueError) as error:
            raise UserError(f"{folder} cannot be read: {str(error).splitlines()[0]}.") from None
        return cls(folder=folder, record=record, figures=figures)

    def table(self, name: str) -> pd.DataFrame | None:
        path = self.folder / f"{name}.parquet"
        return pd.read_parquet(path) if path.is_file() else None


def evaluations(output: Path) -> Path:
    return output.absolute() / "evaluations"


def new_run_id(model: str) -> str:
    """Sorts by time and says what was evaluated."""
    safe = "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in model)[:40]
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"[:18] + f"-{safe}"


def finished_runs(output: Path, kind: str) -> list[Path]:
    """Folders of an output's finished runs of a kind, the oldest first."""
    found = (evaluations(output) / kind).glob(f"*/{RECORD}")
    return sorted(path.parent for path in found if not path.parent.name.startswith("."))
