"""Random faults while models are fetched, and what must hold after each."""

import hashlib
import random
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.containers.model_downloader.loopback import Loopback
from tests.containers.model_downloader.registry import Mood, noise, wheel

FETCH = """
import sys
from containers.model_downloader import download, retry
from containers.model_downloader.fetch import choose, fetch_models
download.PART, retry.FIRST_PAUSE = 64 << 10, 0.0
done = fetch_models(choose([], "starter"))
print([(model.id, model.status, model.reason) for model in done])
sys.exit(any(model.status == "failed" for model in done))
"""
KINDS = ("cut", "flipped", "busy", "short", "full", "killed")
Enter = Callable[[str, dict[str, object], dict[str, bytes]], None]


class Campaign:
    """A large file, an archive whose own hash nobody states, and two files in one model."""

    def __init__(self, web: Loopback, enter: Enter, store: Path, seed: int) -> None:
        self.web, self.store, self.random = web, store, random.Random(seed)
        self.files = {
            "large": {"weights.bin": noise(2_000_000, 1)},
            "packed": {"a.bin": noise(300_000, 2), "b/c.bin": noise(50_000, 3)},
            "pair": {"one.bin": noise(150_000, 4), "two.bin": noise(900_000, 5)},
        }
        web.files["/packed.zip"] = wheel({f"top/{name}": one for name, one in self.files["packed"].items()})
        for model, files in self.files.items():
            if model != "packed":
                web.files |= {f"/{name}": content for name, content in files.items()}
            names = ["packed.zip"] if model == "packed" else list(files)
            enter(model, {"kind": "url", "urls": [f"{web.url}/{name}" for name in names]}, files)

    def strike(self) -> str:
        """Fetches with one kind of fault, looks at the store, and fetches in peace."""
        kind = self.random.choice(KINDS)
        if self.random.random() < 0.5:
            shutil.rmtree(self.store, ignore_errors=True)
        else:
            self._spoil()
        self.web.every = self._moods(kind)
        limit = self.random.randrange(20_000, 1_500_000) if kind == "full" else None
        self._run(limit, self.random.uniform(0.3, 2.0) if kind == "killed" else None)
        self.check(whole=False)
        self.web.every = lambda: None
        code, said = self._run(None, None)
        assert code == 0, said
        self.check(whole=True)
        return kind

    def check(self, whole: bool) -> None:
        """Every file of the store is one of the catalogue's and has its hash."""
        for model, files in self.files.items():
            there = {
                path.relative_to(self.store / model).as_posix(): path.read_bytes()
                for path in (self.store / model).rglob("*")
                if path.is_file() and not path.name.startswith(".")  # where unfinished ones are written
            }
            for name, content in there.items():
                assert hashlib.sha256(content).digest() == hashlib.sha256(files[name]).digest(), (model, name)
            if whole:
                assert there.keys() == files.keys()
        if whole:
            assert not list(self.store.rglob(".*.part*"))

    def _spoil(self) -> None:
        """Takes a file out of the store, and flips a byte of what is half downloaded."""
        there = [path for path in self.store.rglob("*.bin") if path.is_file()]
        for path in self.random.sample(there, min(2, len(there))):
            path.unlink()
        downloads = self.store / ".downloads"
        for path in sorted(downloads.glob("*")) if downloads.exists() else []:
            content = bytearray(path.read_bytes())
            if content:
                content[self.random.randrange(len(content))] ^= 0xFF
                path.write_bytes(content)

    def _moods(self, kind: str) -> Callable[[], Mood | None]:
        left = self.random.randrange(1, 30)  # requests until the server is well again
        chance = random.Random(self.random.random())
        self.web.pace = 0.002 if kind == "killed" else 0.0

        def mood() -> Mood | None:
            nonlocal left
            left -= 1
            if left < 0 or chance.random() < 0.3:
                return None
            if kind == "cut":
                return Mood(cut=chance.randrange(100_000))
            if kind == "short":
                return Mood(cut=chance.randrange(100_000), lengthless=True)
            if kind == "busy":
                return Mood(status=chance.choice((429, 500, 503)), headers={"Retry-After": "0"})
            return None

        flips = [chance.randrange(1_000_000) for _ in range(3)] if kind == "flipped" else []
        self.web.spoil = lambda body: _flipped(body, flips)
        return mood

    def _run(self, limit: int | None, kill_after: float | None) -> tuple[int, str]:
        """(exit code, what it said), the files it may write limited, or killed after some seconds."""

        def prepare() -> None:
            if limit:  # a full disk: writing beyond it fails in the middle
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        command = [sys.executable, "-c", FETCH]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=prepare
        ) as running:
            if kill_after:
                time.sleep(kill_after)
                running.kill()
            said, _ = running.communicate(timeout=120)
        self.web.spoil = bytes
        return running.returncode, said


def _flipped(body: bytes, places: list[int]) -> bytes:
    spoiled = bytearray(body)
    for place in places:
        if spoiled:
            spoiled[place % len(spoiled)] ^= 0xFF
    return bytes(spoiled)


def run(campaign: Campaign, faults: int) -> Counter[str]:
    return Counter(campaign.strike() for _ in range(faults))
