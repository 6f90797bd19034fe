"""The server that a run without one starts for itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from containers.common.errors import UserError
from flows.local_server import wait_for_server

ROOT = Path(__file__).parents[2]


def test_a_server_that_ended_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(UserError, match="does not answer"):
        wait_for_server(ended)


TWO_WRITERS = """
import asyncio, sys
import sqlalchemy as sa
from flows.local_server import queue_writers
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
