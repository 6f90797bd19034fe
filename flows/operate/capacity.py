"""How many runs a machine takes at once, by its memory and cores: what the queues of its pool begin with.

People change them on the page of the pool in the UI; nothing here sets them again.
"""

from typing import NamedTuple

from containers.common.machine import cores, memory

RUN_GB = 6  # of an analysis with its images, as a rule; their own limits are in each image.toml


class WorkQueue(NamedTuple):
    """`limit`: runs at once, None for any number; of a lower `priority` the worker takes first."""

    name: str
    priority: int
    limit: int | None
    about: str


def work_queues() -> list[WorkQueue]:
    """Of this machine, those of people first: nightly runs and what arrives leave them their places."""
    at_once = max(1, min(cores(), int(memory() / 2**30 / RUN_GB)))
    arrivals = max(1, at_once // 2)
    return [
        WorkQueue("default", 1, at_once, "what people start"),
        WorkQueue("services", 2, None, "what runs until it is cancelled: watchers"),
        WorkQueue("arrivals", 3, arrivals, "what a watched folder or queue starts"),
        WorkQueue("nightly", 4, 1, "what a schedule starts"),
    ]
