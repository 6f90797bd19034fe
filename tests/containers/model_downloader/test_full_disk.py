"""A disk that fills up, a store that cannot be written."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from containers.common.models.store import open_model
from containers.model_downloader.fetch import MEND_STORE, choose, fetch_models
from tests.containers.model_downloader.registry import noise

FREE = 1_000_000


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store on a file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={FREE}", "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk")
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fetch():
    return fetch_models(choose(["tagger"], None))[0]


def test_full_while_downloading_then_continued(registry, tagger, small_disk):
    (small_disk / "ballast").write_bytes(bytes(FREE - 200_000))
    assert (
        fetch().reason == f"The store {small_disk} cannot be written: No space left on device; {MEND_STORE}"
    )
    assert not (small_disk / "tagger").exists()
    (small_disk / "ballast").unlink()
    model = fetch()
    assert model.status == "fetched"
    assert 0 < model.bytes_moved < len(tagger.content) - 100_000
    open_model("tagger")


def test_full_while_unpacking_then_continued(registry, tagger, small_disk):
    (small_disk / "ballast").write_bytes(bytes(FREE - len(tagger.content) - 100_000))
    weights = small_disk / "tagger" / "weights.bin"
    assert fetch().reason == f"{weights} cannot be written: No space left on device; {MEND_STORE}"
    assert not any((small_disk / "tagger").iterdir())
    (small_disk / "ballast").unlink()
    assert (fetch().status, fetch().status) == ("fetched", "present")
    assert registry.served[tagger.file] == len(tagger.content)
    assert weights.read_bytes() == noise(400_000)


def test_a_store_that_is_a_file(registry, tagger, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path / "file"))
    assert fetch().reason == f"The store {tmp_path / 'file'} cannot be written: Not a directory; {MEND_STORE}"


def test_a_full_store_that_may_only_be_read_is_enough(registry, tagger, small_disk):
    fetch()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert fetch().status == "present"
