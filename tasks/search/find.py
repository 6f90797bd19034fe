"""Nearest vectors become moments: the frames of one face are one match, with all their times."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from containers.common.errors import UserError
from containers.common.index.found import Filter, Match
from containers.common.index.vectors import metric_of
from containers.common.models.embeddings import embeddings
from tasks.search.answer import Answer, Moment, Question
from tasks.search.library import Library
from tasks.search.query import QueryVectors, check_model, embed_query

MOST_FETCHED = 1000  # vectors a query: what the index gives at most
TIMES_SHOWN = 20


def find(library: Library, question: Question) -> tuple[Answer, QueryVectors]:
    """The `k` best moments for a face, picture, voice or sound, and what was searched for.

    Raises UserError with one sentence: no such index, another model, no face in the picture, two of them.
    """
    _check_span(question)
    assets = [library.asset_id(asset) for asset in question.assets]
    model = library.index_of(question.kind)
    check_model(model)
    query = embed_query(question, model)
    where = Filter(assets=assets or None, kinds=[question.kind], start=question.start, end=question.end)
    moments = _collect(library, question, model, query, where)
    measure = "1 - Euclidean distance" if metric_of(model) == "euclidean" else "cosine"
    answer = Answer(
        question=question, model=model, measure=measure, assets=len(library.assets), moments=moments
    )
    return answer, query


def _check_span(question: Question) -> None:
    if question.start is not None and question.end is not None and question.start >= question.end:
        raise UserError(f"Second {question.start:g} is not before second {question.end:g}.")


def _collect(
    library: Library, question: Question, model: str, query: QueryVectors, where: Filter
) -> list[Moment]:
    """Asks for more vectors until there are `k` moments, or no more."""
    fetched = min(MOST_FETCHED, max(50, 8 * question.k))
    with tempfile.TemporaryDirectory() as folder:
        while True:
            lists = library.nearest(
                model, query.vectors.tolist(), fetched, where, Path(folder, "matches.json")
            )
            found = sorted((match for matches in lists for match in matches), key=_badness(model))
            moments = _group(library, question, model, found)
            enough = question.min_score
            if enough is not None and any(moment.score < enough for moment in moments):
                return [moment for moment in moments if moment.score >= enough][: question.k]
            if len(moments) >= question.k or fetched == MOST_FETCHED or len(lists[0]) < fetched:
                return moments[: question.k]
            fetched = min(MOST_FETCHED, 4 * fetched)


def _badness(model: str) -> Callable[[Match], float]:
    if metric_of(model) == "euclidean":
        return lambda match: match.score
    return lambda match: -match.score


def _group(library: Library, question: Question, model: str, found: list[Match]) -> list[Moment]:
    moments: dict[tuple[str, str | None], Moment] = {}
    for match in found:
        if match.asset not in library.assets or not library.is_searched(match.asset):
            continue  # its folder was removed, or is not to be found; the next re-index takes the vectors out
        label = label_of(match)
        key = (match.asset, label if label else match.id)
        if key in moments:
            times = moments[key].times
            if match.time is not None and match.time not in times and len(times) < TIMES_SHOWN:
                times.append(match.time)
            continue
        person = library.person(match.asset, label)
        if not _is_meant(library, question.label, match, person):
            continue
        moments[key] = Moment(
            score=round(1 - match.score if metric_of(model) == "euclidean" else match.score, 4),
            same=_is_same(model, match.score),
            asset=match.asset,
            media=library.media(match.asset),
            kind=question.kind,
            label=label,
            person=person,
            times=[] if match.time is None else [match.time],
            end=match.end,
            thumbnail=library.picture(match.asset, match.metadata.get("thumbnail")),
            report=library.report(match.asset),
        )
    return list(moments.values())


def label_of(match: Match) -> str | None:
    """The appearance's label, as `tasks.people` has it."""
    if match.kind == "face":
        number = match.id.rpartition("#")[2]
        return f"face{match.track}" if match.track is not None else f"single{number}"
    return match.label if match.kind == "voice" else None


def _is_same(model: str, score: float) -> bool | None:
    """None where nobody measured up to which distance two are the same, as for DINOv2's pictures."""
    embedding = embeddings().get(model)
    if embedding is None or embedding.threshold is None:
        return None
    return embedding.distance(score) <= embedding.threshold


def _is_meant(library: Library, wanted: str | None, match: Match, person: str | None) -> bool:
    """Whether the moment has the label: its speaker's or person's, or that of a sound heard meanwhile."""
    if wanted is None or wanted in (match.label, person):
        return True
    start = match.time or 0.0
    end = match.end if match.end is not None else start
    return any(
        event.label == wanted and event.start_time <= end and start <= event.end_time
        for event in library.sounds(match.asset).predictions
    )
