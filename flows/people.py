"""`python -m flows.people`: who is seen and heard below an output folder, and what they are called."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

from containers.common.errors import UserError
from tasks.outputs.report_view import span
from tasks.people.edit import (
    NameInUse,
    everybody,
    forget_person,
    hide_person,
    merge_people,
    name_person,
    split_person,
)
from tasks.people.explain import explain_person
from tasks.people.page import refresh_page, write_page
from tasks.people.recognise import Group, Told
from tasks.people.store import Person, undo

Change = Literal["name", "merge", "split", "hide", "show", "undo", "forget"]


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 it cannot be done, 2 wrong usage."""
    chosen = _parser().parse_args(arguments)
    console = Console()
    try:
        if chosen.command == "list":
            return _list(everybody(chosen.output), chosen.all, chosen.json, console)
        if chosen.command == "explain":
            return _say(explain_person(chosen.output, chosen.who), console)
        if chosen.command == "page":
            return _say([str(write_page(chosen.output, chosen.html))], console)
        who = getattr(chosen, "who", [])
        done = change(
            chosen.output,
            chosen.command,
            [who] if isinstance(who, str) else who,
            getattr(chosen, "name", None) or "",
            getattr(chosen, "merge", False),
        )
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    console.print(done, markup=False, highlight=False, soft_wrap=True)
    return _republish(chosen.output, console)


def forget(output: Path, who: str) -> str:
    """Leaves nothing of a known person below `output` but the media's own words and pictures.

    Their names, faces and voices go from assets, from every version of the indexes, and last from the people,
    so that whatever broke it off, it can be done again. Raises UserError.
    """
    from flows.runs.images import running_images
    from tasks.index.forget import forget_vectors
    from tasks.people.appearances import people_models
    from tasks.people.forget import take_out_person
    from tasks.people.republish import republish_named
    from tasks.words.versions import forget_versions

    assets = take_out_person(output, who)
    forget_vectors(output, people_models(), running_images())
    person = forget_person(output, who)
    republish_named(output)
    forget_versions(output)
    made = f"; {_count(len(assets), 'asset')} written anew without them" if assets else ""
    return f"{_describe(person)} is forgotten{made}"


def _say(lines: list[str], console: Console) -> int:
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    return 0


def change(
    output: Path, command: Change, who: Sequence[str] = (), name: str = "", merge: bool = False
) -> str:
    """Does what is asked, to merge and split with all of `who`, else with its one; says what is so now.

    Raises UserError.
    """
    match command:
        case "name":
            return _describe(_name(output, who[0], name, merge))
        case "merge":
            return _describe(merge_people(output, list(who)))
        case "split":
            return _describe(split_person(output, list(who), name or None))
        case "hide" | "show":
            person = hide_person(output, who[0], command == "hide")
            return f"{_describe(person)} is {'hidden' if person.hidden else 'shown again'}"
        case "forget":
            return forget(output, who[0])
    return f"Undone: {_count(len(undo(output).people), 'person', 'people')} known"


