"""Known holes of what the locks pin: told, answered with a reason, or out of date.

The registry is ours here, with the answers of npm's (https://docs.npmjs.com/cli/commands/npm-audit, "Bulk
Advisory Endpoint").
"""

import gzip
import json
import threading
import tomllib
from collections.abc import Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from containers.common.errors import UserError
from deployments.audit.__main__ import ANSWERS, Answer, Hole, npm_holes, python_holes, unanswered

TORCH = Hole(package="torch", version="2.8.0", ids=["GHSA-1", "CVE-1"], mended="2.10.0")
ANSWER = Answer(id="CVE-1", package="torch", reason="read elsewhere", until=date(2027, 1, 1))


def test_a_hole_without_an_answer_is_told():
    assert unanswered([TORCH], [], date(2026, 12, 1)) == ["torch 2.8.0: GHSA-1 CVE-1, mended in 2.10.0."]


def test_an_answer_holds_by_any_of_the_holes_names_until_its_day():
    assert unanswered([TORCH], [ANSWER], date(2027, 1, 1)) == []
    (said,) = unanswered([TORCH], [ANSWER], date(2027, 1, 2))
    assert said == "torch 2.8.0: the answer to CVE-1 ran out, mended in 2.10.0."


def test_an_answer_of_another_package_answers_nothing():
    assert unanswered([TORCH], [ANSWER.model_copy(update={"package": "torchvision"})], date(2026, 12, 1))


def test_every_answer_gives_a_reason():
    answers = [Answer.model_validate(each) for each in tomllib.loads(ANSWERS.read_text())["answer"]]
    assert all(len(each.reason) > 40 for each in answers)


@pytest.fixture
def uv(tmp_path, monkeypatch):
    """`uv(answer)`: a script in its place; answers have the form of pip-audit 2.10.1."""

    def write(answer: dict) -> None:
        script = tmp_path / "uv"
        told = f"export) echo torch==2.8.0;; *) echo '{json.dumps(answer)}'; exit 1;;"
        script.write_text(f"#!/bin/sh\ncase $1 in {told} esac\n")
        script.chmod(0o700)
        monkeypatch.setenv("UV", str(script))

    return write


def test_what_pip_audit_knows_is_read(uv):
    found = {"id": "CVE-1", "fix_versions": ["2.10.0"], "aliases": ["GHSA-1"], "description": "s"}
    fine = {"name": "numpy", "version": "2.0.0", "vulns": []}
    uv({"dependencies": [{"name": "torch", "version": "2.8.0", "vulns": [found]}, fine], "fixes": []})
    assert list(python_holes()) == [TORCH.model_copy(update={"ids": ["CVE-1", "GHSA-1"]})]


def test_a_package_that_nobody_could_be_asked_about_is_no_good_news(uv):
    uv({"dependencies": [{"name": "torch", "skip_reason": "Dependency not found on PyPI"}], "fixes": []})
    with pytest.raises(UserError, match="Nothing is known of 1 packages, torch among them"):
        list(python_holes())


@pytest.fixture
def registry() -> Iterator[ThreadingHTTPServer]:
    """npm's, which knows a hole of sharp; `server.known` is what it answers, and None makes it refuse."""

    class Registry(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked = json.loads(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            known = self.server.known  # pyright: ignore[reportAttributeAccessIssue]
            answer = {name: holes for name, holes in (known or {}).items() if name in asked}
            self.send_response(200 if known is not None else 405)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def do_GET(self) -> None:
            self.send_error(404)  # which version mends it, it asks; nobody here wants to know

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


HOLE = {
    "id": 1,
    "url": "https://github.com/advisories/GHSA-54xq-cgqr-rpm3",
    "title": "sharp vulnerability in libwebp",
    "severity": "high",
    "vulnerable_versions": "<99.0.0",
}


def test_npm_s_registry_is_asked_of_the_lock(registry):
    url = f"http://127.0.0.1:{registry.server_port}"
    registry.known = {"sharp": [HOLE]}
    (hole,) = [each for each in npm_holes(url) if each.package == "sharp"]
    assert hole.ids == ["GHSA-54xq-cgqr-rpm3"]
    assert hole.version[0].isdigit()
    registry.known = {}
    assert list(npm_holes(url)) == []


def test_a_registry_that_does_not_answer_is_no_good_news(registry):
    registry.known = None
    with pytest.raises(UserError, match="npm"):
        list(npm_holes(f"http://127.0.0.1:{registry.server_port}"))
