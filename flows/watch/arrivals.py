"""What arrived: which is new, which is known, which failed, and what becomes of it.

The server is the only memory. A run carries the key of what arrived, so that two watchers, a restart, or a
message that comes twice start nothing twice, and a run that failed is followed by another, later and later.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from containers.common.errors import UserError
from tasks.asset.bucket import Location, absolute, name_of

DEPLOYMENTS = ("analyze/arrivals", "analyze/analyze")  # the first that the server has
PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=10),
    timedelta(hours=1),
)  # after the first, second, third failure
WAITING = 4  # runs that wait for their turn; what is more waits where it lies, and not in the server's queue
RECENT = timedelta(days=2)  # failures that a restarted watcher takes up again
KNOWN = 10  # that are named at once; a restarted watcher may meet thousands
QUESTION = (
    40  # arrivals that one question is about: it has four keys of each, the server answers with 200 runs
)
BAD = ("FAILED", "CRASHED")


class Arrival(NamedTuple):
    """A file or object; `key` is the same for the same content at the same place."""

    media: str
    key: str

    @property
    def keys(self) -> list[str]:
        """Of its attempts."""
        return [self.key, *(f"{self.key}-{attempt}" for attempt in range(2, len(PAUSES) + 2))]


class Ledger:
    """Follows arrivals until they are analysed or given up; `tell` gets a line for each that is news."""

    def __init__(self, source: str, output: Location, tell: Callable[[str], object]) -> None:
        self._tag = f"from-{hashlib.sha256(source.encode()).hexdigest()[:12]}"
        self._output = str(absolute(output))
        self._tell = tell
        self._open: dict[str, Arrival] = {}
        self._begun: set[str] = set()  # keys that have a run
        self._over: set[str] = set()  # of these, what has come to an end
        self._known: list[str] = []
        self._told: dict[str, int] = {}  # failures that were told, by key
        self._recovered = False
        self.counts: Counter[str] = Counter()

    def add(self, arrivals: Iterable[Arrival]) -> None:
        self._open |= {arrival.key: arrival for arrival in arrivals}

    def begun(self, arrival: Arrival) -> bool:
        """Whether a run of it is or was there."""
        return arrival.key in self._begun

    def settle(self) -> None:
        """Starts what is new, and anew what failed long enough ago. Raises httpx.HTTPError or UserError."""
        from prefect.client.orchestration import get_client

        self._begun -= self._over
        self._over.clear()
        with get_client(sync_client=True) as client:
            if not self._recovered:
                self._recover(client)
            open_ = list(self._open.values())
            runs = {}
            for first in range(0, len(open_), QUESTION):
                keys = [key for arrival in open_[first : first + QUESTION] for key in arrival.keys]
                runs |= {run["idempotency_key"]: run for run in _ask(client, idempotency_key={"any_": keys})}
            waiting = sum(run["state_type"] == "SCHEDULED" for run in runs.values())
            for arrival in open_:
                attempts = [runs[key] for key in arrival.keys if key in runs]
                due = self._account(arrival, attempts)
                if due and waiting < WAITING:
                    waiting += 1
                    self._start(client, arrival, len(attempts) + 1)
            self.counts["open"] = len(self._open)
            self._tell_known()

    def _account(self, arrival: Arrival, attempts: list[dict[str, Any]]) -> bool:
        """Whether it is to be started now; what has come to an end is no longer followed."""
        if not attempts:
            return True
        last, number = attempts[-1], len(attempts)
        first_seen = arrival.key not in self._begun
        self._begun.add(arrival.key)
        if last["state_type"] not in BAD:
            over = last["state_type"] in ("COMPLETED", "CANCELLED")
            if over:
                self._close(arrival)
            if first_seen:
                self._known.append(f"known: {arrival.media}: run {last['name']} is {last['state_name']}")
            elif over:
                self._tell(f"{last['state_name'].lower()}: {arrival.media}")
                self.counts[last["state_name"].lower()] += 1
            return False
        why = (last["state"].get("message") or last["state_name"]).removeprefix(
            "Flow run encountered an exception: "
        )
        if number > len(PAUSES):
            self._close(arrival)
            self.counts["given up"] += 1
            self._tell(f"given up: {arrival.media} failed {number} times, at last: {why}")
            return False
        due = datetime.fromisoformat(last["end_time"] or last["state"]["timestamp"]) + PAUSES[number - 1]
        if self._told.get(arrival.key) != number:
            self._told[arrival.key] = number
            self._tell(
                f"failed: {arrival.media}: {why} Attempt {number + 1} comes after {PAUSES[number - 1]}."
            )
        return datetime.now(UTC) >= due

    def _close(self, arrival: Arrival) -> None:
        del self._open[arrival.key]
        self._over.add(arrival.key)
        self._told.pop(arrival.key, None)

    def _tell_known(self) -> None:
        few = self._known[:KNOWN]
        if more := len(self._known) - len(few):
            few.append(f"known: {more} more")
        for line in few:
            self._tell(line)
        self.counts["known"] += len(self._known)
        self._known.clear()

    def _start(self, client: Any, arrival: Arrival, attempt: int) -> None:
        deployment = _deployment(client)
        run = client.create_flow_run_from_deployment(
            deployment.id,
            name=name_of(arrival.media),  # as it will call itself: what is told here is found in the UI
            parameters={"media": arrival.media, "output": self._output},
            idempotency_key=arrival.keys[attempt - 1],
            tags=[self._tag],
        )
        self._begun.add(arrival.key)
        self._tell(f"{'new' if attempt == 1 else f'attempt {attempt}'}: {arrival.media}: run {run.name}")

    def _recover(self, client: Any) -> None:
        """What failed while nobody watched, whose message has left the queue."""
        since = (datetime.now(UTC) - RECENT).isoformat()
        wanted = {
            "tags": {"all_": [self._tag]},
            "state": {"type": {"any_": list(BAD)}},
            "end_time": {"after_": since},
        }
        for run in _ask(client, **wanted):
            key = run["idempotency_key"].partition("-")[0]
            self._open.setdefault(key, Arrival(run["parameters"]["media"], key))
        self._recovered = True


def _ask(client: Any, **wanted: Any) -> list[dict[str, Any]]:
    answer = client.request("POST", "/flow_runs/filter", json={"flow_runs": wanted, "limit": 200})
    return answer.json()


def _deployment(client: Any) -> Any:
    from prefect.exceptions import ObjectNotFound

    for name in DEPLOYMENTS:
        try:
            return client.read_deployment_by_name(name)
        except ObjectNotFound:
            continue
    raise UserError(f"The server has no deployment {DEPLOYMENTS[-1]}; `make deploy` registers it.")
