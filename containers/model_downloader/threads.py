"""Several downloads side by side."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")


def side_by_side(work: Callable[[Item], Value], items: Sequence[Item], at_once: int) -> list[Value]:
    """`work(item)` of every item, in the order of `items`, at most `at_once` at a time.

    The first exception is raised. Ctrl-C ends the wait at once: the threads are daemons, since those of a
    ThreadPoolExecutor keep the process alive until a silent server has timed out.
    """
    futures: list[Future[Value]] = [Future() for _ in items]
    slots = threading.Semaphore(at_once)

    def run(future: Future[Value], item: Item) -> None:
        with slots:
            try:
                future.set_result(work(item))
            except BaseException as error:  # noqa: BLE001 raised by result()
                future.set_exception(error)

    for future, item in zip(futures, items, strict=True):
        threading.Thread(target=run, args=(future, item), daemon=True).start()
    return [future.result() for future in futures]
