"""`python -m flows.search OUT --said "budget" --by Kate`: search what was analysed into OUT.

What is asked decides what is loaded: words, people and sounds by name need no model, and start in a second.
"""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from containers.common.errors import UserError
from tasks.asset.bucket import Location, location
from tasks.search.question import MomentQuestion

if TYPE_CHECKING:
    from tasks.search.answer import Answer

KINDS = {
    "face": ("PICTURE", "a picture, or a video (--at), with somebody's face"),
    "picture": ("PICTURE", "a picture, or a video (--at): what looks alike"),
    "voice": ("CLIP", "sound, or a video, with somebody's voice"),
    "sound": ("CLIP", "sound, or a video: what sounds alike (needs panns-cnn14)"),
    "person": ("NAME", "a person's name or id, or an appearance as `flows.people list` shows it"),
    "like": ("ASSET", "an asset's id: what is like it, by its faces, voices and sounds"),
}

PARTS = {
    "said": (
        "--said",
        "WORDS",
        "words that are said; '\"a phrase\"', budg* for what begins so, -draft for without",
    ),
    "about": (
        "--about",
        "WORDS",
        "what is said, in other words or another language (needs multilingual-e5-small; else words alone)",
    ),
    "by": ("--by", "NAME", "who says it"),
    "heard": ("--while", "SOUND", "a sound that is heard meanwhile, as applause"),
    "seen": ("--seen", "NAME", "who is on screen"),
    "shown": ("--shown", "WORDS", "what is to be seen, as 'a dog on a beach' (needs siglip-base)"),
    "language": ("--language", "CODE", "what is spoken: ko, or Korean"),
    "after": (
        "--after",
        "DAY",
        "only what was recorded on that day or later, as 2026-01-01",
    ),
    "before": ("--before", "DAY", "only what was recorded before that day"),
}


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 answered (even if nothing was found), 1 it cannot be, 2 wrong usage, 130 interrupted."""
    parser = _parser()
    chosen = vars(parser.parse_args(arguments))
    output, page, as_json = chosen.pop("output"), chosen.pop("html"), chosen.pop("json")
    export = chosen.pop("export")
    queries = {kind: query for kind in KINDS if (query := chosen.pop(kind)) is not None}
    parts = {name: part for name in PARTS if (part := chosen.pop(name)) is not None}
    try:
        if not parts and not queries:
            parser.error("say what to look for: --said, --about, --by, --while, --seen, --face, ...")
        if parts:
            _refuse_both(queries, chosen)
            return _find(output, {**parts, **chosen}, page, as_json, export)
        if export is not None:
            raise UserError("--export takes moments of --said, --by, --while, --seen and --language.")
        return _nearest(output, queries, chosen, page, as_json)
    except ValidationError as error:
        fault = error.errors()[0]
        name = f"--{str(fault['loc'][0]).replace('_', '-')}: " if fault["loc"] else ""
        print(f"{name}{fault['msg'].removeprefix('Value error, ').capitalize()}.", file=sys.stderr)
        return 1
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _refuse_both(queries: dict[str, str], chosen: dict[str, Any]) -> None:
    """Takes out of `chosen` what only pictures and sounds that are likened have."""
    for name, default in (("min_score", None), ("label", None), ("which", None), ("at", 0.0)):
        if chosen.pop(name) != default:
            queries[name] = ""
    if queries:
        name = next(iter(queries)).replace("_", "-")
        raise UserError(f"--{name} does not go together with --said, --by, --while, --seen and --language.")


def _find(
    output: Location, parts: dict[str, Any], page: Path | None, as_json: bool, export: str | None
) -> int:
    from flows.search.asked import answer_moments

    answer = answer_moments(output, MomentQuestion.model_validate(parts))
    if page:
        from tasks.search.moments_page import write_moments

        write_moments(answer, page)
    if as_json:
        print(answer.model_dump_json(indent=1))
    else:
        from flows.search.table import print_moments

        print_moments(answer, page)
    if export:
        from tasks.search.export.moments import export_moments

        for path in export_moments(answer, output, export):
            if not as_json:
                print(path)
    return 0


def _nearest(
    output: Location, queries: dict[str, str], chosen: dict[str, Any], page: Path | None, as_json: bool
) -> int:
    from flows.search.run import answer_question
    from flows.settings.load import apply
    from tasks.search.answer import Question

    apply()
    ((kind, query),) = queries.items()
    answer = answer_question(output, Question.model_validate({"kind": kind, "query": query, **chosen}), page)
    if as_json:
        print(answer.model_dump_json(indent=1))
    else:
        _print_table(answer, page)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.search",
        description="Find moments in everything that was analysed into a folder.",
    )
    parser.add_argument("output", type=location, help="folder or s3:// prefix of asset folders")
    moments = parser.add_argument_group(
        "moments", "all that are given hold at once; only --about and --shown load a model"
    )
    for name, (flag, metavar, text) in PARTS.items():
        kind = date.fromisoformat if metavar == "DAY" else str
        moments.add_argument(flag, dest=name, metavar=metavar, type=kind, help=text)
    what = parser.add_argument_group("likeness", "one of these").add_mutually_exclusive_group()
    for kind, (metavar, text) in KINDS.items():
        what.add_argument(f"--{kind}", metavar=metavar, help=text)
    parser.add_argument("-k", type=int, default=10, help="matches at most (%(default)s)")
    parser.add_argument("--min-score", type=float, help="only matches of at least this score")
    parser.add_argument(
        "--asset", dest="assets", action="append", default=[], help="only in this asset; may be repeated"
    )
    for name, text in (("start", "only from this second of an asset on"), ("end", "only before this second")):
        parser.add_argument(f"--{name}", type=float, help=text)
    parser.add_argument("--label", help="only while this sound is heard, or of this speaker or person")
    parser.add_argument("--which", type=int, help="which of several faces (from the left) or voices")
    parser.add_argument("--at", type=float, default=0.0, help="second of a video to take the picture from")
    parser.add_argument(
        "--export",
        metavar="PLACE",
        help="moments as .csv, .edl, .otio, chapters (.txt), one film (.mp4), or a folder of clips",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page that opens in any browser")
    return parser


def _print_table(answer: "Answer", page: Path | None) -> None:
    from tasks.outputs.labels import clock, speaker_name

    console = Console()
    if not answer.moments:
        console.print("Nothing was found.")
    else:
        table = Table("score", "", "media", "asset", "who", "when", box=None, pad_edge=False)
        for moment in answer.moments:
            who = moment.person or (speaker_name(moment.label) if moment.label else "")
            parts = ", ".join(f"{name} {score:.2f}" for name, score in moment.parts.items())
            times = " ".join(clock(time) for time in sorted(moment.times))
            same = "same" if moment.same else ""
            row = (f"{moment.score:.3f}", same, moment.media, moment.asset[:8], who, times or parts)
            table.add_row(*map(Text, row))
        console.print(table)
        console.print(f"\nscore: {answer.measure}", highlight=False, markup=False)
    if page:
        console.print(str(page), highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
