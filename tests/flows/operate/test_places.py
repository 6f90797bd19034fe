"""Places of limits on a server that is killed and comes back: none leaks, no call ends, who waits says so."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    temporary_settings,
)

from flows.operate import places
from flows.operate.limits import PREFIX, install_limits, within_limits
from flows.operate.places import LEASE, Places
from flows.serve import LEASES
from flows.server.local import wait_for_server
from flows.server.secret import server_settings
from tasks.calls import invoke
from tests.flows.serving import ROOT

pytestmark = pytest.mark.slow
SECRET = "mediaflow:of this test"


class Killable:
    """A server without a worker, at a port of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home = home
        settings = server_settings(os.environ["PREFECT_API_URL"], SECRET)
        self._variables = {**os.environ, **settings, "PREFECT_HOME": str(home), **LEASES}
        self._command = [sys.executable, "-m", "flows.server.local", str(port), "127.0.0.1"]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, cwd=ROOT, env=self._variables)
        wait_for_server(self._process)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killable]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_API_URL", url)
        patch.setenv("PREFECT_API_AUTH_STRING", SECRET)
        patch.setattr(places, "LEASE", 60)  # Prefect's least
        started = Killable(tmp_path_factory.mktemp("prefect"), port)
        asked = {PREFECT_API_URL: url, PREFECT_API_AUTH_STRING: SECRET, PREFECT_CLIENT_MAX_RETRIES: 6}
        with temporary_settings(asked):
            yield started
        started.kill()


@pytest.fixture
def client(server: Killable) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client


def in_use(client: SyncPrefectClient, image: str) -> int:
    limit = client.read_global_concurrency_limit_by_name(PREFIX + image)
    assert limit.active_slots is not None
    return limit.active_slots


def test_who_waits_for_a_place_says_so_and_goes_on(client):
    install_limits(client, {"whisperx": 1})
    told: list[str] = []
    with within_limits(told.append):
        gate = invoke._gate.get()
        assert gate
        with gate("whisperx"):
            freed = threading.Event()
            second = gate("whisperx")
            waiting = threading.Thread(target=lambda: second.__enter__() or freed.set())
            waiting.start()
            time.sleep(4)
            assert told == ["whisperx is as busy as its limit allows: waiting for a place."]
            assert not freed.is_set()
        waiting.join(60)
        assert freed.is_set() and told[1].startswith("whisperx goes on after waiting "), told
        with gate("faiss"):
            assert in_use(client, "whisperx") == 1
    assert in_use(client, "whisperx") == 0, "what was left is given back at the end"


@pytest.mark.soak
def test_a_killed_server_takes_no_place_with_it(server, client):
    install_limits(client, {"pyannote": 1, "whisperx": 1})
    with Places(client, PREFIX, print) as mine:
        lost = Places(client, PREFIX, print)._take("pyannote")  # its run is killed too
        with mine.taken("whisperx"):
            server.kill()
            threading.Timer(10, server.start).start()
        with mine.taken("whisperx"):
            assert in_use(client, "whisperx") == 1
        assert lost
        began = time.monotonic()
        with mine.taken("pyannote"):
            assert time.monotonic() - began < 100
    assert in_use(client, "pyannote") == in_use(client, "whisperx") == 0


def leases_in(server: Killable) -> dict[Path, dict[str, Any]]:
    folder = server.home / "concurrency_leases"
    return {path: json.loads(path.read_bytes()) for path in folder.glob("*-*.json")}


def test_a_server_that_comes_back_counts_what_is_held_and_no_longer_than_asked_for(server, client):
    """One killed between counting a place and writing who has it; a lease of before a clock was set back."""
    install_limits(client, {"pyannote": 1, "whisperx": 1})
    with Places(client, PREFIX, print) as mine:
        assert mine._take("pyannote")
        ((path, lease),) = leases_in(server).items()
        with mine.taken("whisperx"):
            server.kill()
            for other in set(leases_in(server)) - {path}:
                other.unlink()  # as it was not written yet
            tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            path.write_text(json.dumps(lease | {"expiration": tomorrow}))
            path.with_name("expirations.json").write_text(json.dumps({lease["id"]: tomorrow}))
            server.start()
            assert (in_use(client, "whisperx"), in_use(client, "pyannote")) == (0, 1)
            now = datetime.fromisoformat(leases_in(server)[path]["expiration"])
            assert now < datetime.now(UTC) + timedelta(seconds=2 * LEASE)
