"""The HTTP server under both APIs: threads, 127.0.0.1 only, silent, closed at once with its connections."""

import json
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any

CHUNK = 1 << 16


class LocalServer(ThreadingTCPServer):
    """Serves `handler` from construction until `close()`; `owner` is what its requests act on."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128  # the default of 5 makes a burst of callers wait for SYN retries

    def __init__(self, handler: type["Exchange"], owner: Any, port: int = 0) -> None:
        self.owner = owner
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), handler)
        self.port: int = self.server_address[1]
        self._thread = threading.Thread(target=self.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        ending = threading.Thread(target=self.shutdown)
        ending.start()
        with suppress(OSError):  # a knock, so that it looks at once whether it is to end
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        ending.join()
        self._thread.join()
        for connection in list(self._connections):
            self.shutdown_request(connection)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that went away is its own affair; anything else is a defect and is shown."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class Exchange(BaseHTTPRequestHandler):
    """One connection. Subclasses define do_GET and do_POST."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes: Nagle would add 40 ms
    server: LocalServer  # pyright: ignore[reportIncompatibleVariableOverride] - it is ours alone

    def read_body(self, limit: int) -> tuple[bytes, int]:
        """The body and its size. One above `limit` is read to its end, so that the caller
        gets the answer rather than a broken pipe, but not kept."""
        kept, size = [], 0
        missing = int(self.headers.get("Content-Length") or 0)
        while missing and (block := self.rfile.read(min(missing, CHUNK))):
            missing -= len(block)
            size += len(block)
            if size <= limit:
                kept.append(block)
            else:
                kept.clear()
        return b"".join(kept), size

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reply_json(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        self.reply(status, json.dumps(content).encode(), headers)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing goes to the user's terminal."""
