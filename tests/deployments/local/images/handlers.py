"""Handlers of the images that these tests run, one function an image."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from containers.common.errors import UserError

calls = 0


def echo(event, context):
    return event


def about(event, context):
    """Who answers: lets a test tell a warm worker from a fresh one."""
    global calls
    calls += 1
    return {"pid": os.getpid(), "calls": calls, "request_id": context.aws_request_id, "cwd": str(Path.cwd())}


def environment(event, context):
    return dict(os.environ)


def time_left(event, context):
    return context.get_remaining_time_in_millis()


def length(event, context):
    return len(event["text"])


def letters(event, context):
    """A JSON string: its response has two bytes more than `count`."""
    return "x" * event["count"]


def chatter(event, context):
    print("first words")
    print("x" * 5000)
    print("last words", file=sys.stderr)


def append(event, context):
    with Path(event["file"]).open("a") as stream:
        stream.write(f"{event['line']}\n")


def meet(event, context):
    """Answers when as many files lie in the folder as are to come, its own among them."""
    folder = Path(event["folder"])
    (folder / str(os.getpid())).touch()
    while len(list(folder.iterdir())) < event["count"]:
        time.sleep(0.01)
    return os.getpid()


def sleep(event, context):
    time.sleep(event["seconds"])
    return event | {"pid": os.getpid()}


def moody(event, context):
    """Does as it is told, so that one image can fail in every way."""
    deeds = {
        "raise": lambda: [][1],
        "mistake": _mistake,
        "exit": lambda: os._exit(3),
        "leave": lambda: os._exit(0),
        "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
        "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
        "segfault": lambda: os.kill(os.getpid(), signal.SIGSEGV),
        "hang": lambda: time.sleep(60),
        "spin": _spin,
        "hoard": lambda: _hoard(400),
        "hoard_in_child": _hoard_in_child,
        "oversize": lambda: "x" * 7_000_000,
        "die_later": lambda: threading.Timer(0.1, os._exit, [1]).start(),
    }
    if event and event.get("do"):
        return deeds[event["do"]]()
    return about(event, context)


def _mistake():
    raise UserError("The file is empty.")


def _spin():
    while True:
        pass


def _hoard(megabytes):
    blocks = [b"x" * (1 << 20) for _ in range(megabytes)]
    time.sleep(60)
    return len(blocks)


def _hoard_in_child():
    code = "import time; x = [b'x' * (1 << 20) for _ in range(400)]; time.sleep(60)"
    subprocess.run([sys.executable, "-c", code])


def parent(event, context):
    """Leaves children running: one in the worker's session, one in its own, and a grandchild."""
    nested = (
        "import subprocess, sys; p = subprocess.Popen(['sleep', '60']); print(p.pid, flush=True); p.wait()"
    )
    plain = subprocess.Popen(["sleep", "60"])
    session = subprocess.Popen(["sleep", "60"], start_new_session=True)
    middle = subprocess.Popen([sys.executable, "-c", nested], stdout=subprocess.PIPE, text=True)
    grandchild = int(middle.stdout.readline())
    return [os.getpid(), plain.pid, session.pid, middle.pid, grandchild]


def scratch(event, context):
    return tempfile.mkstemp()[1]


def read_input(event, context):
    return sys.stdin.read()
