"""Which tests run in one process when several share them: a file's, and all that ask one `make serve`.

A server takes 20 s of a core to start, and each has warm images of its own: one process has it, and begins
with it, since what it runs takes the longest.
"""

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.scheduler import Scheduling

FLOWS = "tests/flows"
SERVED = {
    f"{FLOWS}/analyze/test_shared.py",
    f"{FLOWS}/operate/test_operate.py",
    f"{FLOWS}/settings/test_settings.py",
    f"{FLOWS}/watch/test_bucket_events.py",
    f"{FLOWS}/test_intruders.py",
    f"{FLOWS}/test_pages.py",
    f"{FLOWS}/test_serve.py",
    f"{FLOWS}/watch/test_flow.py",
}


class SideBySide(LoadFileScheduling):
    def _split_scope(self, nodeid: str) -> str:
        path = super()._split_scope(nodeid)
        return "make serve" if path in SERVED else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: "Producer") -> "Scheduling | None":
    return SideBySide(config, log) if config.getvalue("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _asks_it(item) and _path(item) not in SERVED:
            raise pytest.UsageError(f"{_path(item)} asks `make serve`: it belongs into SERVED of {__file__}.")
    items.sort(key=lambda item: _path(item) not in SERVED)


def _asks_it(item: pytest.Item) -> bool:
    known = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    return "server" in known and known["server"][-1].baseid == FLOWS


def _path(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[0]
