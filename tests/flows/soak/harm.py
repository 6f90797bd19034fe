"""What happens to a campaign: processes are killed, ended, stopped; disk, network, clock or memory fail."""

import random
import resource
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import psutil

from flows.service.left_behind import ATTEMPTS
from tests.flows.soak.clock import Clock
from tests.flows.soak.disk import Disk
from tests.flows.soak.processes import KINDS, Processes
from tests.flows.soak.wire import Wire

HOURS = (-24, -1, 0, 1, 24)  # that the clock is wrong by, until the next time
SHORT = (1.0, 10.0)  # seconds that a fault lasts which ends by itself
REFUSES = ("disk", "memory")  # what a file may fail by; a killed process must cost nobody more than time


@dataclass
class Harm:
    """Faults of all kinds, and how many there were. `engines`: runs' processes ended in this attempt."""

    processes: Processes
    wire: Wire
    disk: Disk
    clock: Clock
    faults: Counter[str] = field(default_factory=Counter)
    engines: int = 0
    refused: bool = False

    def begin(self) -> None:
        """A new attempt: nothing is wrong."""
        self.engines, self.refused = 0, False
        self.clock.move(0)

    def any(self) -> str:
        """One fault, over when this returns but for the clock; says which, or nothing where none was due."""
        kinds: list[Callable[[], str]] = [self._kill, self._end, self._stop, self._cut, self._starve]
        kinds += [self._fill] if self.disk.there else []
        kinds += [self._jump] if self.clock.variables else []
        with suppress(psutil.NoSuchProcess):  # it has ended by itself meanwhile
            if done := random.choice(kinds)():
                self.faults[done] += 1
                return done
        return ""

    def _victim(self, *among: str, ends: bool) -> tuple[str, psutil.Process] | None:
        if ends and self.engines == ATTEMPTS - 1:  # a run that crashes each time waits for a person
            among = tuple(kind for kind in among if kind not in ("flow", "worker"))
        kind = random.choice(among)
        found = self.processes.of(kind)
        return (kind, random.choice(found)) if found else None

    def _kill(self) -> str:
        found = self._victim(*KINDS, ends=True)
        if not found:
            return ""
        found[1].kill()
        self.engines += found[0] == "flow"
        return f"process: {found[0]} killed"

    def _end(self) -> str:
        found = self._victim(*KINDS, ends=True)
        if not found:
            return ""
        found[1].terminate()
        self.engines += found[0] in ("flow", "worker")  # a worker that is asked to end ends its runs
        return f"process: {found[0]} asked to end"

    def _stop(self) -> str:
        found = self._victim(*KINDS, ends=False)
        if not found:
            return ""
        found[1].suspend()
        time.sleep(random.uniform(*SHORT))
        found[1].resume()
        return f"process: {found[0]} stopped"

    def _cut(self) -> str:
        how = random.choice(("cut", "hush"))
        getattr(self.wire, how)()
        time.sleep(random.uniform(*SHORT))
        self.wire.mend()
        return f"network: {'cut' if how == 'cut' else 'silent'}"

    def _fill(self) -> str:
        self.refused = True
        self.disk.fill()
        time.sleep(random.uniform(*SHORT))
        self.disk.free()
        return "disk: full"

    def _jump(self) -> str:
        hours = random.choice(HOURS)
        self.clock.move(3600 * hours)
        return f"clock: {hours:+} h"

    def _starve(self) -> str:
        """The largest is killed, as by the kernel; or an image's process gets no more."""
        images = self.processes.of("image")
        if not images:
            return ""
        largest = max(images, key=lambda each: each.memory_info().rss)
        if random.random() < 0.5:
            largest.kill()
            return "memory: the largest image killed"
        self.refused = True
        had = largest.rlimit(resource.RLIMIT_AS)
        largest.rlimit(resource.RLIMIT_AS, (largest.memory_info().vms, had[1]))
        time.sleep(random.uniform(*SHORT))
        largest.rlimit(resource.RLIMIT_AS, had)
        return "memory: an image gets no more"
