"""Examples in reports: what was said and heard, turns over time, sound to listen to, pictures to look at.

Everything is HTML; what comes from media and file names is escaped.
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
from IPython.display import HTML
from PIL import Image, ImageDraw, ImageOps

from containers.common.documents.speakers import Turn
from containers.common.errors import MediaError
from containers.common.media.audio import load_audio
from tasks.evaluation.words import WITHOUT_SPACES, normaliser

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


def differences(said: str, hypothesis: str, language: str | None = None, label: str = "said") -> str:
    """What was said as it was spoken, what was not heard marked as deleted, what was not said as inserted.

    Words are the same where the language's normaliser makes them so; they are shown as they were written.
    """
    same = normaliser(language)
    one, other = (_written(text, language) for text in (said, hypothesis))
    keys = [[same(word) or word for word in words] for words in (one, other)]
    space = "" if language in WITHOUT_SPACES else " "
    parts = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        spoken, written = space.join(one[a:b]), space.join(other[c:d])
        if kind == "equal" or (kind == "replace" and same(spoken) == same(written)):
            parts.append(escape(space.join(one[a:b])))
            continue
        if a < b:
            parts.append(f"<del>{escape(space.join(one[a:b]))}</del>")
        if c < d:
            parts.append(f"<ins>{escape(space.join(other[c:d]))}</ins>")
    head = f'<span class="label">{escape(label)}, <del>missed</del>, <ins>heard instead</ins></span>'
    return f"<p>{head}<br>{' '.join(parts) or 'nothing'}</p>"


def _written(text: str, language: str | None) -> list[str]:
    """Words; characters where words have no spaces between them."""
    return list("".join(text.split())) if language in WITHOUT_SPACES else text.split()


def turns(true: Sequence[Turn], found: Sequence[Turn]) -> str:
    """Two rows of bars over an axis of time, the true turns above; a speaker has one colour in both."""
    last = max([turn.end for turn in (*true, *found)], default=1.0)
    names = list(dict.fromkeys(turn.speaker for turn in sorted((*true, *found), key=lambda one: one.start)))
    true_ones = {turn.speaker for turn in true}
    names.sort(key=lambda name: name not in true_ones)
    bars = []
    for line, spoken in enumerate((true, found)):
        for turn in spoken:
            place = names.index(turn.speaker)
            bars.append(
                f'<rect x="{100 * turn.start / last:.2f}" width="{100 * (turn.end - turn.start) / last:.2f}" '
                f'y="{10 * line + place % 3 * 2.6:.1f}" height="2.4" fill="{_colour(place)}"/>'
            )
    step = _step(last)
    ticks = "".join(
        f'<span style="left:{100 * at / last:.2f}%">{clock(at)}</span>'
        for at in np.arange(0, last + step / 100, step)
        if at <= 0.97 * last
    )
    legend = "".join(
        f'<li><i style="background:{_colour(place)}"></i>{escape(name)}'
        f"{'' if name in true_ones else ' (nobody true)'}</li>"
        for place, name in enumerate(names)
    )
    return (
        f'<svg viewBox="0 0 100 18" preserveAspectRatio="none" width="100%" height="72" role="img" '
        f'aria-label="true turns above, found turns below, {last:.0f} seconds">{"".join(bars)}</svg>'
        f'<div class="axis" aria-hidden="true">{ticks}</div><ul class="legend">{legend}</ul>'
    )


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _step(seconds: float) -> float:
    """Seconds between the marks of a time axis: at most six of them."""
    for step in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800):
        if seconds / step <= 6:
            return step
    return 3600


def clock(seconds: float) -> str:
    """1:05, or 1:01:05 from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


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
        shown = ImageOps.exif_transpose(opened).convert("RGB")
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
