"""How our Prefect server uses its SQLite, where Prefect's own does otherwise. Runs inside the server."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

MOST_IDS = 500  # in one question


def queue_writers() -> None:
    """Lets this process's server wait for its own SQLite.

    Prefect begins most transactions as readers. One that reads, and writes after another has written, SQLite
    refuses at once, however long the busy time-out ("database is locked", https://www.sqlite.org/isolation.html);
    in a batch of hundreds of files that loses heartbeats of the worker. Begun as writers they wait.
    """
    from prefect.server.database.configurations import AioSqliteConfiguration
    from prefect.server.database.dependencies import MODELS_DEPENDENCIES
    from prefect.settings import PREFECT_API_DATABASE_CONNECTION_URL

    class QueuedSqlite(AioSqliteConfiguration):
        def begin_transaction(self, session: Any, with_for_update: bool = False) -> Any:
            return super().begin_transaction(session, with_for_update=True)

    url = PREFECT_API_DATABASE_CONNECTION_URL.value()
    if url and url.startswith("sqlite"):
        MODELS_DEPENDENCIES["database_config"] = QueuedSqlite(connection_url=url)


def write_each_event_once() -> None:
    """Lets this process's server keep events that come again, after a connection was cut.

    Prefect leaves those out that SQLite has, and when all of some are known it inserts a row of nothing,
    which fails, five times, and then drops whatever has come meanwhile.
    """
    import sqlalchemy as sa
    from prefect.server.database import provide_database_interface
    from prefect.server.events.storage import database

    write = database._write_sqlite_events

    async def write_new(session: Any, events: list[Any]) -> None:
        table = provide_database_interface().Event
        given = {event.id: event for event in events}
        known: set[Any] = set()
        for some in batched(given, MOST_IDS):
            known |= set((await session.scalars(sa.select(table.id).where(table.id.in_(some)))).all())
        if new := [event for name, event in given.items() if name not in known]:
            await write(session=session, events=new)

    database._write_sqlite_events = write_new


def batched(values: Iterable[Any], most: int) -> Iterator[list[Any]]:
    """In lists of `most` at most."""
    rest = iter(values)
    while some := list(islice(rest, most)):
        yield some
