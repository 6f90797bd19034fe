"""Why an appearance is taken for somebody, in a sentence."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from scipy.spatial.distance import cdist

from containers.common.errors import UserError
from containers.common.models.embeddings import embeddings
from tasks.asset.folder import Asset
from tasks.outputs.report_view import clock
from tasks.people.appearances import Appearance, read_appearances
from tasks.people.recognise import Told, tell
from tasks.people.store import Example, load_people


def explain_person(output: Path, ref: str) -> list[str]:
    """A sentence for each appearance of the person that `ref` means, the least sure first.

    `ref` is a person's id or name, or an appearance's. Raises UserError when it is nobody's.
    """
    people = load_people(output)
    appearances = read_appearances(output)
    told = tell(appearances, people)
    person = people.find(ref)
    for face in told.unclear:
        if face.ref == ref:
            return [f"{where(output, face)} is too small, blurred or turned away to tell who it is."]
    for group in told.groups:
        if (person and group.person is person) or any(each.ref == ref for each in group.appearances):
            found = sorted(_explain(output, told, appearances, group.appearances), reverse=True)
            return [sentence for _, sentence in found] or [f"{ref} is in no asset now."]
    raise UserError(f"Nobody is called '{ref}': `python -m flows.people list` shows who there is.")


def _explain(
    output: Path, told: Told, appearances: Sequence[Appearance], own: Sequence[Appearance]
) -> Iterator[tuple[float, str]]:
    """(distance over limit, sentence) of each."""
    places = {id(each): number for number, each in enumerate(appearances)}
    by_ref = {(each.asset, each.label, each.model): each for each in appearances}
    for each in own:
        embedding = embeddings()[each.model]
        match = told.matches.get(places[id(each)])
        if match:
            example = by_ref.get((match.example.asset, match.example.label, each.model))
            name = match.person.name or match.person.id
            if example is each:
                yield 0.0, f"{where(output, each)} is {name}: somebody said so."
                continue
            distance, other = match.distance, f"to {name} in {_place(output, match.example, example)}"
        else:
            others = [one for one in own if one is not each and one.model == each.model]
            if not others:
                yield 0.0, f"{where(output, each)} is like nobody else."
                continue
            apart = cdist([each.vector], [one.vector for one in others], embedding.metric)[0]
            distance, nearest = float(apart.min()), others[int(apart.argmin())]
            other = f"to {where(output, nearest)}"
        yield (
            distance / embedding.limit,
            f"{where(output, each)} is as near as {distance:.2f} {other} "
            f"(the same up to {embedding.limit:.2f} on average).",
        )


def where(output: Path, each: Appearance) -> str:
    """The appearance with its media and time: a1b2c3d4:face3 in talk.mp4 at 0:12."""
    return f"{each.ref} in {media_name(output, each.asset)} at {clock(each.start)}"


def media_name(output: Path, asset: str) -> str:
    manifest = Asset(output=output, id=asset).manifest()
    return manifest.media.name if manifest else asset[:8]


def _place(output: Path, example: Example, now: Appearance | None) -> str:
    """Where an example was seen; its asset may be gone."""
    if now:
        return f"{media_name(output, now.asset)} at {clock(now.start)}"
    return f"{example.asset[:8]}, which is no more"
