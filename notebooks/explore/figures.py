"""Figures that answer the cursor: plotly's script is inside its package, so they work without a network."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from PIL import Image
from plotly.subplots import make_subplots

from containers.common.documents.faces import Face
from notebooks.explore.opened import RATE, OpenedAsset
from tasks.outputs.report_view import clock, speaker_name

COLOURS = ["#2f6db5", "#a85413", "#6b4fa8", "#27774b", "#b23a6e", "#7d6914", "#237485", "#7a5c48"]
QUIET, ACCENT = "#8a8d95", "#0b6e69"
MOST_POINTS = 4000  # of a waveform: the smallest and the largest sample of each stretch
MOST_SOUNDS = 8


def draw_asset(opened: OpenedAsset) -> go.Figure:
    """Waveform, words, turns, sounds and faces over one time axis; what is said is under the cursor."""
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.03, row_heights=[3, 1, 4])
    _waveform(figure, opened)
    _words(figure, opened)
    lanes: dict[str, list[tuple[float, float, str]]] = {}
    for turn in opened.diarization.turns:
        name = speaker_name(turn.speaker)
        lanes.setdefault(name, []).append((turn.start, turn.end, name))
    sounds: dict[str, list[tuple[float, float, str]]] = {}
    for event in opened.tags.predictions:
        text = f"{event.label} {event.score:.2f}"
        sounds.setdefault(event.label, []).append((event.start_time, event.end_time, text))
    longest = sorted(sounds, key=lambda label: -sum(end - start for start, end, _ in sounds[label]))
    lanes |= {label: sounds[label] for label in longest[:MOST_SOUNDS]}
    for track in opened.faces.tracks:
        who = track.name or track.person or f"face {track.id}"
        text = f"{who}, {track.gender}, {track.age.mean:.0f}"
        lanes.setdefault("faces", []).append((track.start, max(track.end, track.start + 0.2), text))
    _bars(figure, lanes)
    figure.update_layout(
        height=330 + 26 * len(lanes), margin={"l": 10, "r": 10, "t": 10, "b": 30}, template="plotly_white"
    )
    figure.update_layout(showlegend=False, barmode="overlay", bargap=0.3, hovermode="closest")
    figure.update_yaxes(visible=False, row=2, col=1)
    figure.update_yaxes(title="sound", showticklabels=False, row=1, col=1)
    figure.update_xaxes(title="seconds", row=3, col=1)
    figure.update_xaxes(range=[opened.manifest.start, opened.manifest.end])
    return figure


def _waveform(figure: go.Figure, opened: OpenedAsset) -> None:
    sound = opened.sound()
    every = max(1, -(-2 * len(sound) // MOST_POINTS))
    whole = sound[: len(sound) // every * every].reshape(-1, every)
    times = np.arange(len(whole)) * every / RATE
    said = [_said(opened, time) for time in times]
    for values, fill in ((whole.min(1), None), (whole.max(1), "tonexty")):
        figure.add_scatter(
            x=times,
            y=values,
            mode="lines",
            line={"color": ACCENT, "width": 0.5},
            fill=fill,
            text=said,
            hovertemplate="%{x:.2f} s<br>%{text}<extra></extra>",
            row=1,
            col=1,
        )


def _said(opened: OpenedAsset, time: float) -> str:
    spoken = [each for each in opened.transcript.segments if each.start <= time <= each.end]
    return "<br>".join(f"{_who(each.speaker)}{_escape(each.text.strip())}" for each in spoken)


def _words(figure: go.Figure, opened: OpenedAsset) -> None:
    words = [word for segment in opened.transcript.segments for word in segment.words]
    figure.add_bar(
        x=[word.end - word.start for word in words],
        base=[word.start for word in words],
        y=[0] * len(words),
        orientation="h",
        text=[_escape(word.word.strip()) for word in words],
        customdata=[(word.end, word.score, _who(word.speaker)) for word in words],
        hovertemplate="<b>%{text}</b><br>%{customdata[2]}%{base:.2f} to %{customdata[0]:.2f} s, "
        "score %{customdata[1]:.2f}<extra></extra>",
        marker={"color": [word.score for word in words], "colorscale": "Teal", "cmin": 0, "cmax": 1},
        textposition="inside",
        insidetextanchor="middle",
        constraintext="inside",
        textangle=0,
        row=2,
        col=1,
    )


def _bars(figure: go.Figure, lanes: Mapping[str, Sequence[tuple[float, float, str]]]) -> None:
    for number, (name, spans) in enumerate(lanes.items()):
        figure.add_bar(
            x=[end - start for start, end, _ in spans],
            base=[start for start, _, _ in spans],
            y=[_escape(name)] * len(spans),
            orientation="h",
            customdata=[(_escape(text), clock(start), clock(end)) for start, end, text in spans],
            hovertemplate="%{customdata[0]}<br>%{customdata[1]} to %{customdata[2]}<extra></extra>",
            marker={"color": COLOURS[number % len(COLOURS)], "opacity": 0.75},
            row=3,
            col=1,
        )
    figure.update_yaxes(autorange="reversed", row=3, col=1)


def draw_faces(picture: Image.Image, faces: Sequence[Face], labels: Sequence[str] = ()) -> go.Figure:
    """Boxes on a frame; age, gender and expressions are under the cursor."""
    figure = go.Figure()
    figure.add_layout_image(
        source=picture, x=0, y=0, sizex=picture.width, sizey=picture.height, xref="x", yref="y", layer="below"
    )
    for number, face in enumerate(faces):
        box, person = face.detection.box, face.ageAndGender
        likeliest = sorted(face.expressions.items(), key=lambda item: -item[1])[:3]
        text = "<br>".join(
            [
                f"{person.gender} {person.genderProbability:.0%}, {person.age:.0f}",
                *(f"{name} {score:.0%}" for name, score in likeliest),
                f"detector {face.detection.score:.2f}",
            ]
        )
        across = [box.x, box.x + box.width, box.x + box.width, box.x, box.x]
        down = [box.y, box.y, box.y + box.height, box.y + box.height, box.y]
        figure.add_scatter(
            x=across,
            y=down,
            mode="lines",
            fill="toself",
            fillcolor="rgba(0,0,0,0)",
            line={"color": COLOURS[number % len(COLOURS)], "width": 3},
            hoveron="fills",
            hoverinfo="text",
            text=text,
        )
        if number < len(labels):
            figure.add_annotation(
                x=box.x, y=box.y, text=_escape(labels[number]), yanchor="bottom", showarrow=False
            )
            figure.layout.annotations[-1].update(bgcolor="white", xanchor="left")
    figure.update_xaxes(visible=False, range=[0, picture.width])
    figure.update_yaxes(visible=False, range=[picture.height, 0], scaleanchor="x")
    figure.update_layout(
        height=460, margin={"l": 0, "r": 0, "t": 0, "b": 0}, showlegend=False, template="plotly_white"
    )
    return figure


def draw_pictures(pictures: Sequence[Image.Image], captions: Sequence[str], across: int = 8) -> go.Figure:
    """Small pictures in rows, each with a caption."""
    down = -(-len(pictures) // across)
    figure = make_subplots(
        rows=max(1, down),
        cols=across,
        subplot_titles=[_escape(caption) for caption in captions],
        horizontal_spacing=0.01,
        vertical_spacing=0.12 / max(1, down),
    )
    for number, picture in enumerate(pictures):
        small = picture.convert("RGB").resize((120, 120))
        figure.add_trace(
            go.Image(z=np.asarray(small), hoverinfo="skip"), number // across + 1, number % across + 1
        )
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.update_annotations(font_size=11)
    figure.update_layout(
        height=155 * max(1, down) + 20, margin={"l": 0, "r": 0, "t": 25, "b": 0}, template="plotly_white"
    )
    return figure


def draw_comparison(table: Any, measures: Sequence[str]) -> go.Figure:
    """A bar a row of `table` (its index names it) for each of the measures."""
    figure = make_subplots(rows=1, cols=len(measures), subplot_titles=list(measures), horizontal_spacing=0.12)
    for number, name in enumerate(measures, 1):
        figure.add_bar(
            x=table[name], y=[str(each) for each in table.index], orientation="h", row=1, col=number
        )
    figure.update_traces(marker_color=ACCENT)
    figure.update_layout(
        height=110 + 34 * len(table),
        margin={"l": 10, "r": 10, "t": 30, "b": 20},
        showlegend=False,
        template="plotly_white",
    )
    return figure


def _who(speaker: str | None) -> str:
    return f"{_escape(speaker_name(speaker))}: " if speaker else ""


def _escape(text: str) -> str:
    """Plotly reads a few HTML tags in its texts; what came from media has none."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
