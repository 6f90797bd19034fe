"""Places of images as our Prefect server counts them, settled with who holds them. Runs inside the server.

Prefect counts a place in its database and then writes who has it into a file: a server that is killed in
between counts a place that nobody can give back. The file says until when, by the clock of that moment: one
that was a day ahead keeps the place of a run that was killed for a day.
"""

import asyncio
import logging
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import sqlalchemy as sa
from prefect.server.concurrency.lease_storage import ConcurrencyLeaseStorage, get_concurrency_lease_storage
from prefect.server.database import PrefectDBInterface, provide_database_interface
from sqlalchemy.exc import SQLAlchemyError

from flows.operate.limits import PREFIX
from flows.operate.places import LEASE

EVERY = 30  # seconds between two looks at the leases
PAGE = 1000  # leases at a time; there are as many as calls
MOST = timedelta(seconds=LEASE)


async def count_anew() -> None:
    """Before the server answers: as many places are taken as leases name, and none for longer than one lasts.

    Of a database in one file alone, which no other server can be counting in. A new one has nothing to count.
    """
    db = provide_database_interface()
    if db.dialect.name != "sqlite":
        return
    try:
        ours = await _our_limits(db)
    except SQLAlchemyError:  # no tables yet
        return
    leases = get_concurrency_lease_storage()
    taken: Counter[UUID] = Counter()
    for each in [*await leases.read_active_lease_ids(PAGE), *await leases.read_expired_lease_ids(PAGE)]:
        lease = await leases.read_lease(each)
        for limit in lease.resource_ids if lease else ():
            taken[limit] += lease.metadata.slots if lease and lease.metadata else 0
    table = db.ConcurrencyLimitV2
    async with db.session_context(begin_transaction=True) as session:
        for limit in ours:
            await session.execute(sa.update(table).where(table.id == limit).values(active_slots=taken[limit]))
    await shorten(leases, ours)


async def shorten(leases: ConcurrencyLeaseStorage, ours: set[UUID]) -> None:
    """Leases of our limits that last longer than we ever ask for were written before a clock was set back."""
    for each in await leases.read_active_lease_ids(PAGE):
        lease = await leases.read_lease(each)
        far = datetime.now(UTC) + 2 * MOST
        if lease and lease.expiration > far and ours.intersection(lease.resource_ids):
            await leases.renew_lease(each, MOST)


async def _our_limits(db: PrefectDBInterface) -> set[UUID]:
    table = db.ConcurrencyLimitV2
    async with db.session_context() as session:
        found = await session.execute(sa.select(table.id).where(table.name.startswith(PREFIX)))
        return set(found.scalars())


def keep_short() -> None:
    """In a thread of its own, as long as this process lasts."""
    threading.Thread(target=lambda: asyncio.run(_keep_short()), name="leases", daemon=True).start()


async def _keep_short() -> None:
    db, leases = provide_database_interface(), get_concurrency_lease_storage()
    while True:
        await asyncio.sleep(EVERY)
        try:
            await shorten(leases, await _our_limits(db))
        except (SQLAlchemyError, OSError) as error:  # the disk is full: the next look will do
            logging.getLogger(__name__).warning("Leases were not looked at: %s", error)
