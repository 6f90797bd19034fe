"""A package registry on 127.0.0.1 that behaves as badly as the test wants it to."""

import hashlib
import io
import json
import random
import tarfile
import threading
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from urllib.parse import unquote

BLOCK = 16_384


def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that no compression makes smaller."""
    return random.Random(seed).randbytes(size)


def wheel(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def tarball(members: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:gz") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


@dataclass
class Package:
    """What the registry carries, and what a catalogue pins of it."""

    name: str
    file: str
    content: bytes
    members: dict[str, bytes]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass
class Mood:
    """How one request is answered; without one, the registry is well."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    cut: int | None = None  # the connection breaks after so many bytes
    hold: int | None = None  # nothing comes after so many bytes, and the connection stays open
    lengthless: bool = False  # no Content-Length, so that the end of the connection is the end of the file
    rangeless: bool = False
    endless: bool = False


class Registry:
    """`moods[file]` are used up one a request; `served` counts the bytes that left, by file."""

    def __init__(self) -> None:
        self.packages: dict[str, Package] = {}
        self.moods: dict[str, list[Mood]] = {}
        self.page_moods: list[Mood] = []
        self.html = False
        self.requests: list[str] = []
        self.served: Counter[str] = Counter()
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # clients that hang up are part of the tests
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    def carry(self, name: str, members: dict[str, bytes], npm: bool = False) -> Package:
        """Publishes a package: a wheel, or npm's tarball."""
        short = PurePosixPath(name).name
        file = f"{short}-1.0.0.tgz" if npm else f"{name.replace('-', '_')}-1.0.0-py3-none-any.whl"
        package = Package(name, file, (tarball if npm else wheel)(members), members)
        self.packages[file] = package
        return package

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = unquote(self.path)
                registry.requests.append(path)
                if path.startswith("/simple/"):
                    mood = registry.page_moods.pop(0) if registry.page_moods else registry.page(path)
                    self.answer(mood.body or b"", 0, mood, "")
                    return
                name = path.rsplit("/", 1)[-1]
                waiting = registry.moods.get(name)
                mood = waiting.pop(0) if waiting else Mood()
                package = registry.packages.get(name)
                if package is None:
                    mood = Mood(status=404)
                start = 0 if mood.rangeless else _start(self.headers.get("Range"))
                content = mood.body if mood.body is not None else package.content if package else b""
                self.answer(content[start:], start, mood, name)

            def answer(self, body: bytes, start: int, mood: Mood, name: str) -> None:
                good = mood.status == 200
                self.send_response(206 if start and good else mood.status)
                for header, value in mood.headers.items():
                    self.send_header(header, value)
                if not mood.lengthless and not mood.endless:
                    self.send_header("Content-Length", str(len(body) if good else 0))
                self.end_headers()
                stop = mood.cut if mood.cut is not None else mood.hold
                sending = body[:stop] if good else b""
                for first in range(0, len(sending), BLOCK):
                    self.send(sending[first : first + BLOCK], name)
                while mood.endless and not registry.closing.is_set():
                    self.send(bytes(BLOCK), name)
                if mood.hold is not None:
                    registry.closing.wait(60)

            def send(self, block: bytes, name: str) -> None:
                self.wfile.write(block)
                registry.served[name] += len(block)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler

    def page(self, path: str) -> Mood:
        """A project's page of the simple repository API: JSON (PEP 691) or HTML (PEP 503)."""
        name = path.removeprefix("/simple/").strip("/")
        files = [package.file for package in self.packages.values() if package.name == name]
        if not files:
            return Mood(status=404)
        if self.html:
            links = "".join(f'<a href="../../files/{file}#sha256=0">{file}</a><br>' for file in files)
            return Mood(
                body=f"<html><body>{links}</body></html>".encode(), headers={"Content-Type": "text/html"}
            )
        listing = {
            "files": [{"filename": file, "url": f"../../files/{file}", "hashes": {}} for file in files]
        }
        kind = "application/vnd.pypi.simple.v1+json"
        return Mood(body=json.dumps(listing).encode(), headers={"Content-Type": kind})


def _start(range_header: str | None) -> int:
    return int(range_header.removeprefix("bytes=").removesuffix("-")) if range_header else 0
