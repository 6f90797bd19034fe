"""Everybody on one page that opens from disk: who they are, where, and what can be said of them."""

import base64
import hashlib
import json
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
from markupsafe import Markup

from containers.common import storage
from containers.common.inside import existing, inside
from containers.common.models.embeddings import embeddings
from tasks.asset.folder import Asset
from tasks.outputs.environment import TEMPLATES, page_environment, read_style
from tasks.outputs.report_view import clock, span
from tasks.people.appearances import Appearance, read_appearances
from tasks.people.recognise import Group, tell
from tasks.people.store import load_people, people_folder

PAGE = "people.html"
MOST_SHOWN = 200  # people of a kind, pictures are inside the page
MOST_DOUBTFUL, COMPARED = 9, 400
DOUBT = 1.15  # times the limit: two people that near may be one
FOUND = "found.json"


class Place(NamedTuple):
    """An asset in which somebody is."""

    name: str
    report: str
    times: list[float]


class Card(NamedTuple):
    """One person of the page."""

    group: Group
    picture: str | None
    places: list[Place]
    voice: str | None  # of the media, as an audio element plays it

    @property
    def ref(self) -> str:
        person = self.group.person
        return self.group.ref if person is None else f"id:{person.id}"

    @property
    def name(self) -> str | None:
        return self.group.person and (self.group.person.name or self.group.person.id)

    @property
    def seconds(self) -> float:
        return sum(each.end - each.start for each in self.group.appearances)

    @property
    def doubted(self) -> str | None:
        """The appearance that is least like the others: the one that may be somebody else."""
        own = [each for each in self.group.appearances if each.model == self.group.appearances[0].model]
        if len(own) < 2:
            return None
        mean = np.mean([each.vector for each in own], axis=0)
        return max(own, key=lambda each: float(np.linalg.norm(each.vector - mean))).ref


def write_page(output: Path, page: Path | None = None) -> Path:
    """Writes the page, below `output` in `people` when `page` is not given, and returns where it lies."""
    page = page or people_folder(output) / PAGE
    storage.write_bytes(storage.as_uri(page), render_page(output, page).encode())
    return page


def refresh_page(output: Path) -> None:
    """Writes the page again where there is one: it shows nobody who was hidden or forgotten."""
    page = people_folder(output) / PAGE
    if page.is_file():
        write_page(output, page)


def render_page(output: Path, page: Path) -> str:
    """The page that will lie at `page`; links are relative, so that it may move with the output folder."""
    told = tell(read_appearances(output), load_people(output))
    view = _View(output.absolute(), page.absolute().parent)
    groups = [group for group in told.groups if group.appearances and not group.hidden]
    known = [group for group in groups if group.person]
    unknown = [group for group in groups if not group.person]
    script = (TEMPLATES / "people.js").read_text(encoding="utf-8")
    environment = page_environment(clock=clock, span=span, q=shlex.quote)
    return environment.get_template("people.html.j2").render(
        known=[view.card(group) for group in known[:MOST_SHOWN]],
        unknown=[view.card(group) for group in unknown[:MOST_SHOWN]],
        known_count=len(known),
        unknown_count=len(unknown),
        hidden_count=sum(group.hidden for group in told.groups),
        unclear=[picture for each in told.unclear[:MOST_SHOWN] if (picture := view.picture([each]))],
        unclear_count=len(told.unclear),
        doubtful=[
            (view.card(one), view.card(other), distance) for one, other, distance in doubtful_pairs(groups)
        ],
        command=f"uv run python -m flows.people {{}} {shlex.quote(str(output))}",
        style=read_style("report.css", "people.css"),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def doubtful_pairs(groups: Sequence[Group]) -> list[tuple[Group, Group, float]]:
    """Two people who are nearly near enough to be one, the nearest first, with their mean distance."""
    found: list[tuple[Group, Group, float]] = []
    for model, embedding in embeddings().items():
        own = [
            (group, vectors)
            for group in groups
            if len(vectors := np.array([each.vector for each in group.appearances if each.model == model]))
        ][:COMPARED]
        if len(own) < 2 or embedding.threshold is None:
            continue
        means = np.array([vectors.mean(0) for _, vectors in own])
        squares = np.array([(vectors**2).sum(1).mean() for _, vectors in own])
        apart = np.maximum(squares[:, None] + squares[None] - 2 * means @ means.T, 0)
        apart = apart / 2 if embedding.metric == "cosine" else np.sqrt(apart)
        ones, others = np.triu_indices(len(own), 1)
        near = np.flatnonzero(apart[ones, others] <= DOUBT * embedding.limit)
        for place in near[np.argsort(apart[ones[near], others[near]])][: 4 * MOST_DOUBTFUL]:
            one, other = own[ones[place]][0], own[others[place]][0]
            if not _at_once(one, other):
                found.append((one, other, float(apart[ones[place], others[place]])))
    return sorted(found, key=lambda pair: pair[2])[:MOST_DOUBTFUL]


def _at_once(one: Group, other: Group) -> bool:
    """Whether they are seen together, so that they cannot be one."""
    spans = [(each.asset, each.start, each.end) for each in other.appearances if each.kind == "face"]
    return any(
        asset == each.asset and start <= each.end and each.start <= end
        for each in one.appearances
        if each.kind == "face"
        for asset, start, end in spans
    )


class _View:
    """What the page shows of assets: pictures inside it, reports and media as links."""

    def __init__(self, output: Path, folder: Path) -> None:
        self._output, self._folder = output, folder
        self._names: dict[str, str] = {}
        self._media: dict[str, str | None] = {}

    def card(self, group: Group) -> Card:
        return Card(group, self.picture(group.appearances), list(self._places(group)), self._voice(group))

    def picture(self, appearances: Sequence[Appearance]) -> str | None:
        """The best that is left, as a data URI."""
        seen = [each for each in appearances if each.thumbnail]
        for each in sorted(seen, key=lambda each: -float(each.weights.max())):
            if path := existing(self._output / ".cache", each.asset, str(each.thumbnail)):
                return "data:image/jpeg;base64," + base64.b64encode(path.read_bytes()).decode()
        return None

    def _places(self, group: Group) -> Iterator[Place]:
        times: dict[str, list[float]] = {}
        for each in group.appearances:
            times.setdefault(each.asset, []).append(each.start)
        for asset, own in times.items():
            report = inside(self._output, asset, "report.html")
            yield Place(self._name(asset), quote(os.path.relpath(report, self._folder)), sorted(own))

    def _name(self, asset: str) -> str:
        if asset not in self._names:
            manifest = Asset(output=self._output, id=asset).manifest()
            self._names[asset] = manifest.media.name if manifest else asset[:8]
        return self._names[asset]

    def _voice(self, group: Group) -> str | None:
        voice = next((each for each in group.appearances if each.kind == "voice"), None)
        source = voice and self._source(voice.asset)
        return f"{source}#t={voice.start:.2f},{voice.start + 8:.2f}" if voice and source else None

    def _source(self, asset: str) -> str | None:
        """The media's URI, where it is known and a browser may play it."""
        if asset not in self._media:
            self._media[asset] = _media_of(Asset(output=self._output, id=asset))
        return self._media[asset]


def _media_of(asset: Asset) -> str | None:
    try:
        media = str(json.loads((asset.cache / FOUND).read_bytes())["media"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None  # analysed elsewhere, or its findings are gone
    if media.startswith(("http://", "https://")):
        return media
    return None if "://" in media else Path(media).absolute().as_uri()