def _name(output: Path, who: str, name: str, merge: bool) -> Person:
    """Asks before two people become one, where somebody is there to be asked."""
    try:
        return name_person(output, who, name, merge)
    except NameInUse as error:
        if not sys.stdin.isatty():
            raise
        print(error, file=sys.stderr)
        if input("One person? [y/N] ").strip().lower() not in ("y", "yes"):
            raise UserError("Nothing was changed.") from None
        return name_person(output, who, name, merge=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.people",
        description="Name faces and voices once; the names hold for every asset, analysed already or not.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    who = "a person's id or name, or an appearance as `list` shows it (a1b2c3d4:face3)"
    for command, text in (
        ("list", "known people first, then unknown ones"),
        ("name", "this is Kate"),
        ("merge", "all of these are one person"),
        ("split", "these appearances are another person than they were taken for"),
        ("hide", "leave a person out of lists and reports"),
        ("show", "take a hidden person into lists and reports again"),
        ("explain", "why appearances are taken for this person"),
        ("undo", "take the last change back; again, the one before"),
        ("forget", "remove a person's name, faces and voice for good, from assets and indexes too"),
        ("page", "everybody on a page that opens in any browser"),
    ):
        added = commands.add_parser(command, help=text, description=text)
        added.add_argument("output", type=Path, help="folder of asset folders")
        if command == "list":
            added.add_argument(
                "--all", action="store_true", help="also hidden people and faces seen in a single frame"
            )
            added.add_argument("--json", action="store_true", help="as JSON, with every appearance")
        elif command in ("merge", "split"):
            added.add_argument("who", nargs="+", help=who)
        elif command == "page":
            added.add_argument("--html", type=Path, metavar="FILE", help="where to (people/people.html)")
        elif command != "undo":
            added.add_argument("who", help=who)
        if command == "name":
            added.add_argument("name")
            added.add_argument(
                "--merge", action="store_true", help="somebody is called so already: they are one person"
            )
        if command == "split":
            added.add_argument("--name", help="what the other person is called")
    return parser


def _republish(output: Path, console: Console) -> int:
    """Writes the documents of assets in which a name changed; says which ones cannot be."""
    from tasks.people.republish import republish_named  # seconds: it imports Prefect

    try:
        written, lost = republish_named(output)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    refresh_page(output)
    if written:
        console.print(f"{_count(len(written), 'asset')} written anew with the names", highlight=False)
    if lost:
        console.print(
            f"Analyse again to see the names in: {', '.join(lost)}", highlight=False, soft_wrap=True
        )
    return 0


def _describe(person: Person) -> str:
    kinds = Counter(each.kind for each in person.examples)
    known = " and ".join(_count(kinds[kind], kind) for kind in ("face", "voice") if kinds[kind])
    return f"{person.name or person.id} ({person.id}), known by {known}"


def _count(number: int, what: str, many: str = "") -> str:
    return f"{number} {what if number == 1 else many or what + 's'}"


def _list(told: Told, all_of_them: bool, as_json: bool, console: Console) -> int:
    groups = [each for each in told.groups if all_of_them or not each.hidden]
    if as_json:
        print(json.dumps([_row(each) for each in groups], ensure_ascii=False, indent=1))
        return 0
    shown = [each for each in groups if all_of_them or each.person or not _glimpsed(each)]
    table = Table("who", "name", "faces", "voices", "seen", "assets", "first", box=None, pad_edge=False)
    for each in shown:
        table.add_row(*_cells(each).values())
    console.print(table if shown else "Nobody was seen or heard yet.")
    if hidden := len(groups) - len(shown):
        console.print(
            f"\n{_count(hidden, 'face')} seen in a single frame not shown: --all shows them.", highlight=False
        )
    if told.unclear:
        faces = _count(len(told.unclear), "face")
        console.print(f"\n{faces} too small, blurred or turned away to tell who it is.", highlight=False)
    if left_out := len(told.groups) - len(groups):
        people = _count(left_out, "person", "people")
        console.print(f"\n{people} hidden: --all shows them.", highlight=False)
    return 0


def rows_of(told: Told) -> list[dict[str, str]]:
    """Everybody who is not hidden, as a table."""
    return [_cells(each) for each in told.groups if not each.hidden and (each.person or not _glimpsed(each))]


def _cells(each: Group) -> dict[str, str]:
    row = _row(each)
    assets = {appearance["asset"] for appearance in row["appearances"]}
    first = min(each.appearances, key=lambda a: (a.asset, a.start), default=None)
    faces, voices = (sum(a.kind == kind for a in each.appearances) for kind in ("face", "voice"))
    return {
        "who": row["who"],
        "name": row["name"] or "",
        "faces": str(faces),
        "voices": str(voices),
        "seen": span(sum(a.end - a.start for a in each.appearances)),
        "assets": str(len(assets)),
        "first": f"{first.asset[:8]} at {first.start:.1f} s" if first else "in no asset now",
    }


def _glimpsed(group: Group) -> bool:
    """A face seen in one frame; nobody who was heard."""
    appearances = group.appearances
    return all(each.kind == "face" for each in appearances) and sum(each.seen for each in appearances) < 2


def _row(group: Group) -> dict:
    return {
        "who": group.ref,
        "name": group.person and group.person.name,
        "appearances": [
            {
                "ref": each.ref,
                "asset": each.asset,
                "kind": each.kind,
                "model": each.model,
                "start": each.start,
                "end": each.end,
                "thumbnail": each.thumbnail,
            }
            for each in group.appearances
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
