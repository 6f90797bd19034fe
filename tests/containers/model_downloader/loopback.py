"""Hosts on 127.0.0.1 that serve files as a hub, GitHub, TensorFlow Hub or a plain server do."""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from tests.containers.model_downloader.registry import BLOCK, Mood

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Repo:
    """A repository of a Hugging Face Hub."""

    files: dict[str, bytes]
    large: set[str] = field(default_factory=set)  # kept in LFS, so with a published SHA-256
    gated: bool = False


@dataclass
class Asked:
    method: str
    path: str  # with its query
    authorization: str | None
    range: str | None


class Loopback:
    """`files[path]` is what it serves; `moods[path]` are used up one a request; `asked` is what it heard.

    `repos` makes it a hub. Large files of a repo are served by `storage`, another host, as on the real one.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.moods: dict[str, list[Mood]] = {}
        self.every: Callable[[], Mood | None] = lambda: None  # the mood of requests that have no other
        self.repos: dict[str, Repo] = {}
        self.token: str | None = None  # gated repositories ask for it
        self.storage: Loopback | None = None
        self.spoil: Callable[[bytes], bytes] = bytes  # what becomes of a body on its way
        self.pace = 0.0  # seconds between blocks
        self.asked: list[Asked] = []
        self.served: Counter[str] = Counter()
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients that hang up are part of the tests
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def respond(self, path: str, authorization: str | None) -> tuple[Mood, bytes]:
        """(status and headers, the whole body)."""
        parts = urlsplit(unquote(path)).path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            return self._listed("/".join(parts[2:-2]), parts[-1], authorization)
        if "resolve" in parts:
            place = parts.index("resolve")
            return self._resolved("/".join(parts[:place]), "/".join(parts[place + 2 :]), authorization)
        content = self.files.get(unquote(path))
        return (Mood(status=404), b"") if content is None else (Mood(), content)

    def _refused(self, name: str, authorization: str | None) -> Mood | None:
        repo = self.repos.get(name)
        if repo is None:
            return Mood(status=404, headers={"X-Error-Code": "RepoNotFound"})
        if repo.gated and authorization != f"Bearer {self.token}":
            status = 403 if authorization else 401
            return Mood(status=status, headers={"X-Error-Code": "GatedRepo"})
        return None

    def _listed(self, name: str, revision: str, authorization: str | None) -> tuple[Mood, bytes]:
        if refused := self._refused(name, authorization):
            return refused, b""
        if revision not in ("main", COMMIT):
            return Mood(status=404, headers={"X-Error-Code": "RevisionNotFound"}), b""
        repo = self.repos[name]
        siblings = []
        for file, content in repo.files.items():
            entry = {"rfilename": file, "size": len(content), "blobId": "0" * 40}
            if file in repo.large:
                digest = hashlib.sha256(content).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
            siblings.append(entry)
        answer = {"id": name, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False}
        return Mood(headers={"Content-Type": "application/json"}), json.dumps(answer).encode()

    def _resolved(self, name: str, file: str, authorization: str | None) -> tuple[Mood, bytes]:
        if refused := self._refused(name, authorization):
            return refused, b""
        repo = self.repos[name]
        if file not in repo.files:
            return Mood(status=404, headers={"X-Error-Code": "EntryNotFound"}), b""
        content = repo.files[file]
        headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(content).hexdigest()}"'}
        if file in repo.large and self.storage:
            path = f"/lfs/{name}/{file}"
            self.storage.files[path] = content
            headers |= {"X-Linked-Size": str(len(content)), "X-Linked-ETag": headers["ETag"]}
            return Mood(status=302, headers=headers | {"Location": f"{self.storage.url}{path}"}), b""
        return Mood(headers=headers), content

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                authorization = self.headers.get("Authorization")
                host.asked.append(Asked(self.command, self.path, authorization, self.headers.get("Range")))
                natural, content = host.respond(self.path, authorization)
                waiting = host.moods.get(unquote(self.path))
                mood = waiting.pop(0) if waiting else host.every() or natural
                if mood is not natural and mood.status == 200:
                    mood.headers = natural.headers | mood.headers
                self.answer(mood, content if mood.body is None else mood.body)

            do_HEAD = do_GET

            def answer(self, mood: Mood, content: bytes) -> None:
                first, last = 0, len(content) - 1
                ranged = self.headers.get("Range") if mood.status == 200 and not mood.rangeless else None
                if ranged:
                    start, _, end = ranged.removeprefix("bytes=").partition("-")
                    first, last = int(start), min(int(end or last), last)
                body = content[first : last + 1] if mood.status == 200 else b""
                self.send_response(206 if ranged else mood.status)
                for name, value in mood.headers.items():
                    self.send_header(name, value)
                if not mood.lengthless:
                    self.send_header("Content-Length", str(len(body)))
                if ranged:
                    self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
                self.end_headers()
                if self.command == "HEAD":
                    return
                stop = mood.cut if mood.cut is not None else mood.hold
                sending = host.spoil(body[:stop])
                for start in range(0, len(sending), BLOCK):
                    block = sending[start : start + BLOCK]
                    self.wfile.write(block)
                    host.served[unquote(self.path)] += len(block)
                    time.sleep(host.pace)
                if mood.hold is not None:
                    host.closing.wait(60)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler
