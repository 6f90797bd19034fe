"""Wall time, processor time and peak memory of a command, all its processes together."""

import resource
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
INTERVAL = 0.2  # seconds between two looks at the processes


@dataclass
class Measured:
    seconds: float
    cpu: float  # seconds of processors, user and system, of the process tree
    peak: int  # bytes of the process tree, what its processes share counted once
    printed: str


def measure(command: list[str]) -> Measured:
    """Runs `command` in the project's folder. Raises CalledProcessError when it fails."""
    started, before = time.perf_counter(), _ended_children()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    peak, ended = 0, threading.Event()
    seen: dict[int, float] = {}

    def watch() -> None:
        nonlocal peak
        while not ended.wait(INTERVAL):
            memory, cpu = _look(process.pid)
            peak = max(peak, memory)
            seen.update(cpu)

    watcher = threading.Thread(target=watch)
    watcher.start()
    printed, _ = process.communicate()
    seconds = time.perf_counter() - started
    ended.set()
    watcher.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, printed)
    # The kernel counts what was waited for, our looks what was not: daemons, and whoever was killed.
    return Measured(seconds, max(_ended_children() - before, sum(seen.values())), peak, printed)


def cpu_of_tree(pid: int) -> float:
    """Seconds of processors that a process and its descendants have used so far, those that ended too."""
    total = 0.0
    for process in _family(pid):
        try:
            total += sum(process.cpu_times()[:4])  # user, system, and both of children that ended
        except psutil.NoSuchProcess:  # ended since it was listed
            continue
    return total


def _look(pid: int) -> tuple[int, dict[int, float]]:
    """Bytes of a process and its descendants, and what each has computed."""
    memory, cpu = 0, {}
    for process in _family(pid):
        try:
            memory += _own_share(process)
            cpu[process.pid] = sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return memory, cpu


def _own_share(process: psutil.Process) -> int:
    """Resident bytes, a page that several processes have mapped in parts: torch's libraries are 0.5 GB."""
    try:
        with Path(f"/proc/{process.pid}/smaps_rollup").open(encoding="ascii") as lines:
            return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration):  # ended, or no Linux
        return process.memory_info().rss


def _family(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _ended_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
