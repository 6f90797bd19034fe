"""What reports are made of: headline figures, tables, plots in one style, examples to look at and listen to.

Everything is HTML for `IPython.display`; what comes from media and file names is escaped.
"""

import base64
import difflib
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pandas as pd
from IPython.display import HTML
from PIL import Image, ImageDraw

from containers.common.errors import MediaError
from containers.common.media.audio import load_audio
from containers.pyannote.contract import Turn
from tasks.evaluation.run import ALL, Run

LONGEST = 20.0  # seconds of an example
RATE = 16_000
WIDTH = 900  # pixels of an example picture
INK, ACCENT, OTHER = "#1d1f24", "#0b6e69", "#c2631b"
COLOURS = [ACCENT, OTHER, "#2f6db5", "#6b4fa8", "#2e8b57", "#b23a6e"]
MARKED, FOUND = "#2bb673", "#ff8a1f"  # boxes of the truth and of the model


class Example(NamedTuple):
    """`parts` are HTML, such as `sound(...)`, `picture(...)` and `paragraph(...)`."""

    title: str
    figure: str
    parts: Sequence[str]


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
    return HTML(f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>')


def verdict(sentence: str, kind: str = "") -> HTML:
    return HTML(f'<p class="verdict {escape(kind)}">{escape(sentence)}</p>')


def examples(found: Iterable[Example]) -> HTML:
    items = (
        f'<li><h3>{escape(each.title)}</h3><p class="quiet">{escape(each.figure)}</p>'
        f"{''.join(each.parts)}</li>"
        for each in found
    )
    content = "".join(items)
    return HTML(f'<ul class="examples">{content}</ul>' if content else "<p>All of them are shown above.</p>")


def paragraph(label: str, text: str) -> str:
    return f'<p><span class="label">{escape(label)}</span><br>{escape(text)}</p>'


def differences(said: str, heard: str) -> str:
    """What was said, with what was not heard marked as deleted and what was not said as inserted."""
    one, other = said.split(), heard.split()
    parts = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            parts.append(escape(" ".join(one[a:b])))
            continue
        if a < b:
            parts.append(f"<del>{escape(' '.join(one[a:b]))}</del>")
        if c < d:
            parts.append(f"<ins>{escape(' '.join(other[c:d]))}</ins>")
    label = '<span class="label">said, <del>missed</del>, <ins>heard instead</ins></span>'
    return f"<p>{label}<br>{' '.join(parts)}</p>"


def turns(true: Sequence[Turn], found: Sequence[Turn]) -> str:
    """Two rows of bars over time, the true turns above; a colour a speaker."""
    last = max([turn.end for turn in (*true, *found)], default=1.0)
    bars = []
    for line, spoken in enumerate((true, found)):
        names = sorted({turn.speaker for turn in spoken})
        for turn in spoken:
            place = names.index(turn.speaker)
            bars.append(
                f'<rect x="{100 * turn.start / last:.2f}" width="{100 * (turn.end - turn.start) / last:.2f}" '
                f'y="{10 * line + place % 3 * 2.6:.1f}" height="2.4" fill="{COLOURS[place % len(COLOURS)]}"/>'
            )
    return (
        f'<svg viewBox="0 0 100 18" preserveAspectRatio="none" width="100%" height="72" role="img" '
        f'aria-label="true turns above, found turns below, {last:.0f} seconds">{"".join(bars)}</svg>'
    )


def sound(path: Path | str, label: str = "", start: float = 0, end: float | None = None) -> str:
    """A player with up to LONGEST seconds in it, MP3."""
    stop = min(start + LONGEST, end if end is not None else start + LONGEST)
    uri = path if isinstance(path, str) else path.as_uri()
    try:
        samples = load_audio(uri, RATE, start, stop)
    except MediaError as error:
        return paragraph(label, str(error))
    content = base64.b64encode(_mp3(samples)).decode()
    name = f'<span class="label">{escape(label)}</span>' if label else ""
    return f'{name}<audio controls preload="metadata" src="data:audio/mpeg;base64,{content}"></audio>'


def picture(path: Path, boxes: Iterable[tuple[Sequence[float], str]] = ()) -> str:
    """A picture with boxes (x, y, width, height; colour) drawn into it."""
    with Image.open(path) as opened:
        shown = opened.convert("RGB")
    draw, thick = ImageDraw.Draw(shown), max(3, shown.width // 250)
    for (x, y, width, height), colour in boxes:
        draw.rectangle((x, y, x + width, y + height), outline=colour, width=thick)
    shown.thumbnail((WIDTH, WIDTH))
    target = io.BytesIO()
    shown.save(target, "JPEG", quality=80)
    content = base64.b64encode(target.getvalue()).decode()
    return f'<img alt="{escape(path.name)}" src="data:image/jpeg;base64,{content}">'


def _mp3(samples: np.ndarray) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="mp3") as container:
        stream: Any = container.add_stream("mp3", rate=RATE, layout="mono")
        stream.bit_rate = 48_000
        scaled = (np.clip(samples, -1, 1) * 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(scaled[None], format="s16p", layout="mono")
        frame.sample_rate = RATE
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return target.getvalue()


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


def sentence(text: str) -> HTML:
    return HTML(f"<p>{escape(text)}</p>")
