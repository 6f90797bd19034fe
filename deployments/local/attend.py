"""What several runs that share an endpoint say to it beside Lambda's Invoke API.

GET  /attend     a line of JSON with the caller's own path, then one whenever what its calls wait for changes;
                 when the connection closes the caller is gone, and its calls with it
GET  /memory     the highest memory of each image's workers so far, in bytes
POST /prewarm    a JSON list of images whose workers are to start
POST /end        nobody will need it for long: it may end as soon as nobody attends
POST /spare      another endpoint needs memory: a worker that is idle ends
All below the endpoint's secret path.
"""

import json
import secrets
import select
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from deployments.local.invoke_api import InvokeExchange

if TYPE_CHECKING:
    from deployments.local.endpoint import LocalEndpoint

LOOK_S = 1.0
NAMES = 1 << 16  # bytes: the most that a list of images may take


class SharedExchange(InvokeExchange):
    """A connection of one of several callers."""

    def do_GET(self) -> None:
        endpoint: LocalEndpoint = self.server.owner
        asked = urlsplit(self.path).path
        if asked == f"{endpoint.secret_path}/attend":
            self._attend(endpoint)
        elif asked == f"{endpoint.secret_path}/memory":
            self.reply_json(200, endpoint.peak_memory())
        else:
            super().do_GET()

    def do_POST(self) -> None:
        endpoint: LocalEndpoint = self.server.owner
        asked = urlsplit(self.path).path
        if asked == f"{endpoint.secret_path}/end":
            endpoint.needed_no_more()
            return self.reply(204)
        if asked == f"{endpoint.secret_path}/spare":
            endpoint.spare()
            return self.reply(204)
        if asked != f"{endpoint.secret_path}/prewarm":
            return super().do_POST()
        body, _ = self.read_body(NAMES)
        endpoint.prewarm(name for name in json.loads(body) if endpoint.has_image(name))
        self.reply(204)

    def _attend(self, endpoint: "LocalEndpoint") -> None:
        caller = secrets.token_urlsafe(16)
        self.close_connection = True  # its end is the end of what follows
        self.send_response(200)
        self.end_headers()
        with endpoint.attended(caller):
            try:
                self._say({"path": f"/{caller}", "logs": str(endpoint.logs)})
                told: list[str] = []
                while not self._gone():
                    if (waiting := endpoint.waiting(caller)) != told:
                        self._say({"waiting": waiting})
                        told = waiting
            except OSError:
                pass  # it went away while it was told something

    def _say(self, line: object) -> None:
        self.wfile.write(json.dumps(line).encode() + b"\n")
        self.wfile.flush()

    def _gone(self) -> bool:
        """After a second, or at once when the caller has closed its end."""
        readable, _, _ = select.select([self.connection], [], [], LOOK_S)
        return bool(readable) and not self.connection.recv(1)
