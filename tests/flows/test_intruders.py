"""Who does not know a server's secret: pages of other origins, names that were made to point here, others."""

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from containers.common.errors import UserError
from containers.common.private import write_private
from flows.server.local import temporary_server, wait_for_server
from flows.server.secret import (
    configured_url,
    is_anothers,
    kept_secret,
    own_hosts,
    secret_file,
    server_settings,
)
from tests.conftest import chromium
from tests.flows.serving import ROOT, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

URL = "http://127.0.0.1:4200/api"
EVENT = {
    "event": "intruder.was.here",
    "occurred": "2030-01-01T00:00:00Z",
    "id": "00000000-0000-0000-0000-000000000001",
    "resource": {"prefect.resource.id": "intruder"},
}
# What a page may try. A deployment with a shell step would run through the worker, a block holds secrets.
TRY = """async ([api, event]) => {
  const said = {};
  const ask = async (name, path, options) => {
    try {
      const answer = await fetch(api + path, {method: 'POST', ...options});
      said[name] = [answer.status, (await answer.text()).slice(0, 200)];
    } catch (error) { said[name] = [0, String(error)]; }
  };
  const json = {'Content-Type': 'application/json'};
  await ask('flow', '/flows/', {headers: json, body: '{"name": "intruder"}'});
  await ask('plain', '/flows/', {mode: 'no-cors', body: '{"name": "blind"}'});
  await ask('secrets', '/block_documents/filter', {headers: json, body: '{"include_secrets": true}'});
  const told = await new Promise(resolve => {
    const socket = new WebSocket(api.replace('http', 'ws') + '/events/in');
    socket.onopen = () => { socket.send(event); setTimeout(() => resolve(true), 500); };
    socket.onerror = () => resolve(false);
    socket.onclose = () => resolve(false);
  });
  said.event = [told ? 200 : 0, ''];
  return said;
}"""
GOT_IN = {"flow", "secrets", "event"}


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    """A site of another origin."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<title>A page</title>")

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{site.server_port}"
    site.shutdown()
    site.server_close()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prefect's server as it comes: it shows that these attempts are attempts."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "uvicorn", "prefect.server.api.server:create_app", "--factory", "--port", str(port)]
    home = {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("plain")),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    with subprocess.Popen(
        [sys.executable, *command, "--log-level", "error"], cwd=ROOT, env=os.environ | home
    ) as process:
        url = f"http://127.0.0.1:{port}"
        while process.poll() is None:
            try:
                if httpx.get(f"{url}/api/health", timeout=5, trust_env=False).is_success:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield url
        process.kill()


def got_in(browser: "Browser", elsewhere: str, server: str) -> set[str]:
    page = browser.new_page()
    page.goto(elsewhere)
    said = page.evaluate(TRY, [f"{server}/api", json.dumps(EVENT)])
    page.close()
    return {name for name, (status, _) in said.items() if 200 <= status < 300}


@pytest.mark.slow
def test_a_page_of_another_origin_gets_nowhere(browser, elsewhere, server) -> None:
    assert got_in(browser, elsewhere, server.url) == set()
    names = {flow["name"] for flow in server.call("POST", "/flows/filter")}
    assert not names & {"intruder", "blind"}
    wanted = {"event": {"name": ["intruder.was.here"]}, "occurred": {"until": "2031-01-01T00:00:00Z"}}
    assert server.call("POST", "/events/filter", filter=wanted)["events"] == []


@pytest.fixture(params=["0", "0.05"], ids=["of one run", "that waits for the next"])
def temporary(request, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server that a run without one starts for itself."""
    home = tmp_path_factory.mktemp("temporary")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        patch.setenv("MEDIAFLOW_KEEP_WARM", request.param)
        for name in ("PREFECT_API_URL", "PREFECT_API_AUTH_STRING"):
            patch.delenv(name, raising=False)
        with temporary_server() as process:
            assert process
            wait_for_server(process)
            url, secret = os.environ["PREFECT_API_URL"], os.environ["PREFECT_API_AUTH_STRING"]
            port = httpx.URL(url).port
            assert port
            write_private(home / "secret", secret)
            yield Server(port, home / "secret")


@pytest.mark.slow
def test_nor_does_it_with_the_server_of_a_run(browser, elsewhere, temporary) -> None:
    assert got_in(browser, elsewhere, temporary.url) == set()
    assert not {flow["name"] for flow in temporary.call("POST", "/flows/filter")} & {"intruder", "blind"}
    by_another_name = httpx.get(
        f"{temporary.url}/api/health", headers={"Host": "rebound.example"}, trust_env=False
    )
    assert by_another_name.status_code == 400


@pytest.mark.slow
def test_what_a_browser_sends_with_the_password_alone_changes_nothing(server) -> None:
    """A page of the same host on another port, for which a browser may know the password."""
    user, _, password = server.secret.partition(":")
    answer = httpx.post(
        f"{server.url}/api/flows/", json={"name": "forged"}, auth=(user, password), trust_env=False
    )
    assert (answer.status_code, "CSRF" in answer.text) == (403, True)


