"""What is written is hashed at the same time, in order."""

import hashlib
import threading

from containers.model_downloader.hashing import Hashing


def test_the_digest_of_everything_added_in_order():
    blocks = [bytes([n]) * (n * 1000) for n in range(1, 60)]
    hashing = Hashing()
    for block in blocks:
        hashing.add([block, b"", block])
    whole = b"".join(block + block for block in blocks)
    assert hashing.end() == hashing.end() == hashlib.sha256(whole).hexdigest()


def test_nothing_added():
    hashing = Hashing()
    hashing.add([])
    assert hashing.end() == hashlib.sha256().hexdigest()


def test_its_thread_is_gone_afterwards():
    before = threading.active_count()
    Hashing().end()
    assert threading.active_count() == before
