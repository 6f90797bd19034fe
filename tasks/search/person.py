"""Where a person is seen and heard, by name: what `flows.people` knows, with no picture and no index."""

from containers.common.errors import UserError
from containers.common.models.embeddings import embeddings
from tasks.people.appearances import Appearance
from tasks.people.recognise import Group, tell
from tasks.search.answer import Answer, Moment, Question
from tasks.search.library import Library


def find_person(library: Library, question: Question) -> Answer:
    """Every appearance of the person: those that were named first, then by how near they are to one.

    Raises UserError when nobody is called so.
    """
    people = library.people
    library.fetch(library.assets)
    appearances = [each for asset in library.assets for each in library.appearances(asset)]
    told = tell(appearances, people)
    person = people.find(question.query)
    found = next(
        (
            group
            for group in told.groups
            if (person is not None and group.person is person)
            or any(each.ref == question.query for each in group.appearances)
        ),
        None,
    )
    if found is None:
        raise UserError(
            f"Nobody is called '{question.query}': `python -m flows.people list` shows who there is."
        )
    distances = {id(appearances[number]): match.distance for number, match in told.matches.items()}
    wanted = {library.asset_id(asset) for asset in question.assets}
    moments = [
        _moment(library, each, found, distances.get(id(each), 0.0))
        for each in found.appearances
        if (not wanted or each.asset in wanted) and _within(each, question)
    ]
    moments = [moment for moment in moments if moment.score >= (question.min_score or -1.0)]
    moments.sort(key=lambda moment: (-moment.score, moment.asset, moment.times))
    return Answer(
        question=question,
        model=", ".join(sorted({each.model for each in found.appearances})),
        measure="1 - distance to the nearest face or voice that was named",
        assets=len(library.assets),
        moments=moments[: question.k],
    )


def _within(each: Appearance, question: Question) -> bool:
    after = question.start is None or each.end >= question.start
    return after and (question.end is None or each.start < question.end)


def _moment(library: Library, each: Appearance, group: Group, distance: float) -> Moment:
    return Moment(
        score=round(1 - distance, 4),
        same=distance <= embeddings()[each.model].limit,
        asset=each.asset,
        media=library.media(each.asset),
        kind=each.kind,
        label=each.label,
        person=group.person and group.person.name,
        times=[each.start],
        end=each.end,
        thumbnail=library.picture(each.asset, each.thumbnail),
        report=library.report(each.asset),
    )
