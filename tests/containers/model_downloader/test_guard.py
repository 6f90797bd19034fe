"""Where the downloader refuses to go, and what it refuses to unpack."""

import io
import json
import socket
import stat
import tarfile
import zipfile
from ipaddress import ip_address

import pytest
import urllib3.util.connection

from containers.common.errors import UserError
from containers.model_downloader.fetch import choose, fetch_models
from containers.model_downloader.guard import Guard, is_public
from tests.containers.model_downloader.registry import Mood, noise, wheel


def fetch():
    return fetch_models(choose(["model"], None))[0].reason


@pytest.fixture
def listed(tmp_path):
    """A catalogue that allows `models.example.org` and what lies below `example.net`."""
    hosts = ["models.example.org", "*.example.net"]
    (tmp_path / "catalogue.toml").write_text(f"hosts = {json.dumps(hosts)}\n")


@pytest.fixture
def answers(monkeypatch):
    """`answers[host]` are the addresses that the next look-ups give; `dialled` what is connected to."""
    answers, dialled = {}, []
    real = socket.getaddrinfo

    def look_up(host, port, *rest, **options):
        if host not in answers:
            return real(host, port, *rest, **options)
        found = answers[host].pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    def dial(address, *rest, **options):
        dialled.append(address[0])
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(urllib3.util.connection, "create_connection", dial)
    answers["dialled"] = dialled
    return answers


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("203.0.113.80", True),  # what a build's proxy resolves names to; of no network
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),  # where clouds keep credentials
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::", False),
    ],
)
def test_what_a_public_address_is(address, public):
    assert is_public(ip_address(address)) is public


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://models.example.org/a", "It leads to http://models.example.org, which is not https; "),
        ("ftp://models.example.org/a", "It leads to ftp://models.example.org, which is not https; "),
        ("file:///etc/passwd", "It leads to file://, which is not https; "),
        ("https://evil.org/a", "It leads to evil.org, which is not an allowed host; "),
        ("https://models.example.org.evil.org/a", "It leads to models.example.org.evil.org, which is not "),
        ("https://models.example.org@evil.org/a", "It leads to evil.org, which is not an allowed host; "),
        ("https://example.net/a", "It leads to example.net, which is not an allowed host; "),
        ("https://127.0.0.1/a", "It leads to 127.0.0.1, at the private address 127.0.0.1; "),
        ("https://[::ffff:10.0.0.1]/a", "It leads to ::ffff:10.0.0.1, at the private address "),
        ("https://2130706433/a", "It leads to 2130706433, which is not an allowed host; "),
    ],
)
def test_addresses_that_are_refused(url, sentence, listed, enter, store):
    enter("model", {"kind": "url", "urls": [url]})
    assert fetch().startswith(sentence)


def test_what_the_catalogue_and_the_settings_allow(listed, enter, monkeypatch):
    enter("model", {"kind": "folder", "path": "/"})
    monkeypatch.setenv("MEDIAFLOW_ALLOW_HOSTS", "mirror.local, 10.0.0.7:8080")
    for url in ("https://models.example.org/a", "https://a.example.net/b", "http://mirror.local/c"):
        Guard().check(url)
    Guard().check("http://10.0.0.7:8080/d")
    with pytest.raises(UserError, match="not https"):
        Guard().check("http://10.0.0.7:9090/d")


def test_a_name_with_a_private_address(listed, enter, store, answers, loopback):
    loopback()
    answers["models.example.org"] = [["93.184.216.34", "10.0.0.1"]]
    enter("model", {"kind": "url", "urls": ["https://models.example.org/a.bin"]})
    assert fetch() == (
        "It leads to models.example.org, at the private address 10.0.0.1; "
        "name the host in MEDIAFLOW_ALLOW_HOSTS if it is your own mirror."
    )
    assert answers["dialled"] == []


