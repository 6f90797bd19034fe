"""Files with bits flipped, parts cut out and sizes changed: one sentence or a result, within the budget.

`MEDIAFLOW_MUTATIONS` says how many (5000); a seed that fails is in the message and makes the same file.
Each file is read in a process forked for it, with the limits and the jobs of `tasks.media.worker`.
"""

import os
import random
import resource
import shutil
import signal
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from containers.common.errors import UserError
from tasks.media.budget import SOUND_BYTES, budget_of, longest_believed
from tasks.media.decoding import decode_media
from tasks.media.probing import describe
from tests.tasks.media import odd_files as odd

pytestmark = [pytest.mark.soak, pytest.mark.timeout(6 * 3600)]
MUTATIONS = int(os.environ.get("MEDIAFLOW_MUTATIONS", "5000"))
WALL = 240  # seconds that one file may take on a busy machine
KEPT = 2**20  # bytes of what a process says
ENDED_BY_BUDGET = {signal.SIGXCPU}
# A decoder that dies is a sentence too (`tasks.media.bounded`), but none should die often.
MOST_DEATHS = 0.002


class Ended(NamedTuple):
    said: str
    signal: int
    memory: int  # bytes, most at once
    disk: int  # bytes left behind


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """One file of each container and codec."""
    folder = tmp_path_factory.mktemp("whole")
    made = [odd.video(folder / f"{c}.{s}", c) for s, c in odd.every_video()]
    made += [odd.audio(folder / f"{c}.{s}", c) for s, c in odd.every_audio()]
    return [path.read_bytes() for path in made]


def test_every_mutated_file_ends_well(whole: list[bytes], tmp_path: Path) -> None:
    faults, deaths, refused = [], 0, 0
    for seed in range(MUTATIONS):
        content = mutate(whole, random.Random(seed))
        path = tmp_path / "a.bin"
        path.write_bytes(content)
        ended = read_apart(path, tmp_path / "out")
        deaths += bool(ended.signal) and ended.signal not in ENDED_BY_BUDGET
        refused += ended.said.startswith("refused")
        budget = budget_of(len(content), None, 8192 * 8192)
        room = longest_believed(len(content), None) * SOUND_BYTES + 2**28
        if ended.said.startswith("fault") or ended.memory > budget.memory or ended.disk > room:
            faults.append((seed, ended))
    print(f"{MUTATIONS} files: {refused} refused, {deaths} broke their decoder, {len(faults)} faults")
    assert not faults, faults[:10]
    assert deaths <= max(MOST_DEATHS * MUTATIONS, 2)


def mutate(whole: list[bytes], chance: random.Random) -> bytes:
    content = bytearray(chance.choice(whole))
    for _ in range(chance.randint(1, 3)):
        chance.choice(FAULTS)(content, chance)
    return bytes(content) or b"\0"


def _flip(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 4, 32))):
        if content:
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def _flip_header(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 2, 8))):
        if content:
            content[chance.randrange(min(len(content), 512))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))


def _resize(content: bytearray, chance: random.Random) -> None:
    """A field of four bytes, as sizes, rates and counts are, becomes an extreme one."""
    if len(content) > 4:
        place = chance.randrange(len(content) - 4)
        value = chance.choice((0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF))
        content[place : place + 4] = value.to_bytes(4, chance.choice(("big", "little")))


def _cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content) + 1) :]


def _remove(content: bytearray, chance: random.Random) -> None:
    if content:
        place = chance.randrange(len(content))
        del content[place : place + chance.choice((1, 188, 4096))]


def _repeat(content: bytearray, chance: random.Random) -> None:
    if content:
        place = chance.randrange(len(content))
        content[place:place] = content[place : place + chance.choice((1, 188, 4096))]


FAULTS: list[Callable[[bytearray, random.Random], None]] = [
    _flip,
    _flip_header,
    _resize,
    _cut,
    _remove,
    _repeat,
]


def read_apart(path: Path, out: Path) -> Ended:
    """Describes and decodes `path` in a child of this process."""
    shutil.rmtree(out, ignore_errors=True)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        os.write(writing, _read(path, out).encode()[:KEPT])
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    _, status, used = os.wait4(child, 0)
    disk = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if ended == signal.SIGALRM:
        said = "fault: it took too long"
    return Ended(said, ended, used.ru_maxrss * 1024, disk)


def _read(path: Path, out: Path) -> str:
    size = path.stat().st_size
    signal.alarm(WALL)
    budget = budget_of(size, None, 8192 * 8192)
    resource.setrlimit(resource.RLIMIT_AS, (budget.memory, budget.memory))
    try:
        described = describe(path)
        budget = budget_of(size, described.duration, described.pixels)
        resource.setrlimit(resource.RLIMIT_CPU, (round(budget.cpu), round(budget.cpu)))
        return f"read {decode_media(path, out, 1.0).duration} s"
    except UserError as error:
        return f"refused: {error}" if "\n" not in str(error) else f"fault: {error}"
    except MemoryError:
        return "refused: memory"
    except BaseException:  # noqa: BLE001
        return f"fault: {traceback.format_exc()}"