@pytest.mark.slow
def test_the_same_page_rules_a_server_as_prefect_starts_it(browser, elsewhere, plain) -> None:
    assert got_in(browser, elsewhere, plain) == GOT_IN


@pytest.mark.slow
@pytest.mark.parametrize("guarded", [True, False])
def test_a_name_that_was_made_to_point_here_is_refused(browser, request, guarded) -> None:
    url = request.getfixturevalue("server").url if guarded else request.getfixturevalue("plain")
    port = httpx.URL(url).port
    started = browser.browser_type.launch(
        executable_path=chromium(),
        args=["--no-sandbox", "--host-resolver-rules=MAP rebound.example 127.0.0.1"],
    )
    page = started.new_page()
    answer = page.goto(f"http://rebound.example:{port}/api/health")
    assert answer and (answer.status, answer.text()) == (
        (400, "Invalid host header") if guarded else (200, "true")
    )
    started.close()


@pytest.mark.slow
def test_who_does_not_know_the_secret_is_told_nothing(server) -> None:
    for known in (None, ("mediaflow", "guessed")):
        answer = httpx.post(f"{server.url}/api/flows/filter", auth=known, trust_env=False)
        assert answer.status_code in (401, 403)
        answer = httpx.get(f"{server.url}/api/admin/version", auth=known, trust_env=False)
        assert answer.status_code == 401


@pytest.mark.slow
def test_a_server_for_everybody_is_refused(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if "AUTH_STRING" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "flows.server.local", "4299", "0.0.0.0"],
        cwd=ROOT,
        env=environment | {"PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "would obey everybody" in done.stderr


def test_the_secret_stays_the_same_and_is_this_user_s_alone(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    secret = kept_secret(URL)
    assert kept_secret(URL) == secret != kept_secret(URL.replace("4200", "4201"))
    assert secret_file(URL).stat().st_mode & 0o077 == 0
    assert len(secret) > 40
    secret_file(URL).chmod(0o644)
    assert kept_secret(URL) != secret, "others may have read it"


LISTENER = """
import os, socket, sys, time
if os.getuid() == 0:
    os.setuid(65534)
with socket.create_server(("127.0.0.1", 0)) as listening:
    print(listening.getsockname()[1], flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who listens")
def test_nobody_who_took_our_port_is_told_the_secret(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", LISTENER], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        url = f"http://127.0.0.1:{int(other.stdout.readline())}/api"
        user = os.getuid()
        monkeypatch.setattr(os, "getuid", lambda: user or 1)  # root listens with root's right, as anybody
        if user:
            assert not is_anothers(url)
            monkeypatch.setattr(os, "getuid", lambda: user + 1)
        assert is_anothers(url)
        assert is_anothers(url.replace("127.0.0.1", "localhost"))
        assert not is_anothers(url.replace("127.0.0.1", "media.example.org"))
        monkeypatch.undo()
        other.kill()


def test_a_secret_that_cannot_be_kept_is_one_sentence(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    with pytest.raises(UserError, match="cannot be kept"):
        kept_secret(URL)


def test_a_command_finds_the_secret_of_its_server_and_gives_it_to_no_other(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment["PREFECT_HOME"] = str(tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(tmp_path))
        secret = kept_secret(URL)
    show = [sys.executable, "-c", "import os, flows; print(os.environ.get('PREFECT_API_AUTH_STRING'))"]

    def told(**variables: str) -> str:
        return subprocess.run(
            show, cwd=ROOT, env=environment | variables, capture_output=True, text=True, check=True
        ).stdout.strip()

    assert told(PREFECT_API_URL=URL) == secret
    assert told(PREFECT_API_URL="https://api.prefect.cloud/api") == "None"
    assert told() == "None"
    profiles = f'active = "local"\n[profiles.local]\nPREFECT_API_URL = "{URL}"\n[profiles.other]\n'
    (tmp_path / "profiles.toml").write_text(profiles)
    assert told() == secret
    assert told(PREFECT_PROFILE="other") == "None"


def test_only_the_profile_in_use_counts(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.delenv("PREFECT_PROFILE", raising=False)
    assert configured_url() is None
    (tmp_path / "profiles.toml").write_text(
        f'active = "a"\n[profiles.a]\n[profiles.b]\nPREFECT_API_URL = "{URL}"'
    )
    assert configured_url() is None
    (tmp_path / "profiles.toml").write_text("active = ")
    with pytest.raises(UserError, match="cannot be read"):
        configured_url()


def test_a_server_lets_in_its_own_origin_and_names_alone(monkeypatch) -> None:
    monkeypatch.delenv("PREFECT_UI_API_URL", raising=False)
    settings = server_settings(URL, "a:b")
    origins = "http://127.0.0.1:4200,http://localhost:4200"
    assert settings["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == origins
    assert own_hosts("127.0.0.1") == ["127.0.0.1", "localhost"]
    assert socket.gethostname() in own_hosts("0.0.0.0")
    elsewhere = server_settings("http://media.lan:4200/api", "a:b")
    assert elsewhere["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://media.lan:4200"
    monkeypatch.setenv("PREFECT_UI_API_URL", "https://media.example.org/api")
    assert "media.example.org" in own_hosts("127.0.0.1")
