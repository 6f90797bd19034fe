"""Questions that compare meanings, or pictures with words: what models find joins what words find."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from containers.common.errors import UserError
from tasks.search.candidates import Candidate, Stretch, Units, Where, by_words, said_then, stretches, where_of
from tasks.search.describe import Asked, describe, picture_at
from tasks.search.meaning import Near, fuse, indexed_assets, near_pictures, near_sentences, why_not
from tasks.search.moments import rate, with_words
from tasks.search.question import FoundMoment
from tasks.search.said import any_of, parse, ways
from tasks.search.vocabulary import IndexTerms
from tasks.stages.meaning.query import SENTENCES
from tasks.words.store import Held, OpenFile

Files = Sequence[tuple[OpenFile, list[int]]]
Note = Callable[[str], object]


class Rated(NamedTuple):
    """A segment, and how near it is in meaning where it was compared."""

    score: float
    found: Candidate
    cosine: float | None


def find_by_meaning(asked: Asked, files: Files, note: Note) -> list[FoundMoment]:
    """The `k` best moments of a question with `about`, `shown` or both. Raises UserError."""
    question = asked.question
    pictures = _pictures(asked, files) if question.shown is not None else None
    if not (question.said or question.about or question.by or question.language):
        return _shown_alone(asked, files, pictures or [])[: question.k]
    asked = with_words(asked, [file for file, _ in files])
    wheres = [
        (file, where_of(file, allowed, asked, _stretches_of(file, pictures))) for file, allowed in files
    ]
    if question.about is None:
        rated = [Rated(each.quality, each, None) for each in rate(asked, wheres)]
    else:
        asked, rated = _about(asked, wheres, note)
    if pictures is not None:
        rated = _best_shown(rated, pictures)
    return [_described(asked, each, pictures or []) for each in rated[: question.k]]


Picture = tuple[OpenFile, Held, Near]


def _pictures(asked: Asked, files: Files) -> list[Picture]:
    served = _served(files)
    found = near_pictures(asked.place, asked.question, served)
    return [
        (file, held, near._replace(end=_until(file, held, near)))
        for near in found
        if near.asset in served
        for file, held in (served[near.asset],)
    ]


def _until(file: OpenFile, held: Held, near: Near) -> float:
    """A picture stays until another comes: `near.end` is when it was last looked at."""
    query = "SELECT min(start) FROM spans WHERE asset = ? AND kind = 'picture' AND start > ?"
    (following,) = file.connection.execute(query, (held.number, near.end)).fetchone()
    return max(near.end, held.duration if following is None else following)


def _served(files: Files) -> dict[str, tuple[OpenFile, Held]]:
    return {
        file.assets[number].asset: (file, file.assets[number])
        for file, allowed in files
        for number in allowed
    }


def _stretches_of(
    file: OpenFile, pictures: Sequence[Picture] | None
) -> list[tuple[int, float, float]] | None:
    if pictures is None:
        return None
    return [(held.number, near.start, near.end) for of, held, near in pictures if of is file]


def _about(asked: Asked, wheres: Sequence[tuple[OpenFile, Where]], note: Note) -> tuple[Asked, list[Rated]]:
    """Segments by any of the words and by meaning, fused; by words alone where there is no model."""
    terms = IndexTerms([file.connection for file, _ in wheres])
    try:
        units = [(unit, ways(unit, terms)) for unit in parse(str(asked.question.about)) if not unit.out]
    except UserError:  # no word in it, perhaps a meaning
        units = []
    ranks: dict[tuple[int, int], list[int | None]] = {}
    found: dict[tuple[int, int], Candidate] = {}
    for rank, each in enumerate(_by_any_word(asked, wheres, units)):
        found[_key(each)], ranks[_key(each)] = each, [rank, None]
    cosines: dict[tuple[int, int], float] = {}
    if compared := _can_compare(asked, wheres, note):
        for each, cosine in _by_nearness(asked, wheres):
            if (key := _key(each)) not in cosines:
                found.setdefault(key, each)
                ranks.setdefault(key, [None, None])[1] = len(cosines)
                cosines[key] = cosine
    rated = [
        Rated(fuse(*(ranks[key] if compared else ranks[key][:1])), each, cosines.get(key))
        for key, each in found.items()
    ]
    rated.sort(key=lambda one: (-one.score, one.found.held.made * -1, one.found.row.start))
    return asked._replace(about=units), rated


def _key(found: Candidate) -> tuple[int, int]:
    return id(found.file.connection), found.row.id


def _by_any_word(asked: Asked, wheres: Sequence[tuple[OpenFile, Where]], units: Units) -> list[Candidate]:
    if not units:
        return []
    found = []
    for file, where in wheres:
        match = " AND ".join([f"({any_of(units)})", *([where.match] if where.match else [])])
        found += by_words(file, asked, units, where._replace(match=match), ranked=True)
    return sorted(found, key=lambda one: one.place)


def _by_nearness(asked: Asked, wheres: Sequence[tuple[OpenFile, Where]]) -> Iterable[tuple[Candidate, float]]:
    of = {held.asset: (file, held, where) for file, where in wheres for held in file.assets.values()}
    filtered = any(where.match or where.conditions for _, where in wheres)
    for near in near_sentences(asked.place, asked.question, of, filtered):
        if near.asset in of:
            file, held, where = of[near.asset]
            if row := said_then(file, held, near.start, near.end, where):
                yield Candidate(near.score, 0.0, file, held, row), near.score


def _can_compare(asked: Asked, wheres: Sequence[tuple[OpenFile, Where]], note: Note) -> bool:
    """Whether meanings can be compared; what of them cannot is said."""
    fetch = f"`uv run python -m flows.models fetch {SENTENCES}`, then analyse again"
    if reason := why_not(asked.place, SENTENCES):
        note(f"Words alone were compared, not meanings: {reason}. {fetch[0].upper()}{fetch[1:]}.")
        return False
    speaking = {
        file.assets[number].asset
        for file, _ in wheres
        for (number,) in file.connection.execute("SELECT DISTINCT asset FROM segments")
        if number in file.assets
    }
    lacking = speaking - indexed_assets(asked.place, SENTENCES)
    if lacking:
        note(f"Of {len(lacking)} of {len(speaking)} assets words alone were compared: analyse them again.")
    return True


def _best_shown(rated: list[Rated], pictures: Sequence[Picture]) -> list[Rated]:
    """Those first that answer well and are said to a picture that shows it well."""
    fused = []
    for rank, each in enumerate(rated):
        place = _place(each.found.file, each.found.held, each.found.row.start, each.found.row.end, pictures)
        if place is not None:
            fused.append(each._replace(score=fuse(rank, place)))
    return sorted(fused, key=lambda one: -one.score)


def _place(file: OpenFile, held: Held, start: float, end: float, pictures: Sequence[Picture]) -> int | None:
    """Of the best picture that is on screen between start and end."""
    for place, (of, asset, near) in enumerate(pictures):
        if of is file and asset.number == held.number and near.start < end and start < near.end:
            return place
    return None


def _described(asked: Asked, each: Rated, pictures: Sequence[Picture]) -> FoundMoment:
    found = each.found
    row = found.row
    moment = describe(asked, found.file, found.held, row.start, row.end, row)
    moment.score = round(each.score, 3)
    if each.cosine is not None:
        moment.why.insert(0, f"about: near in meaning ({each.cosine:.2f})")
    if pictures:
        place = _place(found.file, found.held, row.start, row.end, pictures)
        if place is not None:
            _show(asked, moment, pictures[place][2])
    return moment


def _shown_alone(asked: Asked, files: Files, pictures: Sequence[Picture]) -> list[FoundMoment]:
    """Pictures, and where others are asked for too, what of these is on screen then."""
    others = None
    if asked.around:
        others = [
            each for file, allowed in files for each in stretches(file, allowed, asked.question, asked.around)
        ]
    moments = []
    for file, held, near in pictures:
        for start, end in _together(file, held, near, others):
            moment = describe(asked, file, held, start, end)
            moment.score = round(max(0.0, near.score), 3)
            _show(asked, moment, near)
            moments.append(moment)
        if len(moments) >= asked.question.k:
            break
    return moments


def _together(
    file: OpenFile, held: Held, near: Near, others: Sequence[Stretch] | None
) -> Iterable[tuple[float, float]]:
    if others is None:
        yield near.start, near.end
        return
    for other in others:
        if other.file is file and other.held.number == held.number:
            start, end = max(near.start, other.start), min(near.end, other.end)
            if start < end:
                yield start, end


def _show(asked: Asked, moment: FoundMoment, near: Near) -> None:
    moment.why.append(f"shown: {asked.question.shown} ({near.score:.2f})")
    moment.thumbnail = picture_at(asked.output, near.asset, near.thumbnail) or moment.thumbnail
