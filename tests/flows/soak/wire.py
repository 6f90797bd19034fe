"""A connection that can be cut: everything between a campaign's processes and S3 passes here."""

import re
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

CONTINUE = b"HTTP/1.1 100 "  # no answer yet
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing says RST


class Wire:
    """Listens on `port` of this machine and passes on what comes, until it is cut or silent."""

    def __init__(self, host: str, port: int) -> None:
        self._far = (host, port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self._flows = threading.Event()
        self._flows.set()
        self._cut = False
        self._lock = threading.Lock()
        self._cut_after: re.Pattern[bytes] | None = None
        self.was_cut = threading.Event()
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Connections that are open are reset, and so is each new one."""
        self._cut = True
        with self._lock:
            for each in self._open:
                with suppress(OSError):
                    each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                    each.shutdown(socket.SHUT_RDWR)

    def cut_after(self, request: str) -> None:
        """As soon as a request that matches was answered; its answer never comes, and `was_cut` is set."""
        self.was_cut.clear()
        self._cut_after = re.compile(request.encode())

    def hush(self) -> None:
        """Connections stay open, and nothing comes through."""
        self._flows.clear()

    def mend(self) -> None:
        self._cut = False
        self._flows.set()

    def close(self) -> None:
        self.mend()
        self._server.close()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._server.accept()
                threading.Thread(target=self._carry, args=(near,), daemon=True).start()

    def _carry(self, near: socket.socket) -> None:
        with near:
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            if self._cut:
                return
            near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
            with suppress(OSError), socket.create_connection(self._far) as far:
                with self._lock:
                    self._open |= {near, far}
                asked = threading.Event()
                answers = partial(self._answers, asked)
                back = threading.Thread(target=self._pump, args=(far, near, answers), daemon=True)
                back.start()
                self._pump(near, far, partial(self._asks, asked))
                back.join()
            with self._lock:
                self._open -= {near, far}

    def _asks(self, asked: threading.Event, block: bytes) -> bool:
        if self._cut_after and self._cut_after.search(block):
            self._cut_after = None
            asked.set()
        return True

    def _answers(self, asked: threading.Event, block: bytes) -> bool:
        if not asked.is_set() or block.startswith(CONTINUE):
            return True
        self.cut()
        self.was_cut.set()
        return False

    def _pump(self, source: socket.socket, target: socket.socket, passes: Callable[[bytes], bool]) -> None:
        with suppress(OSError):
            while block := source.recv(1 << 16):
                self._flows.wait()
                if not passes(block):
                    break
                target.sendall(block)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
