"""How far a stage is, told by the tasks to whoever shows it (terminal, Prefect UI, nobody)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str, float], None]
# Of this context, which Prefect hands on to a run's tasks: several runs in one process do not mix.
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("progress_listeners", default=())
_share: ContextVar[tuple[int, int]] = ContextVar("progress_share", default=(0, 1))


def listen(listener: Listener) -> Callable[[], None]:
    """Calls `listener(stage, fraction)` on every advance, from the stage's own thread; returns the undo."""
    _listeners.set((*_listeners.get(), listener))

    def undo() -> None:
        _listeners.set(tuple(other for other in _listeners.get() if other is not listener))

    return undo


def advance(stage: str, fraction: float) -> None:
    """`fraction` of the stage's work is done, 0 to 1. Threads of a task's own use its `reporter`."""
    reporter()(stage, fraction)


@contextmanager
def share_of(number: int, of: int) -> Iterator[None]:
    """What advances here is one of several equal shares of the stage's work, from 0 on."""
    before = _share.set((number, of))
    try:
        yield
    finally:
        _share.reset(before)


def reporter() -> Listener:
    """`advance` for threads that do not inherit this context."""
    listeners = _listeners.get()
    number, of = _share.get()

    def report(stage: str, fraction: float) -> None:
        for listener in listeners:
            listener(stage, (number + min(max(fraction, 0.0), 1.0)) / of)

    return report
