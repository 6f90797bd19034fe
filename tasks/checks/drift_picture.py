"""Drift as a picture: a row a measure, over time on the left, recent against baseline on the right."""

import io
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tasks.checks.drift import UNITS, Frame

INK, QUIET, LINE, BEFORE, NOW, ALARM = "#1d1f24", "#66667a", "#e4e2dd", "#9a9da5", "#0b6e69", "#a4341f"
STEPS = (1, 7, 28, 91, 364)  # days a point stands for
MOST_POINTS = 60
ROW = 1.25  # inches


def draw_drift(measured: Frame, baseline: Frame, recent: Frame, drift: Frame) -> bytes:
    """PNG. `measured`, `baseline` and `recent` as `drift.measure` makes them, `drift` as `drift_table` does.

    Over time: the median of a day, a week or longer as a line, half of all values as a band, and half of the
    baseline's values as a grey one.
    """
    shown = [name for name in UNITS if (measured["measure"] == name).any()]
    verdicts = drift.set_index("asset")
    figure: Any = Figure(figsize=(10, ROW * len(shown) + 0.7), dpi=110, layout="constrained")
    axes: Any = figure.subplots(len(shown), 2, squeeze=False, width_ratios=[3, 1])
    step = _step(measured["created"])
    for (over_time, spread), name in zip(axes, shown, strict=True):
        own, before, now = (each[each["measure"] == name] for each in (measured, baseline, recent))
        _over_time(over_time, own, before, step)
        _spread(spread, before["value"], now["value"])
        _title(over_time, name, verdicts.loc[name] if name in verdicts.index else None)
        over_time.sharex(axes[0][0])
        over_time.tick_params(labelbottom=over_time is axes[-1][0])
        spread.set_xticks([])
    days = pd.Timedelta(days=1)
    axes[0][0].set_xlim(measured["created"].min().floor("D") - days, measured["created"].max() + step * days)
    locator = AutoDateLocator()
    axes[0][0].xaxis.set_major_locator(locator)
    axes[0][0].xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes[0][1].set_title("now (line) and before", loc="left", fontsize=8.5, color=QUIET, pad=3)
    every = {1: "a day", 7: "a week"}.get(step, f"{step} days")
    figure.supxlabel(
        f"one point {every}: the median and the middle half; grey: the baseline's middle half",
        fontsize=8,
        color=QUIET,
    )
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _step(created: Frame) -> int:
    days = (created.max() - created.min()).days + 1
    return next((step for step in STEPS if days / step <= MOST_POINTS), STEPS[-1])


def _over_time(axes: Any, own: Frame, before: Frame, step: int) -> None:
    bins: Any = pd.Grouper  # its annotations lack what it documents
    grouped = own.groupby(bins(key="created", freq=f"{step}D", origin="start_day"))["value"]
    points = grouped.quantile([0.25, 0.5, 0.75]).unstack().dropna()
    middle = points.index + pd.Timedelta(days=step / 2)
    if len(before):
        axes.axhspan(*before["value"].quantile([0.25, 0.75]), color=BEFORE, alpha=0.25, linewidth=0)
    axes.fill_between(middle, points[0.25], points[0.75], color=NOW, alpha=0.2, linewidth=0)
    axes.plot(middle, points[0.5], color=NOW, marker="o", markersize=3, linewidth=1.2)
    _plain(axes)


def _spread(axes: Any, before: Frame, now: Frame) -> None:
    """Both distributions as steps, each of area 1; the value goes upwards as in the picture beside.

    What is beyond the axis counts at its end: of two assets both are, one below and one above.
    """
    values = pd.concat([before, now])
    if not len(values):
        axes.set_axis_off()
        return
    edges = np.histogram_bin_edges(values, bins=20, range=tuple(values.quantile([0.01, 0.99])))
    before, now = before.clip(edges[0], edges[-1]), now.clip(edges[0], edges[-1])
    if len(before):
        axes.hist(before, edges, density=True, orientation="horizontal", color=BEFORE, alpha=0.5)
    if len(now):
        axes.hist(
            now, edges, density=True, orientation="horizontal", histtype="step", color=NOW, linewidth=1.4
        )
    _plain(axes)


def _title(axes: Any, name: str, verdict: Any) -> None:
    unit = f" ({UNITS[name]})" if UNITS[name] else ""
    axes.set_title(name + unit, loc="left", fontsize=9.5, color=INK, fontweight="bold", pad=3)
    if verdict is None:
        return
    drifted = verdict["psi"] > verdict["limit"]
    text = f"{'drifted: ' if drifted else ''}PSI {verdict['psi']:.2f}, limit {verdict['limit']:.2f}"
    axes.set_title(text, loc="right", fontsize=8.5, color=ALARM if drifted else QUIET, pad=3)


def _plain(axes: Any) -> None:
    axes.tick_params(labelsize=8, colors=QUIET, length=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.yaxis.set_major_locator(MaxNLocator(4))
