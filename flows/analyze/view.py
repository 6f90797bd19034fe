"""The terminal's view of a run: one live line a stage, or plain lines when piped."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from flows.analyze.board import Board, StageState
from tasks.asset.folder import MANIFEST, Asset
from tasks.asset.manifest import Manifest
from tasks.calls import progress

_MARKS = {"waiting": "·", "running": "▸", "done": "✓", "skipped": "-", "failed": "✗"}
_STYLES = {"waiting": "dim", "running": "cyan", "done": "green", "skipped": "dim", "failed": "red"}


@contextmanager
def watching(board: Board, console: Console) -> Iterator[None]:
    """Shows `board` while the block runs."""
    undo = progress.listen(board.advance)
    board.on_note = lambda note: console.print(note, highlight=False)
    try:
        if console.is_terminal:
            with Live(get_renderable=lambda: _lines(board), console=console, refresh_per_second=4):
                yield
        else:
            board.on_change = lambda stage: _print_change(stage, console)
            yield
    finally:
        undo()


def _lines(board: Board) -> Table:
    table = Table.grid(padding=(0, 1))
    for stage in board.stages.values():
        style = _STYLES[stage.state]
        table.add_row(
            Text(_MARKS[stage.state], style=style),
            Text(stage.name, style="bold" if stage.state == "running" else style),
            Text(f"{stage.elapsed:6.1f} s" if stage.elapsed else "", style="dim"),
            Text(_detail(stage), style=style if stage.state == "failed" else ""),
        )
    return table


def _detail(stage: StageState) -> str:
    if stage.state == "running":
        return f"{stage.fraction:.0%}" if stage.fraction is not None else ""
    if stage.kept:
        return f"{stage.found} (kept from an earlier run)"
    return stage.found or stage.reason or ""


def _print_change(stage: StageState, console: Console) -> None:
    if stage.state == "running":
        console.print(f"{stage.name}: started", highlight=False, markup=False)
    elif stage.state in ("done", "failed", "skipped"):
        timing = f" in {stage.seconds:.1f} s" if stage.seconds else ""
        console.print(
            f"{stage.name}: {stage.state}{timing}: {_detail(stage)}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )


def print_summary(asset: Asset, manifest: Manifest, console: Console, media_name: str) -> None:
    """The last table: what was found, how long each stage took, where the files are."""
    table = Table(title=Text(media_name), title_justify="left", show_edge=False, pad_edge=False)
    table.add_column("stage")
    table.add_column("found", overflow="fold")
    table.add_column("time", justify="right")
    for stage in manifest.stages:
        found = stage.found if stage.status == "done" else f"{stage.status}: {stage.reason}"
        time = "kept" if stage.kept else f"{stage.seconds:.1f} s" if stage.status == "done" else ""
        table.add_row(stage.name, Text(found or ""), time)
    console.print()
    console.print(table)
    console.print()
    for name in ("report.html", "transcript.json", "faces.json", "manifest.json"):
        if name in manifest.files or name == MANIFEST:
            console.print(Text(f"{asset.place}/{name}"), soft_wrap=True)
