"""What a run prints is taken even when nobody reads it any more.

A worker reads what its runs print through pipes. Once it is killed, the next line meets a broken pipe, which
rich, behind Prefect's log, answers with SystemExit: the run would end with its worker.
"""

import atexit
import os
import stat
import sys
import threading

STREAMS = (1, 2)  # standard output and error
AT_EXIT = 5  # seconds for the last lines


def outlive_readers() -> None:
    """Puts a reader of this process's own between its output and every pipe that somebody else reads."""
    for stream in STREAMS:
        if stat.S_ISFIFO(os.fstat(stream).st_mode):
            _put_reader_before(stream)


def _put_reader_before(stream: int) -> None:
    outside = os.dup(stream)
    inside, entry = os.pipe()
    os.dup2(entry, stream)  # whatever this process starts writes there too
    os.close(entry)
    reader = threading.Thread(target=_pass_on, args=(inside, outside), name=f"output-{stream}", daemon=True)
    reader.start()
    atexit.register(_finish, stream, outside, reader)


def _pass_on(inside: int, outside: int) -> None:
    while block := os.read(inside, 65536):
        try:
            while block:
                block = block[os.write(outside, block) :]
        except OSError:  # its reader has gone; what comes is read and dropped
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, outside)
            os.close(nowhere)


def _finish(stream: int, outside: int, reader: threading.Thread) -> None:
    """The last lines, then the pipe as it was."""
    for file in (sys.stdout, sys.stderr):
        file.flush()
    os.dup2(outside, stream)
    reader.join(AT_EXIT)
