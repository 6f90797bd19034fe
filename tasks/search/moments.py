"""Moments by what is said, who says it, what is heard and who is seen, of all assets of an output folder.

    answer = find_moments(Path("out"), MomentQuestion(said="budget", by="Kate", heard="applause"))
    for moment in answer.moments:
        print(moment.media, moment.start, moment.text, moment.why)

Command line, flow, notebook and page call this one function. It loads no model, no vectors and no Prefect,
but for `about` and `shown`, which want images running: flows.runs.images.running_images() starts them.
"""

import difflib
import sqlite3
from collections.abc import Callable, Iterable, Sequence

from containers.common.errors import StorageError, UserError
from containers.common.languages import to_code
from containers.common.locks import tell
from tasks.outputs.labels import label_of, speaker_name
from tasks.outputs.sound_names import sounds_called
from tasks.search.candidates import Candidate, Where, by_words, is_common, stretches, where_of
from tasks.search.describe import Asked, Named, describe
from tasks.search.place import Location, on_this_machine
from tasks.search.question import FoundMoment, MomentAnswer, MomentQuestion
from tasks.search.said import parse, ways
from tasks.search.vocabulary import IndexTerms
from tasks.words.index_file import context_term
from tasks.words.store import OpenFile, Words, open_words

Note = Callable[[str], object]


def find_moments(output: Location, question: MomentQuestion, say: Note | None = None) -> MomentAnswer:
    """The `k` best moments of a folder or an s3:// URI.

    `say` is told what somebody waits for, and what cannot be searched. Raises UserError with one sentence: no
    such folder or asset, nobody of that name, no such sound.
    """
    notes: list[str] = []

    def note(sentence: str) -> None:
        notes.append(sentence)
        (say or tell)(sentence)

    folder, remote = on_this_machine(output, note)
    words = open_words(folder, note)
    try:
        if not words.assets:
            raise UserError(f"Nothing was analysed into {output} yet.")
        asked = Asked(folder, question, _around(question, words), [], remote=remote)
        return MomentAnswer(
            question=question, assets=words.assets, notes=notes, moments=_find(asked, words, note)
        )
    except sqlite3.DatabaseError as error:
        raise StorageError(
            f"The word index {output}/words is damaged ({error}): `python -m flows.reindex {output}` "
            "makes it anew."
        ) from None
    finally:
        for file in words.files:
            file.connection.close()


def _find(asked: Asked, words: Words, note: Note) -> list[FoundMoment]:
    question = asked.question
    chosen = [_allowed(file, question, words) for file in words.files]
    files = [(file, allowed) for file, allowed in zip(words.files, chosen, strict=True) if allowed]
    if question.about is not None or question.shown is not None:
        from tasks.search.by_meaning import find_by_meaning

        return find_by_meaning(asked, files, note)
    if question.said is None and question.by is None and question.language is None:
        found = [each for file, allowed in files for each in stretches(file, allowed, question, asked.around)]
        found.sort(key=lambda one: (one.held.made * -1, one.start))
        return [describe(asked, *one) for one in found[: question.k]]
    asked = with_words(asked, [file for file, _ in files])
    rated = rate(asked, [(file, where_of(file, allowed, asked)) for file, allowed in files])
    return [describe_candidate(asked, each) for each in rated[: question.k]]


def with_words(asked: Asked, files: Sequence[OpenFile]) -> Asked:
    """The question with the ways in which what is asked may have been said."""
    terms, said = IndexTerms([file.connection for file in files]), asked.question.said
    return asked._replace(units=[(unit, ways(unit, terms)) for unit in parse(said)] if said else [])


def rate(asked: Asked, files: Sequence[tuple[OpenFile, Where]]) -> list[Candidate]:
    """Segments that answer, the best first."""
    terms = IndexTerms([file.connection for file, _ in files])
    ranked = bool(asked.units) and not is_common(asked.units, terms)
    found = [each for file, where in files for each in by_words(file, asked, asked.units, where, ranked)]
    return sorted(found, key=lambda one: (-one.quality, one.place))


def describe_candidate(asked: Asked, found: Candidate) -> FoundMoment:
    return describe(asked, found.file, found.held, found.row.start, found.row.end, found.row)


def _around(question: MomentQuestion, words: Words) -> dict[str, Named]:
    """Of each part beside the words the terms that answer it, any of which will do."""
    found = {}
    for kind, asked in (("by", question.by), ("sound", question.heard), ("seen", question.seen)):
        if asked is not None:
            found[kind] = _named(kind, asked, words)
    if question.language is not None:
        try:
            code = to_code(question.language)
            found["language"] = Named([context_term("language", code)], [code])
        except ValueError as error:
            raise UserError(f"{error}.") from None
    return found


def _named(kind: str, asked: str, words: Words) -> Named:
    """The terms of who or what is called so; a sound also by a word of its name."""
    # Somebody without a name is called as documents show it (Speaker 1); somebody may be named so too.
    spelled = [asked] if kind == "sound" else list(dict.fromkeys([asked, label_of(asked)]))
    terms, values = [], []
    for wanted in (context_term(kind, name) for name in spelled):
        query = "SELECT DISTINCT value FROM names WHERE kind = ? AND term = ?"
        found = [value for file in words.files for (value,) in file.connection.execute(query, (kind, wanted))]
        terms += [wanted] if found else []
        values += found
    if values and kind != "sound":
        return Named(terms, sorted(set(values)))
    known: dict[str, str] = {}
    for file in words.files:
        query = "SELECT DISTINCT value, term FROM names WHERE kind = ?"
        known |= dict(file.connection.execute(query, (kind,)))
    own = set(asked.casefold().split()) if kind == "sound" else set()
    values += [value for value in known if own and own <= set(_words(value))]
    if kind == "sound":
        values += [label for label in sounds_called(asked) if label in known]
    if values:
        return Named(sorted({known[value] for value in values}), sorted(set(values)))
    near = difflib.get_close_matches(asked, known, n=5, cutoff=0.5) or sorted(known)[:8]
    there = f": there is {', '.join(map(speaker_name, near))}" if near else ""
    called = speaker_name(asked)
    nobody = (
        f"No sound is called '{called}'" if kind == "sound" else f"Nobody called '{called}' is {_done(kind)}"
    )
    raise UserError(f"{nobody}{there}.")


def _done(kind: str) -> str:
    return "heard" if kind == "by" else "seen"


def _words(value: str) -> list[str]:
    return value.casefold().replace(",", " ").replace("(", " ").replace(")", " ").split()


def _allowed(file: OpenFile, question: MomentQuestion, words: Words) -> list[int]:
    """Numbers of the file's assets in which may be searched."""
    ids = [held.asset for each in words.files for held in each.assets.values()]
    wanted = {_asset_id(asset, ids) for asset in question.assets}
    after = question.after and question.after.isoformat()
    before = question.before and question.before.isoformat()
    return [
        number
        for number, held in file.assets.items()
        if (not wanted or held.asset in wanted)
        and (after is None or held.day >= after)
        and (before is None or held.day < before)
    ]


def _asset_id(wanted: str, ids: Iterable[str]) -> str:
    found = [asset for asset in ids if asset.startswith(wanted)]
    if not wanted or not found:
        raise UserError(f"There is no asset '{wanted}'.")
    if len(found) > 1:
        raise UserError(f"{len(found)} assets begin with '{wanted}': write more of the id.")
    return found[0]
