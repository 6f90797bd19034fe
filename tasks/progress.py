"""How far a stage is, told by the tasks to whoever shows it (terminal, Prefect UI, nobody)."""

from collections.abc import Callable

Listener = Callable[[str, float], None]
_listeners: list[Listener] = []


def listen(listener: Listener) -> Callable[[], None]:
    """Calls `listener(stage, fraction)` on every advance, from the stage's own thread; returns the undo."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)


def advance(stage: str, fraction: float) -> None:
    """`fraction` of the stage's work is done, 0 to 1."""
    for listener in tuple(_listeners):
        listener(stage, min(max(fraction, 0.0), 1.0))
