"""What a person sees while an analysis runs."""

import io

from rich.console import Console

from flows.analyze.board import Board
from flows.analyze.view import watching
from tasks.calls import progress


def show(terminal: bool) -> str:
    """The lines of a short run with a kept, a skipped and a failed stage."""
    written = io.StringIO()
    console = Console(file=written, force_terminal=terminal, width=100)
    board = Board()
    with watching(board, console):
        board.start("decode")
        progress.advance("decode", 0.5)
        board.finish("decode", "30.0 s, sound, 30 frames")
        board.finish("tag", "Speech (4)", kept=True)
        board.skip("detect", "the media has no picture")
        board.start("transcribe")
        board.fail("transcribe", "Model 'whisper-base' is not in the store.")
    return written.getvalue()


def test_a_pipe_gets_one_plain_line_per_change() -> None:
    lines = show(terminal=False).splitlines()
    assert lines == [
        "decode: started",
        "decode: done in 0.0 s: 30.0 s, sound, 30 frames",
        "tag: done: Speech (4) (kept from an earlier run)",
        "detect: skipped: the media has no picture",
        "transcribe: started",
        "transcribe: failed in 0.0 s: Model 'whisper-base' is not in the store.",
    ]


def test_a_terminal_gets_one_live_line_per_stage() -> None:
    shown = show(terminal=True)
    assert "✓" in shown
    assert "✗" in shown
    assert "Model 'whisper-base' is not in the store." in shown


def test_names_from_media_are_not_taken_for_markup() -> None:
    written = io.StringIO()
    board = Board()
    with watching(board, Console(file=written, force_terminal=False)):
        board.skip("tag", "[bold]file[/nonsense]")
    assert "[bold]file[/nonsense]" in written.getvalue()


def test_a_wait_for_another_run_is_said() -> None:
    written = io.StringIO()
    board = Board()
    with watching(board, Console(file=written, force_terminal=False)):
        board.wait_for_other()
    assert "Another run is analysing this file" in written.getvalue()
