"""All evaluations of an output over time: each model's figures by date, as a page and as one Parquet table.

OUT/evaluations/history.parquet has every row of every run's measures.parquet; history.html shows those over
all items. Runs of a data set that has changed since are apart: their figures are of another truth.
"""

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader

from containers.common import storage
from containers.common.errors import UserError
from tasks.asset.folder import explain_disk
from tasks.evaluation.run import ALL, FIGURES, RECORD, FinishedRun, evaluations

TEMPLATES = Path(__file__).parents[1] / "outputs" / "templates"
COLOURS = ["#0b6e69", "#c2631b", "#2f6db5", "#6b4fa8", "#2e8b57", "#b23a6e"]
INK, LINE = "#1d1f24", "#e4e2dd"
DRAWN = 3  # figures of a kind that are drawn; the table has all


class Section(NamedTuple):
    """Runs of one kind on one data set, the newest first; `pictures` are (title, data URI)."""

    title: str
    note: str
    columns: list[str]
    rows: list[list[str]]
    pictures: list[tuple[str, str]]


def write_history(output: Path) -> Path:
    """Writes history.parquet and history.html and returns the page.

    A folder that is no finished run is left out. Raises UserError when there is none, or the disk is full.
    """
    table = history(output)
    folder = evaluations(output)
    page = folder / "history.html"
    loader = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True)
    style = (TEMPLATES / "evaluation" / "evaluation.css").read_text(encoding="utf-8")
    content = loader.get_template("evaluation/history.html.j2").render(
        sections=list(_sections(table)), style=style, runs=table["run"].nunique()
    )
    with explain_disk(folder):
        with storage.writing((folder / "history.parquet").as_uri()) as path:
            table.to_parquet(path, index=False)
        with storage.writing(page.as_uri()) as path:
            path.write_text(content, encoding="utf-8")
    return page


def history(output: Path) -> pd.DataFrame:
    """A row a run, figure and group, the oldest run first, with the models' hashes and the options as text.

    Raises UserError when nothing has been evaluated into `output`.
    """
    parts = []
    for record in sorted(evaluations(output).glob(f"*/*/{RECORD}")):
        if record.parent.name.startswith(".") or not (record.parent / FIGURES).is_file():
            continue
        try:
            run = FinishedRun.open(record.parent)
        except UserError:
            continue
        options = ", ".join(f"{name} {value}" for name, value in run.record.options.items())
        weights = ", ".join(f"{model.id} {model.revision} {model.sha256[:12]}" for model in run.record.models)
        parts.append(run.figures.assign(options=options, weights=weights, folder=str(run.folder)))
    if not parts:
        raise UserError(f"Nothing has been evaluated into {output}.")
    return pd.concat(parts, ignore_index=True).sort_values(
        ["created", "run"], kind="stable", ignore_index=True
    )


def _sections(table: pd.DataFrame) -> Iterator[Section]:
    whole = table[table["group"] == ALL]
    groups: Any = whole.groupby(["kind", "dataset"], sort=True)
    for (kind, dataset), own in groups:
        digests = list(dict.fromkeys(own["digest"]))
        for number, digest in enumerate(reversed(digests)):
            part = own[own["digest"] == digest]
            first = f"{part['created'].min():%Y-%m-%d}"
            note = "" if len(digests) == 1 else f"the data set as it was from {first} on"
            if number == 0 and len(digests) > 1:
                note = f"the data set as it is since {first}"
            yield Section(f"{str(kind).capitalize()}: {dataset}", note, *_table(part), list(_pictures(part)))


def _table(part: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    titles = list(dict.fromkeys(part["title"]))
    rows = []
    for _, run in reversed(list(part.groupby("run", sort=False))):
        found: list[Any] = list(run.itertuples())
        by_title = {row.title: row for row in found}
        first: Any = next(iter(by_title.values()))
        figures = [_value(by_title[title]) if title in by_title else "" for title in titles]
        rows.append([f"{first.created:%Y-%m-%d %H:%M}", first.model, first.options or "none", *figures])
    return ["date", "model", "options", *titles], rows


def _value(row: Any) -> str:
    unit = f" {row.unit}" if row.unit else ""
    if not np.isfinite(row.low):
        return f"{row.value:.{row.digits}f}{unit}"
    return f"{row.value:.{row.digits}f}{unit} ({row.low:.{row.digits}f} to {row.high:.{row.digits}f})"


def _pictures(part: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """The first figures over time, a colour a model, with their 95 % intervals."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
    from matplotlib.figure import Figure

    models = list(dict.fromkeys(part["model"]))
    for title in list(dict.fromkeys(part["title"]))[:DRAWN]:
        rows: Any = part[part["title"] == title]
        figure: Any = Figure(figsize=(7.5, 2.6), layout="constrained")
        axes: Any = figure.subplots()
        for place, model in enumerate(models):
            own = rows[rows["model"] == model]
            colour = COLOURS[place % len(COLOURS)]
            axes.plot(own["created"], own["value"], "o-", color=colour, label=model, linewidth=1.2)
            known = own[np.isfinite(own["low"])]
            axes.vlines(known["created"], known["low"], known["high"], color=colour, alpha=0.5)
        if rows["created"].nunique() == 1:  # else it would be shown among years
            when, day = rows["created"].iloc[0], pd.Timedelta(days=1)
            axes.set_xlim(when - day, when + day)
        locator = AutoDateLocator()
        axes.xaxis.set_major_locator(locator)
        axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color=LINE)
        axes.legend(frameon=False, fontsize=9)
        unit = rows["unit"].iloc[0]
        axes.set_ylabel(f"{unit}" if unit else "")
        content = io.BytesIO()
        figure.savefig(content, format="svg")
        yield (
            f"{title} over time",
            f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}",
        )
