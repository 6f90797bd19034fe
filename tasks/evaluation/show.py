"""What reports are made of: headline figures, tables, plots in one style, examples to look at and listen to.

Everything is HTML for `IPython.display`; what comes from media and file names is escaped.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import HTML

from tasks.evaluation.run import ALL, Run
from tasks.evaluation.show_examples import ACCENT as ACCENT
from tasks.evaluation.show_examples import COLOURS as COLOURS
from tasks.evaluation.show_examples import FOUND as FOUND
from tasks.evaluation.show_examples import INK as INK
from tasks.evaluation.show_examples import MARKED as MARKED
from tasks.evaluation.show_examples import OTHER as OTHER
from tasks.evaluation.show_examples import Example as Example
from tasks.evaluation.show_examples import differences as differences
from tasks.evaluation.show_examples import examples as examples
from tasks.evaluation.show_examples import paragraph as paragraph
from tasks.evaluation.show_examples import picture as picture
from tasks.evaluation.show_examples import sound as sound
from tasks.evaluation.show_examples import turns as turns


def style() -> None:
    """Plots as vectors, in the report's colours. Glyphs that a plot's font lacks are drawn by the browser."""
    import warnings

    import matplotlib as mpl
    from cycler import cycler
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    set_matplotlib_formats("svg")
    warnings.filterwarnings("ignore", message="Glyph .* missing from font")
    mpl.rcParams.update(
        {
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.size": 11,
            "figure.figsize": (7.5, 3.6),
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": "#8a8d96",
            "axes.prop_cycle": cycler(color=COLOURS),
        }
    )


def facts(run: Run, dataset: Any, count: str) -> HTML:
    """What was evaluated on what."""
    models = ", ".join(f"{model.id} {model.revision}" for model in run.models) or run.record.model
    options = ", ".join(f"{name} {value}" for name, value in run.record.options.items())
    lines = [f"{run.record.created:%Y-%m-%d %H:%M} UTC", models, f"data set {dataset.name}: {count}", options]
    return HTML(f'<ul class="facts">{"".join(f"<li>{escape(line)}</li>" for line in lines if line)}</ul>')


def number(value: float, digits: int, unit: str = "") -> str:
    return "" if not np.isfinite(value) else f"{value:.{digits}f}{' ' + unit if unit else ''}"


def interval(row: Any) -> str:
    if not np.isfinite(row.low):
        return "no interval: one item"
    return f"{number(row.low, row.digits)} to {number(row.high, row.digits)}"


def headline(figures: pd.DataFrame, *names: str) -> HTML:
    """The most important figures, large, over all items."""
    chosen = [row for name in names for row in _rows(figures) if row.group == ALL and row.measure == name]
    tiles = (
        f"<li><span>{escape(row.title)}</span><b>{escape(number(row.value, row.digits, row.unit))}</b>"
        f"<span>{escape(interval(row))}</span></li>"
        for row in chosen
    )
    return HTML(f'<ul class="headline">{"".join(tiles)}</ul>')


def figure_table(figures: pd.DataFrame) -> HTML:
    """Every figure with its 95 % interval, over all items and by group."""
    rows = [
        {
            "measure": row.title,
            "group": row.group,
            "items": row.items,
            "value": number(row.value, row.digits, row.unit),
            "95 % interval": interval(row),
            "better": row.better,
        }
        for row in _rows(figures)
    ]
    return table(pd.DataFrame(rows), numbers=("items", "value", "95 % interval"))


def table(frame: pd.DataFrame, digits: int = 3, numbers: Sequence[str] = ()) -> HTML:
    """A table that scrolls on a narrow screen. Floats have `digits` digits."""
    right = {
        str(name)
        for name in frame
        if str(name) in numbers or pd.api.types.is_numeric_dtype(frame[name].dtype)
    }
    head = "".join(f"<th{_right(name, right)}>{escape(str(name))}</th>" for name in frame)
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_right(name, right)}>{_cell(value, digits)}</td>"
            for name, value in zip(frame, row, strict=True)
        )
        + "</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return HTML(f'<div class="wide" tabindex="0" role="group" aria-label="Table">{whole}</div>')


def verdict(sentence: str, kind: str = "") -> HTML:
    return HTML(f'<p class="verdict {escape(kind)}">{escape(sentence)}</p>')


def _rows(figures: pd.DataFrame) -> list[Any]:
    return list(figures.itertuples(index=False))


def _right(name: object, right: set[str]) -> str:
    return ' class="number"' if str(name) in right else ""


def _cell(value: object, digits: int) -> str:
    if isinstance(value, float):
        return escape(number(value, digits))
    return escape(str(value))


def by_group(figures: pd.DataFrame, name: str, label: str) -> None:
    """One figure in each group as points with their intervals; all items together below."""
    import matplotlib.pyplot as plt

    rows = [row for row in _rows(figures) if row.measure == name]
    if not rows:
        print(f"{label}: this data set has nothing to measure it by.")
        return
    rows.sort(key=lambda row: row.group == ALL)
    _figure, axes = plt.subplots(figsize=(7.5, 0.42 * len(rows) + 1.1))
    for place, row in enumerate(rows):
        colour = INK if row.group == ALL else ACCENT
        axes.plot(row.value, place, "o", color=colour)
        if np.isfinite(row.low):
            axes.plot([row.low, row.high], [place, place], color=colour, linewidth=2)
    axes.set_yticks(range(len(rows)), [f"{row.group} ({row.items})" for row in rows])
    axes.set_xlabel(f"{label}{', ' + rows[0].unit if rows and rows[0].unit else ''}; 95 % interval")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(axis="x", color="#e4e2dd")
    axes.set_axisbelow(True)
    plt.show()
    every = list(dict.fromkeys(figures["group"])) if len(figures) else []
    if lacking := [str(group) for group in every if group not in {row.group for row in rows}]:
        print(f"{label}: nothing to measure it by in {', '.join(lacking)}.")


def sentence(text: str) -> HTML:
    return HTML(f"<p>{escape(text)}</p>")
