"""SHA-256 in a thread of its own: a file is written and hashed at the same time, on two cores."""

import hashlib
import threading
from collections.abc import Sequence
from queue import Queue

BEHIND = 4  # parts that may wait to be hashed


class Hashing:
    """Hashes what is added, in order. `end` it, or its thread waits for more while the process runs."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._waiting: Queue[Sequence[bytes]] = Queue(BEHIND)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, blocks: Sequence[bytes]) -> None:
        if blocks:
            self._waiting.put(blocks)

    def end(self) -> str:
        """The digest of everything added, in hexadecimal; the same when asked again."""
        if self._thread.is_alive():
            self._waiting.put(())
            self._thread.join()
        return self._digest.hexdigest()

    def _run(self) -> None:
        while blocks := self._waiting.get():
            for block in blocks:
                self._digest.update(block)
