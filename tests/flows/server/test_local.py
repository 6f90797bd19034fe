"""The server that a run without one starts for itself."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
import soundfile

from containers.common.errors import UserError
from containers.common.models.store import store_folder
from flows.runs.turns import AT_ONCE
from flows.server.local import wait_for_server

ROOT = Path(__file__).parents[3]


def test_a_server_that_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(UserError, match="does not answer"):
        wait_for_server(ended)


ONE_RUN = """
import os, sys
from flows.server.local import temporary_server, wait_for_server
with temporary_server() as server:
    wait_for_server(server)
    print("ready", os.environ["PREFECT_API_URL"], flush=True)
    sys.stdin.readline()  # it stays while the others start
"""


@pytest.mark.slow
def test_several_runs_of_one_user_have_their_servers_at_once(tmp_path: Path) -> None:
    """All of one home, which is empty; the second once waited until the first had ended."""
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path / "home"), "MEDIAFLOW_KEEP_WARM": "0"}
    with ExitStack() as stack:
        runs = []
        for _ in range(3):
            run = subprocess.Popen(
                [sys.executable, "-c", ONE_RUN],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(run)
            stack.callback(run.kill)
            runs.append(run)
        said = []
        for run in runs:
            assert run.stdout
            said.append(next((line for line in run.stdout if line.startswith("ready")), "ended"))
        assert len(set(said)) == len(runs) and "ended" not in said
        for run in runs:
            assert run.communicate("\n", timeout=60)[0] == "" and run.returncode == 0


RUNS_AT_ONCE = int(os.environ.get("MEDIAFLOW_SOAK_RUNS", "20"))


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("stay", [0, 0.5], ids=["own images", "shared images"])  # minutes
def test_many_runs_started_in_the_same_second_all_complete(
    speech_wav: Path, tmp_path: Path, stay: float
) -> None:
    samples, rate = soundfile.read(speech_wav)
    home = {**os.environ, "PREFECT_HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    home |= {"MEDIAFLOW_KEEP_WARM": str(stay), "MEDIAFLOW_MODELS": str(store_folder())}
    home.pop(AT_ONCE, None)  # this machine's memory is to say how many work at once
    least = Least()

    def run(number: int) -> tuple[int, str]:
        clip = tmp_path / f"clip{number:02}.wav"
        soundfile.write(clip, samples[number * rate : (number + 3) * rate], rate)
        command = [sys.executable, "-m", "flows.analyze", str(clip), "--output", str(tmp_path / "out")]
        done = subprocess.run(command, cwd=ROOT, env=home, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout[-2000:] + done.stderr

    began = time.monotonic()
    with ThreadPoolExecutor(RUNS_AT_ONCE) as pool:
        done = list(pool.map(run, range(RUNS_AT_ONCE)))
    print(f"{RUNS_AT_ONCE} runs in {time.monotonic() - began:.0f} s, {least.end():.1f} GiB left", flush=True)
    assert [said for code, said in done if code] == []
    assert len(list((tmp_path / "out").glob("*/manifest.json"))) == RUNS_AT_ONCE


class Least(threading.Thread):
    """The least memory that was available, in GiB."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._least, self._over = float("inf"), threading.Event()
        self.start()

    def run(self) -> None:
        while not self._over.wait(0.5):
            self._least = min(self._least, psutil.virtual_memory().available / 2**30)

    def end(self) -> float:
        self._over.set()
        self.join()
        return self._least


TWO_WRITERS = """
import asyncio, sys
import sqlalchemy as sa
from flows.server.database import queue_writers
if sys.argv[1] == "queued":
    queue_writers()
from prefect.server.database import provide_database_interface

async def read_then_write(db):
    async with db.session_context(begin_transaction=True) as session:
        count = (await session.execute(sa.text("SELECT count(*) FROM configuration"))).scalar()
        await asyncio.sleep(0.2)  # long enough for the other one to write
        statement = "INSERT INTO configuration (id, key, value) VALUES (:id, :id, '{}')"
        await session.execute(sa.text(statement), {"id": f"{count}-{id(session)}"})

async def main():
    db = provide_database_interface()
    await db.create_db()
    await asyncio.gather(*(read_then_write(db) for _ in range(3)))
    async with db.session_context() as session:
        print((await session.execute(sa.text("SELECT count(*) FROM configuration"))).scalar())

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["plain", "queued"])
def test_transactions_of_the_server_wait_for_each_other(kind: str, tmp_path: Path) -> None:
    """`plain` shows what Prefect's own beginning of a transaction does on SQLite, and why ours differs."""
    environment = {**os.environ, "PREFECT_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", TWO_WRITERS, kind],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if kind == "plain":
        assert "database is locked" in done.stderr
    else:
        assert (done.returncode, done.stdout.split()[-1:]) == (0, ["3"]), done.stderr


EVENT_TWICE = """
import asyncio, sys
from datetime import UTC, datetime
from uuid import uuid4
from flows.server.database import write_each_event_once
if sys.argv[1] == "once":
    write_each_event_once()
from prefect.server.database import provide_database_interface
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.server.events.storage.database import write_events
import sqlalchemy as sa

def event():
    given = {"occurred": datetime.now(UTC), "event": "test", "id": uuid4()}
    return ReceivedEvent(resource={"prefect.resource.id": "test.1"}, **given)

async def main():
    db = provide_database_interface()
    await db.create_db()
    first, second = event(), event()
    for events in ([first], [first], [first, second, second]):
        async with db.session_context(begin_transaction=True) as session:
            await write_events(session=session, events=events)
    async with db.session_context() as session:
        print((await session.execute(sa.select(sa.func.count()).select_from(db.Event))).scalar())

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pytest.param("plain", marks=pytest.mark.soak), "once"])
def test_events_that_come_again_are_kept_once(kind: str, tmp_path: Path) -> None:
    """`plain` shows what Prefect itself makes of them."""
    done = subprocess.run(
        [sys.executable, "-c", EVENT_TWICE, kind],
        cwd=ROOT,
        env={**os.environ, "PREFECT_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if kind == "plain":
        assert "NOT NULL constraint failed: events.occurred" in done.stderr
    else:
        assert (done.returncode, done.stdout.split()[-1:]) == (0, ["2"]), done.stderr
