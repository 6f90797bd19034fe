"""`python -m flows.models`: the model store, from a terminal; `fetch_models` is the flow for schedules."""

import argparse
import sys

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
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
        models = choose(chosen.models, chosen.profile or (None if chosen.models else "starter"))
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
    table = Table("model", "profile", "task", "licence", "size", "in the store", box=None, pad_edge=False)
    for model in catalogue().values():
        size = decimal(model.size) if model.size else "?"
        here = (
            "yes" if has_model(model.id) else "no" if model.fetched else "no (not yet fetched by anyone here)"
        )
        table.add_row(model.id, model.profile, model.task, model.licence, size, here)
    console.print(table)
    console.print(f"\nStore: {store_folder()}", soft_wrap=True, highlight=False)
    return 0


def _fetch(models: list[Model], console: Console) -> int:
    missing = [model for model in models if not has_model(model.id)]
    if not missing:
        console.print(f"All {len(models)} models are in {store_folder()}.", soft_wrap=True, highlight=False)
        return 0
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        bar = {model.id: bars.add_task(model.id, total=None) for model in missing}
        done = fetch_models(
            missing, lambda id, done, total: bars.update(bar[id], completed=done, total=total)
        )
    for model in done:
        moved = f" ({decimal(model.bytes_moved)})" if model.bytes_moved else ""
        if model.status != "failed":
            console.print(f"{model.id}: {model.status}{moved}", highlight=False)
    return _complain(done)


def _complain(models: list[FetchedModel]) -> int:
    failed = [model for model in models if model.status == "failed"]
    for model in failed:
        print(f"Model '{model.id}' was not fetched: {model.reason}", file=sys.stderr)
    return 1 if failed else 0


def _verify(models: list[Model], console: Console) -> int:
    faults = {model.id: verify(model) for model in models}
    for name, fault in faults.items():
        if fault is None:
            console.print(f"{name}: every file matches its SHA-256", highlight=False)
        else:
            print(f"Model '{name}' is damaged: {fault}", file=sys.stderr)
    return 1 if any(faults.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
