"""A place at an image, out of those that a limit of the server allows: waited for, kept, given back.

Prefect's own `concurrency` gives up a place that it could not renew for some seconds, ends the call when the
server is away at the moment of giving it back, and waits in silence; a server that is started again is away
for longer. Here the place outlives it, and whoever waits is told so.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.responses import ConcurrencyLimitWithLeaseResponse

from containers.common.errors import UserError
from flows.server.patient import AWAY

LEASE = 120  # seconds after which a killed run's place is free again; longer than a server may be away
RENEW = 20  # seconds between renewals
SILENT = 2  # seconds of waiting of which nothing is said
LOOK = 5  # seconds between two looks at most; the server asks for up to 30


class Places(AbstractContextManager["Places"]):
    """The places that one run holds, over all its threads; what is left at the end is given back."""

    def __init__(self, client: SyncPrefectClient, prefix: str, tell: Callable[[str], None]) -> None:
        self._client = client
        self._prefix = prefix
        self._tell = tell
        self._held: set[UUID] = set()
        self._lock = threading.Lock()

    def __exit__(self, *_: object) -> None:
        for lease in list(self._held):
            self._give_back(lease)

    @contextmanager
    def taken(self, image: str) -> Iterator[None]:
        """One place at `image` while the block lasts. Raises UserError where the server stays away."""
        lease = self._take(image)
        if lease is None:  # the limit was removed meanwhile
            yield
            return
        ended = threading.Event()
        threading.Thread(target=self._renew, args=(lease, ended), name="place", daemon=True).start()
        try:
            yield
        finally:
            ended.set()
            self._give_back(lease)

    def _take(self, image: str) -> UUID | None:
        began, told = time.monotonic(), False
        while True:
            answer, pause = self._ask(self._prefix + image)
            waited = time.monotonic() - began
            if answer is not None:
                if told:
                    self._tell(f"{image} goes on after waiting {waited:.0f} s for a place.")
                if not answer.limits:
                    return None
                with self._lock:
                    self._held.add(answer.lease_id)
                return answer.lease_id
            if not told and waited >= SILENT:
                told = True
                self._tell(f"{image} is as busy as its limit allows: waiting for a place.")
            time.sleep(min(pause, LOOK if told else SILENT))

    def _ask(self, name: str) -> tuple[ConcurrencyLimitWithLeaseResponse | None, float]:
        """The place, or None and after how many seconds to ask again."""
        try:
            given = self._client.increment_concurrency_slots_with_lease([name], 1, "concurrency", LEASE)
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.LOCKED:
                raise UserError(f"The Prefect server gives no place at {name}: {error}.") from None
            return None, float(error.response.headers.get("Retry-After", LOOK))
        except httpx.TransportError as error:
            raise UserError(f"The Prefect server does not answer: {error}.") from None
        return ConcurrencyLimitWithLeaseResponse.model_validate(given.json()), 0

    def _renew(self, lease: UUID, ended: threading.Event) -> None:
        while not ended.wait(RENEW):
            try:
                self._client.renew_concurrency_lease(lease, LEASE)
            except AWAY:
                continue  # the client has asked for a minute; it will ask again
            except RuntimeError:  # it was waiting for the server when the call and the run had ended
                return
            except httpx.HTTPStatusError:
                return  # away for longer than the lease: the call goes on, its place is another's

    def _give_back(self, lease: UUID) -> None:
        with self._lock:
            if lease not in self._held:
                return
            self._held.remove(lease)
        with suppress(httpx.HTTPError):  # else it comes back by itself when the lease has run out
            self._client.release_concurrency_slots_with_lease(lease)
