"""`python -m flows.models`: the model store, from a terminal; `fetch_models` is the flow for schedules."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from containers.common.errors import UserError
from containers.common.models.store import Model, catalogue, has_model, store_folder, store_uri
from containers.model_downloader.contract import FetchedModel
from containers.model_downloader.fetch import choose
from containers.model_downloader.inventory import (
    check_stored,
    choose_removable,
    compare,
    remove_models,
    take_stock,
)
from containers.model_downloader.publish import Contents, fill, publish, using_store
from containers.model_downloader.sizes import ask_sizes
from flows.settings.load import apply

LARGE = 500_000_000  # bytes that are told of before they are fetched


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 something is missing or wrong, 2 wrong usage, 130 interrupted."""
    chosen = _parser().parse_args(arguments)
    console = Console()
    try:
        apply()
        with using_store(chosen.store):
            return _run(chosen, console)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The store {_place()} cannot be used: {error.strerror or error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; the same command continues where this one stopped.", file=sys.stderr)
        return 130


def _run(chosen: argparse.Namespace, console: Console) -> int:
    if chosen.command == "list":
        return _list(console)
    if chosen.command == "prune":
        return _prune(chosen, console)
    if chosen.command == "diff":
        return _diff(chosen.other, console)
    models = choose(chosen.models, chosen.profile)
    if chosen.command == "verify":
        return _verify(models, console)
    if chosen.command == "publish":
        return _publish(models, chosen.target, console)
    return _plan(models, console) if chosen.dry_run else _fetch(models, console)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flows.models", description="The model store.")
    parser.add_argument(
        "--store", help="a folder or s3://bucket/prefix; MEDIAFLOW_MODELS, or the user's cache, if not given"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list", help="every model of the catalogue and whether it is in the store")
    for name, text in (
        ("fetch", "fetch what is missing"),
        ("verify", "hash every file in the store"),
        ("publish", "copy models of a folder as store to an S3 store"),
    ):
        command = commands.add_parser(name, help=text)
        if name == "publish":
            command.add_argument("target", metavar="S3_URI", help="s3://bucket/prefix")
        command.add_argument("models", nargs="*", metavar="ID", help="catalogue ids")
        command.add_argument(
            "--profile",
            help="every model of this profile: starter (unless ids are given), speech-ko, speech-en, "
            "speakers, sounds, faces, pictures, standard, gated",
        )
        if name == "fetch":
            command.add_argument(
                "--dry-run", action="store_true", help="show sizes and licences, fetch nothing"
            )
    prune = commands.add_parser("prune", help="remove what the catalogue no longer names")
    prune.add_argument("--keep-mb", type=int, metavar="MB", help="and the least recently used beyond this")
    prune.add_argument("--yes", action="store_true", help="do not ask")
    diff = commands.add_parser("diff", help="what differs between the store and the catalogue")
    diff.add_argument("other", nargs="?", metavar="STORE", help="another store instead of the catalogue")
    return parser


def _list(console: Console) -> int:
    table = Table("model", "profile", "licence", "size", "stored", box=None, pad_edge=False)
    elsewhere = False
    for model in catalogue().values():
        here = has_model(model.id)
        elsewhere |= not here and not model.fetched
        table.add_row(
            model.id,
            _profile(model),
            model.licence,
            _size(model),
            "yes" if here else "no" if model.fetched else "no *",
        )
    console.print(table)
    if elsewhere:
        console.print("\n* not yet fetched by this project: its hashes are recorded when you fetch it")
    _say(console, f"\nStore: {_place()}")
    return 0


def _plan(models: list[Model], console: Console) -> int:
    there = Contents(uri) if (uri := store_uri()) else None
    missing = [model for model in models if not (there.has(model) if there else has_model(model.id))]
    unknown = [model for model in missing if not model.is_size_known]
    asked = dict(zip([model.id for model in unknown], ask_sizes(unknown), strict=True))
    sizes = {model.id: asked.get(model.id, model.size) for model in models}
    table = Table("model", "licence", "size", "to fetch", "needs", box=None, pad_edge=False)
    for model in models:
        size = sizes[model.id]
        shown = decimal(size) if isinstance(size, int) else _size(model)
        table.add_row(model.id, model.licence, shown, "yes" if model in missing else "no", model.needs)
    console.print(table)
    untold = {name: why for name, why in asked.items() if isinstance(why, str)}
    total = decimal(sum(size for model in missing if isinstance(size := sizes[model.id], int)))
    _say(console, f"\nTo {_place()}: {total}" + (f" and {len(untold)} of unknown size" if untold else ""))
    _list_reasons("Size unknown", untold)
    return 0


def _profile(model: Model) -> str:
    """The one that says most: what people fetch it for, else where it belongs."""
    return next((name for name in reversed(model.also) if "*" not in name), model.profile)


def _size(model: Model) -> str:
    if model.is_size_known:
        return decimal(model.size)
    return f"~{decimal(model.about_mb * 1_000_000)}" if model.about_mb else "?"


def _place() -> Path | str:
    return store_uri() or store_folder()


def _announce(models: list[Model], console: Console) -> None:
    """Large downloads before they begin: one can still say no."""
    missing = [model for model in models if not has_model(model.id)]
    size = sum(model.size or (model.about_mb or 0) * 1_000_000 for model in missing)
    if size > LARGE:
        listed = ", ".join(f"{model.id} {_size(model)}" for model in missing)
        _say(console, f"About {decimal(size)} to fetch: {listed}")


def _fetch(models: list[Model], console: Console) -> int:
    _announce(models, console)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        shown: dict[str, TaskID] = {}

        def show(model: str, done: int, total: int) -> None:
            if model not in shown:
                shown[model] = bars.add_task(model, total=total)
                if not console.is_terminal:
                    _say(console, f"{model}: fetching {decimal(total)}")
            bars.update(shown[model], completed=done)

        done = fill(models, show)
    for model in done:
        if model.status == "fetched":
            _say(console, f"{model.id}: fetched ({decimal(model.bytes_moved)} moved)")
            _show_first_use(next(one for one in models if one.id == model.id), console)
    if present := [model.id for model in done if model.status == "present"]:
        _say(console, f"Already in {_place()}: {', '.join(present)}")
    return _complain(done)


def _show_first_use(asked: Model, console: Console) -> None:
    """Hashes that nobody published: they are trusted from now on, so a person may look at them."""
    if not asked.pinned_by_catalogue:
        for file in catalogue()[asked.id].files:
            _say(console, f"  recorded {file.name} {file.sha256}")


def _publish(models: list[Model], target: str, console: Console) -> int:
    if store_uri() or not target.startswith("s3://"):
        raise UserError("`publish` copies from a folder to s3://bucket/prefix; name them so.")
    done = publish(models, store_folder(), target.rstrip("/"))
    for model in done:
        if model.status != "failed":
            _say(console, f"{model.id}: {model.status} ({decimal(model.bytes_moved)} moved)")
    return _complain(done)


def _complain(models: list[FetchedModel]) -> int:
    failed = {model.id: model.reason or "" for model in models if model.status == "failed"}
    _list_reasons("Not fetched", failed)
    return 1 if failed else 0


def _list_reasons(what: str, reasons: dict[str, str]) -> None:
    """One line per reason, for an unreachable registry fails every model alike."""
    for reason in dict.fromkeys(reasons.values()):
        names = [name for name, why in reasons.items() if why == reason]
        print(f"{what} ({', '.join(names)}): {reason}", file=sys.stderr)


def _verify(models: list[Model], console: Console) -> int:
    faults = {model.id: check_stored(model) for model in models}
    for name, fault in faults.items():
        if fault is None:
            _say(console, f"{name}: every file matches its SHA-256")
        else:
            print(f"{name}: {fault}", file=sys.stderr)
    return 1 if any(faults.values()) else 0


def _prune(chosen: argparse.Namespace, console: Console) -> int:
    stock = take_stock(_place(), hashing=False)
    keep = None if chosen.keep_mb is None else chosen.keep_mb * 1_000_000
    gone = choose_removable(stock, keep)
    if not gone:
        _say(console, f"Nothing to remove from {_place()}.")
        return 0
    for model in gone:
        why = "used least recently" if model in catalogue() else "not in the catalogue"
        _say(console, f"{model}: {decimal(stock[model].size)}, {why}")
    if not chosen.yes and not _agreed(f"Remove these from {_place()}? [y/N] "):
        print("Nothing was removed; --yes removes without asking.", file=sys.stderr)
        return 1
    remove_models(_place(), gone)
    _say(console, f"Removed: {', '.join(gone)}")
    return 0


def _agreed(question: str) -> bool:
    try:
        return input(question).strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _diff(other: str | None, console: Console) -> int:
    theirs = None
    if other:
        theirs = take_stock(other.rstrip("/") if other.startswith("s3://") else Path(other))
    found = compare(take_stock(_place()), theirs)
    for model, difference in found:
        _say(console, f"{model}: {difference}")
    if not found:
        _say(console, "No difference.")
    return 1 if found else 0


def _say(console: Console, line: str) -> None:
    """As it is: paths may hold brackets, and a piped line is not wrapped."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
