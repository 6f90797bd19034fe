"""How far a stage is, told by the tasks to whoever shows it (terminal, Prefect UI, nobody)."""

from collections.abc import Callable
from contextvars import ContextVar

Listener = Callable[[str, float], None]
# Of this context, which Prefect hands on to a run's tasks: several runs in one process do not mix.
_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("progress_listeners", default=())


def listen(listener: Listener) -> Callable[[], None]:
    """Calls `listener(stage, fraction)` on every advance, from the stage's own thread; returns the undo."""
    _listeners.set((*_listeners.get(), listener))

    def undo() -> None:
        _listeners.set(tuple(other for other in _listeners.get() if other is not listener))

    return undo


def advance(stage: str, fraction: float) -> None:
    """`fraction` of the stage's work is done, 0 to 1. Threads of a task's own use its `reporter`."""
    reporter()(stage, fraction)


def reporter() -> Listener:
    """`advance` for threads that do not inherit this context."""
    listeners = _listeners.get()

    def report(stage: str, fraction: float) -> None:
        for listener in listeners:
            listener(stage, min(max(fraction, 0.0), 1.0))

    return report
