"""Models of a store on this machine: who waits for another process says so; a disk's fault is a sentence."""

import threading
from pathlib import Path

import pytest

from containers.common.errors import StorageError
from containers.common.models import store as models
from containers.common.models import store_cache


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDIAFLOW_MODEL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_who_waits_for_a_model_that_another_fetches_says_so(cache: Path, capfd, monkeypatch) -> None:
    monkeypatch.setattr(store_cache, "QUIET", 0.2)
    begun, ended = threading.Event(), threading.Event()

    def fetch() -> None:
        with store_cache.filling("tagger", "0" * 64, 1):
            begun.set()
            ended.wait(30)

    other = threading.Thread(target=fetch)  # flock's locks are of open files: threads see each other's
    other.start()
    assert begun.wait(30)
    threading.Timer(0.6, ended.set).start()
    with store_cache.filling("tagger", "0" * 64, 1):
        other.join(30)
    store_cache.release()
    said = "Waiting for another process, which fetches model 'tagger'.\n"
    assert capfd.readouterr().err == said


def test_a_store_that_cannot_be_read_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path) -> str:
        raise OSError(5, "Input/output error", str(path))

    monkeypatch.setattr(models, "sha256_known", fail)
    models.open_model.cache_clear()
    with pytest.raises(StorageError, match=r"^The model store \S+ cannot be read: Input/output error\.$"):
        models.open_model("whisper-base")
