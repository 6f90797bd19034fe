"""Global concurrency limits: so many calls of an image at once, over all runs, machines and batches."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.concurrency.sync import concurrency

from containers.common.image import IMAGES
from tasks.calls.invoke import gated

PREFIX = "mediaflow-"
LEASE = 60  # seconds after which a killed run's place is free again: Prefect's least


def install_limits(client: SyncPrefectClient, limits: dict[str, int]) -> list[str]:
    for image, calls in limits.items():
        client.upsert_global_concurrency_limit_by_name(PREFIX + image, calls)
    return [f"limit {PREFIX}{image}: {calls} at once" for image, calls in limits.items()]


def remove_limits(client: SyncPrefectClient) -> list[str]:
    there = _limited(client)
    for image in there:
        client.delete_global_concurrency_limit_by_name(PREFIX + image)
    return [f"limit {PREFIX}{image}: removed" for image in there]


@contextmanager
def within_limits() -> Iterator[None]:
    """Calls of images for which the server has a limit wait for their place while the block lasts."""
    with get_client(sync_client=True) as client:
        limited = _limited(client)
    with gated(_gate(limited)) if limited else nullcontext():
        yield


def _limited(client: SyncPrefectClient) -> list[str]:
    names = {limit.name for limit in client.read_global_concurrency_limits(limit=200)}
    return [image for image in IMAGES if PREFIX + image in names]


def _gate(limited: list[str]) -> Callable[[str], AbstractContextManager[None]]:
    def gate(image: str) -> AbstractContextManager[None]:
        return concurrency(PREFIX + image, lease_duration=LEASE) if image in limited else nullcontext()

    return gate
