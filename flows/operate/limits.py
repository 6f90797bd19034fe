"""Global concurrency limits: so many calls of an image at once, over all runs, machines and batches."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from prefect.client.orchestration import SyncPrefectClient, get_client

from containers.common.image import IMAGES
from flows.operate.places import Places
from flows.server.patient import patiently
from tasks.calls.invoke import gated

PREFIX = "mediaflow-"


def install_limits(client: SyncPrefectClient, limits: dict[str, int]) -> list[str]:
    for image, calls in limits.items():
        client.upsert_global_concurrency_limit_by_name(PREFIX + image, calls)
    return [f"limit {PREFIX}{image}: {calls} at once" for image, calls in limits.items()]


def remove_limits(client: SyncPrefectClient) -> list[str]:
    there = limited_images(client)
    for image in there:
        client.delete_global_concurrency_limit_by_name(PREFIX + image)
    return [f"limit {PREFIX}{image}: removed" for image in there]


@contextmanager
def within_limits(tell: Callable[[str], None]) -> Iterator[None]:
    """Calls of images for which the server has a limit wait for their place while the block lasts.

    `tell` is given a sentence for every call that waits longer than two seconds, and one when it goes on.
    """
    with get_client(sync_client=True) as client:
        limited = patiently(limited_images)(client)
        with Places(client, PREFIX, tell) as places, gated(_gate(places, limited)):
            yield


def limited_images(client: SyncPrefectClient) -> list[str]:
    names = {limit.name for limit in client.read_global_concurrency_limits(limit=200)}
    return [image for image in IMAGES if PREFIX + image in names]


def _gate(places: Places, limited: list[str]) -> Callable[[str], AbstractContextManager[None]]:
    def gate(image: str) -> AbstractContextManager[None]:
        return places.taken(image) if image in limited else nullcontext()

    return gate
