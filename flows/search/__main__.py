"""`python -m flows.search OUT --face PICTURE`: search what was analysed into OUT; no server is needed."""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from rich.text import Text

from containers.common.errors import UserError
from flows.search.run import answer_question
from flows.settings.load import apply
from tasks.outputs.report_view import clock, speaker_name
from tasks.search.answer import Answer, Question

KINDS = {
    "face": ("PICTURE", "a picture, or a video (--at), with somebody's face"),
    "picture": ("PICTURE", "a picture, or a video (--at): what looks alike"),
    "voice": ("CLIP", "sound, or a video, with somebody's voice"),
    "sound": ("CLIP", "sound, or a video: what sounds alike (needs panns-cnn14)"),
    "person": ("NAME", "a person's name or id, or an appearance as `flows.people list` shows it"),
    "like": ("ASSET", "an asset's id: what is like it, by its faces, voices and sounds"),
}


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 answered (even if nothing was found), 1 it cannot be, 2 wrong usage, 130 interrupted."""
    chosen = vars(_parser().parse_args(arguments))
    output, page, as_json = chosen.pop("output"), chosen.pop("html"), chosen.pop("json")
    queries = {kind: chosen.pop(kind) for kind in KINDS}
    kind, query = next((kind, query) for kind, query in queries.items() if query is not None)
    try:
        apply()
        question = Question.model_validate({"kind": kind, "query": query, **chosen})
        answer = answer_question(output, question, page)
    except ValidationError as error:
        fault = error.errors()[0]
        print(f"--{str(fault['loc'][0]).replace('_', '-')}: {fault['msg']}.", file=sys.stderr)
        return 1
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
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
    parser.add_argument("output", type=Path, help="folder of asset folders")
    what = parser.add_mutually_exclusive_group(required=True)
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
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page that opens in any browser")
    return parser


def _print_table(answer: Answer, page: Path | None) -> None:
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
