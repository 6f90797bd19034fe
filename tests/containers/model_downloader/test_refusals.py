"""Every refusal is one sentence: the reason, and what to do. The model's name stands beside it."""

import re
import socket

import pytest

from containers.model_downloader import session
from containers.model_downloader.fetch import choose, fetch_models
from tests.containers.model_downloader.loopback import Repo
from tests.containers.model_downloader.registry import Mood, noise

ADVICE = re.compile(
    r"\b(add|accept|ask|check|copy|correct|fetch|get|make room|name|run|set|try|use|SSL_CERT_FILE may name)\b"
)


def url(web, name="a.bin"):
    return {"kind": "url", "urls": [f"{web.url}/{name}"]}


def answering(**mood):
    def prepare(web, monkeypatch):
        web.files["/a.bin"] = noise(50_000)
        web.every = lambda: Mood(**mood)
        return url(web)

    return prepare


def hub(revision="main", gated=False, token=""):
    def prepare(web, monkeypatch):
        web.token = "hf_right"
        web.repos["lab/bert"] = Repo({"config.json": b"{}"})
        monkeypatch.setenv("HF_ENDPOINT", web.url)
        monkeypatch.setenv("HF_TOKEN", token)
        name = "lab/none" if revision == "gone" else "lab/bert"
        return {"kind": "huggingface", "repo": name, "revision": revision, "gated": gated, "patterns": ["*n"]}

    return prepare


def gated(web, monkeypatch):
    source = hub(gated=True, token="hf_other")(web, monkeypatch)
    web.repos["lab/bert"].gated = True
    return source


def nobody_listens(web, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{closed.getsockname()[1]}"
    monkeypatch.setenv("MEDIAFLOW_ALLOW_HOSTS", address)
    return {"kind": "url", "urls": [f"http://{address}/a.bin"]}


def silent(web, monkeypatch):
    monkeypatch.setattr(session, "SILENCE", 0.1)
    return answering(hold=0)(web, monkeypatch)


def wrong_hash(web, monkeypatch):
    web.files["/a.bin"] = noise(100)
    return {"kind": "url", "urls": [{"url": f"{web.url}/a.bin", "sha256": "0" * 64, "size": 100}]}


def wrong_size(web, monkeypatch):
    web.files["/a.bin"] = noise(100)
    return {"kind": "url", "urls": [{"url": f"{web.url}/a.bin", "sha256": "0" * 64, "size": 200}]}


def mirror(name, source):
    def prepare(web, monkeypatch):
        monkeypatch.setenv(name, "ftp://mirror")
        return source

    return prepare


CASES = {
    "missing": (answering(status=404), "127.0.0.1 answers 404 for /a.bin; "),
    "forbidden": (answering(status=403), "127.0.0.1 answers 403 for /a.bin; "),
    "unauthorised": (answering(status=401), "127.0.0.1 answers 401 for /a.bin; "),
    "too many": (answering(status=429), "127.0.0.1 answers 429 for /a.bin; "),
    "broken": (answering(status=503), "127.0.0.1 answers 503 for /a.bin; "),
    "endless redirects": (answering(status=302, headers={"Location": "/a.bin"}), "127.0.0.1 did not deliver"),
    "elsewhere": (answering(status=302, headers={"Location": "https://evil.org"}), "It leads to evil.org, "),
    "cut": (answering(cut=0), "127.0.0.1 did not deliver a.bin: the connection ended after 0 bytes, "),
    "silent": (silent, "127.0.0.1 did not deliver a.bin: nothing came for 0.1 seconds; "),
    "nobody": (nobody_listens, "127.0.0.1 cannot be reached: Connection refused; "),
    "wrong hash": (wrong_hash, "a.bin from 127.0.0.1 does not match its SHA-256; "),
    "wrong size": (wrong_size, "127.0.0.1 did not deliver a.bin: "),
    "gated, no token": (hub(gated=True), "lab/bert is gated: accept its terms at "),
    "gated, wrong account": (gated, "lab/bert is gated: accept its terms at "),
    "no repository": (hub(revision="gone"), "lab/none is not on the hub or not for you; "),
    "no revision": (hub(revision="v9"), "There is no lab/bert at v9; "),
    "no token": (hub(token="two words"), "The token in HF_TOKEN is not one; "),
    "no such file": (lambda web, patch: url(web, "b.bin"), "127.0.0.1 answers 404 for /b.bin; "),
    "no folder": (
        lambda web, patch: {"kind": "folder", "path": "/absent"},
        "/absent is no folder with files; ",
    ),
    "page only": (
        lambda web, patch: {"kind": "url", "page": "https://a.org"},
        "Its files have no address in ",
    ),
    "bad mirror": (
        mirror("TFHUB_ENDPOINT", {"kind": "tfhub", "handle": "a/b/1"}),
        "TFHUB_ENDPOINT is not the http or https address of a mirror; ",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_refusal_is_one_sentence_that_says_what_to_do(case, web, enter, store, monkeypatch):
    prepare, beginning = CASES[case]
    enter("model", prepare(web, monkeypatch))
    (done,) = fetch_models(choose(["model"], None))
    assert (done.id, done.status) == ("model", "failed")
    assert (done.reason or "").startswith(beginning)
    assert re.fullmatch(r"[^\n]+\.", done.reason or "")
    assert not re.search(r"\. [A-Z]", done.reason or ""), "one sentence"
    assert ADVICE.search((done.reason or "")[len(beginning) - 2 :])
    assert "hf_" not in (done.reason or "")
    assert not (store / "model").exists()
