"""Files with bits flipped, parts cut out and sizes changed: one sentence or a result, within the budget.

`MEDIAFLOW_MUTATIONS` says how many (5000); a seed that fails is in the message and makes the same file.
Each file is read in a process forked for it, with the limits and the jobs of `tasks.media.worker`.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tasks.media.bounded import ENVIRONMENT, ROOT
from tasks.media.budget import SOUND_BYTES, budget_of, longest_believed
from tests.tasks.media import odd_files as odd

pytestmark = [pytest.mark.soak, pytest.mark.timeout(6 * 3600)]
MUTATIONS = int(os.environ.get("MEDIAFLOW_MUTATIONS", "5000"))
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
    """One file of each container and codec, and of each kind of picture and animation."""
    folder = tmp_path_factory.mktemp("whole")
    made = [odd.video(folder / f"{c}.{s}", c) for s, c in odd.every_video()]
    made += [odd.audio(folder / f"{c}.{s}", c) for s, c in odd.every_audio()]
    stills = ("jpeg", "png", "gif", "webp", "tiff", "bmp", "avif", "ppm", "tga", "heif")
    made += [odd.photo(folder / f"a.{kind}", orientation=6) for kind in stills]
    made += [odd.animation(folder / f"moving.{kind}") for kind in ("png", "gif", "webp", "avif")]
    return [path.read_bytes() for path in made]


def test_every_mutated_file_ends_well(
    whole: list[bytes], reader: Callable[[Path, Path], Ended], tmp_path: Path
) -> None:
    faults, deaths, refused = [], 0, 0
    for seed in range(MUTATIONS):
        content = mutate(whole, random.Random(seed))
        path = tmp_path / "a.bin"
        path.write_bytes(content)
        ended = reader(path, tmp_path / "out")
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


@pytest.fixture(scope="module")
def reader() -> Iterator[Callable[[Path, Path], Ended]]:
    """Describes and decodes a file in a child of a process that has loaded everything and has no threads."""
    command = [sys.executable, "-m", "tests.tasks.media.reading_apart"]
    environment = {**os.environ, **ENVIRONMENT}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
    ) as process:
        assert process.stdin and process.stdout
        asking, answering = process.stdin, process.stdout

        def read(path: Path, out: Path) -> Ended:
            shutil.rmtree(out, ignore_errors=True)
            print(json.dumps([str(path), str(out)]), file=asking, flush=True)
            said, ended, memory = json.loads(answering.readline())
            disk = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
            return Ended(said, ended, memory, disk)

        yield read
        process.kill()
