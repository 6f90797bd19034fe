"""Recommendation: which assets are like this one, by the mixture of their faces, voices and sounds.

    like(A, B) = mean of the parts that A has, each from 0 to 1 and counted alike:
    faces   sum over A's faces f of n(f) · near(f, B), divided by the sum of n(f)
    voices  the same over A's voices
    sounds  cosine of the seconds that each label is heard for in A and in B

n is how many sampled frames show the face (1 for a voice). near(f, B) is 1 where B's nearest vector is
within the limit up to which two are the same person (the catalogue's), 0 from 1.2 times that limit on,
where most are strangers, and a straight line between.
"""

import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from containers.common.index.found import Filter, Match
from containers.common.models.embeddings import embeddings
from tasks.people.appearances import Appearance
from tasks.search.answer import Answer, Moment, Question
from tasks.search.library import Library

FADES_OUT = 1.2  # times the limit
QUERIES = 32  # a call
FETCHED = 1000  # vectors a query


def find_like(library: Library, question: Question) -> Answer:
    """The `k` assets most like the question's, those without anything in common left out."""
    asset = library.asset_id(question.query)
    others = [library.asset_id(wanted) for wanted in question.assets] or library.assets
    others = [other for other in others if other != asset]
    parts: dict[str, dict[str, float]] = {}
    appearances = library.appearances(asset)
    for kind in ("face", "voice"):
        own = [each for each in appearances if each.kind == kind]
        if own and others:
            parts[f"{kind}s"] = _shared_people(library, own, others)
    if sounds := seconds_by_sound(library, asset):
        parts["sounds"] = {other: _cosine(sounds, seconds_by_sound(library, other)) for other in others}
    moments = []
    for other in others:
        scores = {name: round(found.get(other, 0.0), 4) for name, found in parts.items()}
        score = sum(scores.values()) / max(1, len(scores))
        if score > 0 and score >= (question.min_score or 0):
            moments.append(_moment(library, other, round(score, 4), scores))
    moments.sort(key=lambda moment: (-moment.score, moment.asset))
    return Answer(
        question=question,
        model=", ".join(sorted({each.model for each in appearances} | ({"tags.json"} if sounds else set()))),
        measure=f"mean of {', '.join(parts)}" if parts else "nothing to compare",
        assets=len(library.assets),
        moments=moments[: question.k],
    )


def near(distance: float, limit: float) -> float:
    """1 up to the limit, 0 from FADES_OUT times the limit on."""
    return float(np.clip((FADES_OUT * limit - distance) / ((FADES_OUT - 1) * limit), 0, 1))


def seconds_by_sound(library: Library, asset: str) -> dict[str, float]:
    """Label to seconds, from tags.json."""
    by_label: defaultdict[str, float] = defaultdict(float)
    for event in library.sounds(asset).predictions:
        by_label[event.label] += event.end_time - event.start_time
    return by_label


def _shared_people(library: Library, own: list[Appearance], others: list[str]) -> dict[str, float]:
    """Asset to the part of these appearances that it has too."""
    weights = [each.seen if each.kind == "face" else 1 for each in own]
    shared: defaultdict[str, float] = defaultdict(float)
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, len(own), QUERIES):
            batch = own[first : first + QUERIES]
            for model in {each.model for each in batch}:
                asked = [(number, each) for number, each in enumerate(batch, first) if each.model == model]
                found = library.nearest(
                    model,
                    [each.vector.tolist() for _, each in asked],
                    FETCHED,
                    Filter(assets=others),
                    Path(folder, "matches.json"),
                )
                for (number, _), matches in zip(asked, found, strict=True):
                    for other, strength in _best(matches, model).items():
                        shared[other] += weights[number] * strength
    return {other: total / sum(weights) for other, total in shared.items()}


def _best(matches: list[Match], model: str) -> dict[str, float]:
    embedding = embeddings()[model]
    best: dict[str, float] = {}
    for match in matches:
        strength = near(embedding.distance(match.score), embedding.limit)
        best[match.asset] = max(best.get(match.asset, 0.0), strength)
    return best


def _cosine(one: dict[str, float], other: dict[str, float]) -> float:
    dot = sum(seconds * other.get(label, 0.0) for label, seconds in one.items())
    lengths = [sum(seconds**2 for seconds in each.values()) ** 0.5 for each in (one, other)]
    return dot / (lengths[0] * lengths[1]) if all(lengths) else 0.0


def _moment(library: Library, asset: str, score: float, parts: dict[str, float]) -> Moment:
    return Moment(
        score=score,
        asset=asset,
        media=library.media(asset),
        kind="like",
        thumbnail=library.thumbnail(asset),
        report=library.report(asset),
        parts=parts,
    )
