"""What is near to a text in meaning: what was said, and what is to be seen. It loads models, in their images.

Whoever calls these has images running (`flows.runs.images.running_images`) or an endpoint configured.
"""

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from containers.common import storage
from containers.common.errors import UserError
from containers.common.index.delta import held_parts, list_delta
from containers.common.index.found import Filter, Match
from containers.common.index.versions import current
from containers.common.models.store import has_model
from tasks.index.ask import nearest
from tasks.search.place import Location
from tasks.search.question import MomentQuestion
from tasks.stages.meaning.query import SENTENCES, SIGLIP, embed_question

RANKED = 200  # of the nearest, which compete with what is found by words
FILTERED = 1000  # that are looked through where other parts have to hold too: what the index gives at most
CONSTANT = 60  # of reciprocal rank fusion


class Near(NamedTuple):
    """A stretch of an asset in seconds, and the cosine; of a picture its small one, in the asset's cache."""

    asset: str
    start: float
    end: float
    score: float
    thumbnail: str | None


def fuse(*ranks: int | None) -> float:
    """From 0 to 1: 1 for what every list has first (rank 0), None for what a list has not.

    Cormack, Clarke and Buettcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning
    methods", SIGIR 2009.
    """
    got = sum(1 / (CONSTANT + 1 + rank) for rank in ranks if rank is not None)
    return got * (CONSTANT + 1) / len(ranks)


def why_not(output: Location, model: str) -> str | None:
    """Why nothing can be found by a model, for people; None where it can."""
    if not has_model(model):
        return f"the model store has no {model}"
    if not _index_has_anything(_index(output, model)):
        return f"no asset was analysed with {model}"
    return None


def indexed_assets(output: Location, model: str) -> set[str]:
    """The assets that have vectors of a model."""
    uri = _index(output, model)
    version = current(uri)
    return {file.asset for file in list_delta(uri)} | set(held_parts(uri, version) if version else ())


def near_sentences(
    output: Location, question: MomentQuestion, assets: Collection[str], filtered: bool
) -> list[Near]:
    """What was said in these assets, the nearest to what `question` is about first."""
    vector = embed_question(str(question.about), SENTENCES)
    return _nearest(output, SENTENCES, vector, "text", question, assets, FILTERED if filtered else RANKED)


def near_pictures(output: Location, question: MomentQuestion, assets: Collection[str]) -> list[Near]:
    """Pictures of these assets, those first that show best what is to be `shown`. Raises UserError."""
    if reason := why_not(output, SIGLIP):
        raise UserError(
            f"Pictures cannot be found by words: {reason}. "
            f"`uv run python -m flows.models fetch {SIGLIP}`, then analyse again."
        )
    vector = embed_question(str(question.shown), SIGLIP)
    return _nearest(output, SIGLIP, vector, "picture", question, assets, max(RANKED, question.k))


def _index(output: Location, model: str) -> str:
    return storage.join(output, "index", model)


def _index_has_anything(uri: str) -> bool:
    return bool(current(uri) or list_delta(uri))


def _nearest(
    output: Location,
    model: str,
    vector: list[float],
    kind: str,
    question: MomentQuestion,
    assets: Collection[str],
    k: int,
) -> list[Near]:
    where = Filter(assets=sorted(assets), kinds=[kind], start=question.start, end=question.end)
    with tempfile.TemporaryDirectory() as folder:
        (found,) = nearest(_index(output, model), [vector], k, where, Path(folder, "matches.json"))
    return [_near(match) for match in found]


def _near(match: Match) -> Near:
    start = match.time or 0.0
    end = match.end if match.end is not None else start
    return Near(match.asset, start, end, match.score, match.metadata.get("thumbnail"))