def test_a_name_that_changes_its_address_after_the_check(listed, enter, store, answers, loopback):
    """DNS rebinding: what was checked is what is dialled, for there is no second look-up."""
    loopback()
    answers["models.example.org"] = [["93.184.216.34"], ["127.0.0.1"], ["127.0.0.1"]]
    enter("model", {"kind": "url", "urls": ["https://models.example.org/a.bin"]})
    assert "at the private address 127.0.0.1" in fetch()
    assert answers["dialled"] == ["93.184.216.34"]  # and the next attempt was checked again


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("http://127.0.0.1:9/a", "It leads to http://127.0.0.1, which is not https; "),
        ("https://169.254.169.254/latest/meta-data", "It leads to 169.254.169.254, at the private address "),
        ("https://evil.org/a", "It leads to evil.org, which is not an allowed host; "),
        ("file:///etc/passwd", "It leads to file://, which is not https; "),
    ],
)
def test_redirects_are_checked_as_the_first_address_was(target, sentence, web, enter, store):
    web.files["/a.bin"] = b"1"
    web.moods["/a.bin"] = [Mood(status=302, headers={"Location": target})]
    enter("model", {"kind": "url", "urls": [f"{web.url}/a.bin"]})
    assert (fetch() or "").startswith(sentence)


def packed_tar(name: str, kind: bytes, target: str = "/etc/passwd") -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, target
        archive.addfile(entry)
    return content.getvalue()


def linked_zip() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        info = zipfile.ZipInfo("a/link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return content.getvalue()


def long_header() -> bytes:
    """A tar whose extended header claims 64 MB of memory."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo("pax")
        entry.type, entry.size = tarfile.XHDTYPE, 64 << 20
        archive.addfile(entry, io.BytesIO(bytes(entry.size)))
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("a.tar.gz", packed_tar("a/link", tarfile.SYMTYPE), "carries 'a/link', a link or a device"),
        ("a.tar.gz", packed_tar("a/hard", tarfile.LNKTYPE), "carries 'a/hard', a link or a device"),
        ("a.tar.gz", packed_tar("a/null", tarfile.CHRTYPE), "carries 'a/null', a link or a device"),
        ("a.tar.gz", packed_tar("a/pipe", tarfile.FIFOTYPE), "carries 'a/pipe', a link or a device"),
        ("a.zip", linked_zip(), "carries 'a/link', a link or a device"),
        ("a.zip", wheel({"../up.bin": b"1"}), "carries '../up.bin', which leads out of its folder"),
        ("a.zip", wheel({"/abs.bin": b"1"}), "carries '/abs.bin', which leads out of its folder"),
        ("a.zip", wheel({"..\\up.bin": b"1"}), "carries '..\\\\up.bin', which leads out of its folder"),
        ("a.zip", wheel({"a.bin": bytes(30_000_000)}), "unpacks to far more than its own size"),
        ("a.tar.gz", long_header(), "is damaged or not an archive"),
        ("a.tar.gz", noise(1_000), "is damaged or not an archive"),
        ("a.zip", b"", "is damaged or not an archive"),
    ],
    # Not the bytes: gzip holds the second they were made in, and workers must agree on the names.
    ids=lambda given: given if isinstance(given, str) else "archive",
)
def test_archives_that_are_not_unpacked(name, content, fault, web, enter, store):
    web.files[f"/{name}"] = content
    enter("model", {"kind": "url", "urls": [f"{web.url}/{name}"]})
    assert fetch() == f"{name} {fault}, so it is not unpacked; ask its publisher for a sound one."
    assert [path for path in store.rglob("*") if path.is_file() and ".locks" not in path.parts] == []


def test_a_hub_s_file_names_do_not_lead_out_of_the_folder(web, enter, store, tmp_path, monkeypatch):
    from tests.containers.model_downloader.loopback import Repo

    web.repos["lab/evil"] = Repo({"../../escaped.json": b"{}"})
    monkeypatch.setenv("HF_ENDPOINT", web.url)
    enter("model", {"kind": "huggingface", "repo": "lab/evil"})
    assert fetch() is not None
    assert not list(tmp_path.rglob("escaped.json"))
