"""All workers of an endpoint below one ceiling of memory: they take turns instead of failing."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from containers.common.image import Image
from containers.common.machine import memory
from deployments.local import neighbours
from deployments.local.call import Call
from deployments.local.ceiling import Ceiling
from deployments.local.neighbours import Neighbours
from deployments.local.worker import BOOTSTRAP
from tests.deployments.local.samples import sample_image


def begun(endpoint) -> None:
    """Returns when a worker has the call that was just made."""
    deadline = time.monotonic() + 60
    while not any(call.begun for _, call in list(endpoint._calls.values())):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_by_default_two_thirds_of_the_machine() -> None:
    assert Ceiling(None, list).limit == memory() * 2 // 3
    assert Ceiling(100, list).limit == 100 << 20


def test_an_idle_worker_makes_room_for_one_that_is_needed(open_endpoint, gone):
    """Each of the sample images is expected to take 64 MB, a quarter of its limit."""
    endpoint, call = open_endpoint(memory_mb=130)
    first = call("about").result["pid"]
    call("echo", 1)
    call("append", {"file": "/dev/null", "line": 1})
    assert gone([first])
    assert set(endpoint.peak_memory()) == {"about", "echo", "append"}
    assert call("about").result["calls"] == 1


def test_one_that_is_at_work_is_waited_for(open_endpoint):
    endpoint, call = open_endpoint(memory_mb=70)
    with ThreadPoolExecutor(2) as threads:
        asleep = threads.submit(call, "sleep", {"seconds": 1})
        begun(endpoint)
        assert call("echo", 1).result == 1
        assert asleep.done()
        assert asleep.result().error is None


def test_one_that_would_not_fit_alone_starts_alone(open_endpoint):
    _, call = open_endpoint(memory_mb=1)
    assert call("echo", 1).result == 1
    assert call("about").result["calls"] == 1


def test_prewarming_ends_nobody(open_endpoint):
    endpoint, call = open_endpoint(memory_mb=70)
    pid = call("about").result["pid"]
    endpoint.prewarm(["echo"])
    endpoint.submit("echo", Call(payload=None)).result()
    assert call("about").result["pid"] == pid


def test_a_call_that_waits_behind_a_long_one_gets_a_worker_of_its_own(open_endpoint, monkeypatch):
    monkeypatch.setattr("deployments.local.pool.PATIENCE_S", 0.2)
    endpoint, call = open_endpoint(most=2)
    with ThreadPoolExecutor(3) as threads:
        long = threads.submit(call, "sleep", {"seconds": 3})
        begun(endpoint)
        short = threads.submit(call, "sleep", {"seconds": 0})
        answered = short.result().result["pid"]
        assert not long.done()
        assert long.result().result["pid"] != answered


def test_what_an_image_is_expected_to_take_is_its_own_estimate(open_endpoint):
    def estimated(name: str) -> Image:
        return sample_image(name).model_copy(
            update={"estimate": sample_image(name).estimate.model_copy(update={"memory_mb": 500})}
        )

    _, call = open_endpoint(images=estimated, memory_mb=900)
    pid = call("about").result["pid"]
    call("echo", 1)
    assert call("about").result["pid"] != pid, "two of 500 MB do not fit below 900"


def test_what_neighbours_take_is_taken_from_it_and_they_are_asked_to_spare_some(open_endpoint):
    class Full:
        """A neighbour whose idle worker of 100 MB ends when it is asked."""

        held, asked = 100 << 20, 0

        def used(self) -> int:
            return self.held

        def spare(self) -> None:
            self.held, self.asked = 0, self.asked + 1

    full = Full()
    endpoint, call = open_endpoint(memory_mb=140, neighbours=full)
    call("echo", 1)
    assert full.asked == 0, "the first starts in any case"
    with ThreadPoolExecutor(2) as threads:
        asleep = threads.submit(call, "sleep", {"seconds": 2})
        begun(endpoint)
        call("about")
        assert asleep.result().error is None
    assert full.asked == 1


def test_workers_of_other_processes_are_seen_and_ones_own_are_not(open_endpoint, monkeypatch):
    _, call = open_endpoint()
    own = psutil.Process(call("about").result["pid"])
    start = (
        "import subprocess as s, sys; print(s.Popen(sys.argv[1:], stdout=s.DEVNULL, stderr=s.DEVNULL).pid)"
    )
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    started = [sys.executable, "-c", start, *sleep, str(BOOTSTRAP)]
    other = psutil.Process(int(subprocess.run(started, check=True, capture_output=True, text=True).stdout))
    try:
        monkeypatch.setattr(neighbours.psutil, "process_iter", lambda: [own, other, psutil.Process()])
        assert 0 < Neighbours().used() == pytest.approx(other.memory_info().rss, rel=0.5)
    finally:
        other.kill()
