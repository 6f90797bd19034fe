"""Calls to an image for the pieces of a recording, several at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from typing import TypeVar

Piece = TypeVar("Piece")
Made = TypeVar("Made")


def side_by_side(
    make: Callable[[Piece], Made],
    pieces: Sequence[Piece],
    at_once: int,
    on_done: Callable[[int], None] = lambda number: None,
) -> list[Made]:
    """What `make` makes of each piece, in the order of the pieces; `on_done` hears how many are ready.

    The first failure ends it: no further piece is begun, and the failure is raised.
    """
    made: dict[int, Made] = {}
    with ThreadPoolExecutor(at_once) as pool:
        # The context says where the images are.
        waiting = {
            pool.submit(copy_context().run, make, piece): number for number, piece in enumerate(pieces)
        }
        try:
            for future in as_completed(waiting):
                made[waiting[future]] = future.result()
                on_done(len(made))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [made[number] for number in range(len(pieces))]
