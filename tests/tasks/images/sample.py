"""Images for test_invoke: made with the same wrapper as the real ones."""

import os
import time

from containers.common.contract import Contract, Request
from containers.common.errors import MediaError
from containers.common.runtime.handler import make_handler


class Count(Contract):
    text: str
    letters: int
    pid: int


class CountRequest(Request):
    text: str
    seconds: float = 0


def _count(request, stopwatch):
    if request.text == "broken":
        raise MediaError("cut.mp4 has no audio.")
    if request.text == "defect":
        raise ZeroDivisionError("division by zero")
    if request.text == "crash":
        os._exit(1)
    time.sleep(request.seconds)
    return Count(text=request.text, letters=len(request.text), pid=os.getpid())


handler = make_handler("counter", CountRequest, _count)
