"""Work side by side, in threads that Ctrl-C does not wait for.

They are daemons: those of a ThreadPoolExecutor keep the process alive until a silent server has timed out.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")


def side_by_side(work: Callable[[Item], Value], items: Sequence[Item], at_once: int) -> list[Value]:
    """`work(item)` of every item, in the order of `items`, at most `at_once` at a time.

    The first exception is raised.
    """
    futures: list[Future[Value]] = [Future() for _ in items]
    slots = threading.Semaphore(at_once)

    def run(future: Future[Value], item: Item) -> None:
        with slots:
            _settle(future, work, item)

    for future, item in zip(futures, items, strict=True):
        threading.Thread(target=run, args=(future, item), daemon=True).start()
    return [future.result() for future in futures]


def in_order(
    work: Callable[[Item], Value], items: Sequence[Item], at_once: int, room: threading.Semaphore
) -> Iterator[Value]:
    """`work(item)` of every item, yielded in order while `at_once` threads work ahead.

    Each result takes a place of `room` from before it is worked on until the next one is asked for.
    The first exception ends it; items not begun by then are left.
    """
    ahead: deque[Future[Value]] = deque()
    todo: deque[tuple[Future[Value], Item]] = deque()
    more, ended = threading.Semaphore(0), threading.Event()

    def serve() -> None:
        while more.acquire() and not ended.is_set():
            future, item = todo.popleft()
            _settle(future, work, item)

    workers = [threading.Thread(target=serve, daemon=True) for _ in range(min(at_once, len(items)))]
    for worker in workers:
        worker.start()
    waiting = deque(items)
    try:
        while waiting or ahead:
            # Wait for room only when nothing of ours holds any: another file's results give theirs back.
            while waiting and room.acquire(blocking=not ahead):
                future: Future[Value] = Future()
                ahead.append(future)
                todo.append((future, waiting.popleft()))
                more.release()
            yield ahead[0].result()
            ahead.popleft()
            room.release()
    finally:
        ended.set()
        more.release(len(workers))
        for _ in ahead:
            room.release()


def _settle(future: Future[Value], work: Callable[[Item], Value], item: Item) -> None:
    try:
        future.set_result(work(item))
    except BaseException as error:  # noqa: BLE001 raised by result()
        future.set_exception(error)
