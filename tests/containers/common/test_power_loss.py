"""The power fails: whatever the disk had not been asked to keep by then may be gone.

Each sync and each rename of the code under test is recorded, and after each the disk is made as it may look
after a power failure: contents that were never synced are empty, names that were never synced are there or
not. What lies there then is read as the next run reads it.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from containers.common import durable, storage
from containers.common.index import versions
from containers.common.index.version import IndexVersion
from containers.common.models.lock import read_lock, record
from containers.common.models.store import ModelFile, sha256_of
from containers.model_downloader.download import Downloaded
from containers.model_downloader.unpack import unpack
from tasks.asset import exchange as exchanging
from tasks.asset import folder as asset_folder
from tasks.asset.folder import Asset
from tasks.people.store import Example, editing_people, load_people

Names = dict[str, int]  # of a folder: name and inode


class Disk:
    """What is under `root` now, and what of it would be there after a power failure."""

    def __init__(self, root: Path, look: Callable[[Path], None], copy: Path) -> None:
        self.root, self.look, self.copy = root, look, copy
        self.contents: dict[int, bytes] = {}
        self.folders: dict[int, Names] = {}
        self.kinds: dict[int, bool] = {}
        self.failures = 0
        for place, _, files in os.walk(root):
            self.keep(Path(place))
            for name in files:
                self.keep(Path(place, name))

    def keep(self, path: Path) -> None:
        """As fsync: the content of a file, the names in a folder."""
        inode = path.stat().st_ino
        self.kinds[inode] = path.is_dir()
        if path.is_dir():
            self.folders[inode] = names_in(path)
            for each in path.iterdir():
                self.kinds[each.stat().st_ino] = each.is_dir()
        else:
            self.contents[inode] = path.read_bytes()

    def fail(self) -> None:
        """Looks at what may be left, names synced alone, and all names."""
        now = {Path(place).stat().st_ino: names_in(Path(place)) for place, _, _ in os.walk(self.root)}
        kinds = {each.stat().st_ino: each.is_dir() for each in self.root.rglob("*")}
        top = self.root.stat().st_ino
        for folders, known in ((self.folders, self.kinds), (now, kinds)):
            shutil.rmtree(self.copy, ignore_errors=True)
            self._make(self.copy, top, folders, self.kinds | known)
            self.failures += 1
            self.look(self.copy)

    def _make(self, place: Path, inode: int, folders: dict[int, Names], kinds: dict[int, bool]) -> None:
        place.mkdir()
        for name, each in folders.get(inode, {}).items():
            if kinds[each]:
                self._make(place / name, each, folders, kinds)
            else:
                (place / name).write_bytes(self.contents.get(each, b""))


def names_in(folder: Path) -> Names:
    return {each.name: each.stat().st_ino for each in folder.iterdir()}


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """`with disk(root, look):` fails the power around every sync and rename of the block."""

    @contextmanager
    def recording(root: Path, look: Callable[[Path], None]) -> Iterator[Disk]:
        made = Disk(root, look, tmp_path / "after")

        def around(call: Callable[..., Any], kept: Callable[..., Path] | None = None) -> Callable[..., Any]:
            def called(*arguments: Any, **options: Any) -> Any:
                result = call(*arguments, **options)
                if kept and (path := kept(*arguments)).exists() and path.is_relative_to(root):
                    made.keep(path)
                made.fail()
                return result

            return called

        with monkeypatch.context() as patch:
            of_descriptor = lambda number: Path(os.readlink(f"/proc/self/fd/{number}"))  # noqa: E731, PTH115
            patch.setattr(os, "fsync", around(os.fsync, of_descriptor))
            for name in ("replace", "rename"):
                patch.setattr(os, name, around(getattr(os, name)))
            patch.setattr(asset_folder, "exchange", around(exchanging.exchange))
            yield made
        assert made.failures > 4

    return recording


def test_this_disk_forgets_what_was_not_synced(disk: Any, tmp_path: Path) -> None:
    """That the tests below could fail."""
    seen: list[bytes | None] = []

    def look(root: Path) -> None:
        path = root / "file"
        seen.append(path.read_bytes() if path.is_file() else None)

    (tmp_path / "root").mkdir()
    with disk(tmp_path / "root", look) as made:
        (tmp_path / "root" / "part").write_bytes(b"new")
        (tmp_path / "root" / "part").rename(tmp_path / "root" / "file")
        assert seen[-2:] == [None, b""]
        durable.sync_file(tmp_path / "root" / "file")
        assert seen[-2:] == [None, b"new"]
        durable.sync_folder(tmp_path / "root")
        assert seen[-2:] == [b"new", b"new"]
        made.fail()


def test_a_file_is_the_old_one_or_the_new_one(disk: Any, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    storage.write_bytes(storage.as_uri(root / "a" / "b"), b"old")
    seen: list[bytes] = []
    with disk(root, lambda copy: seen.append((copy / "a" / "b").read_bytes())):
        storage.write_bytes(storage.as_uri(root / "a" / "b"), b"new")
    assert set(seen) == {b"old", b"new"}
    assert seen[-2:] == [b"new", b"new"]


def test_a_new_folder_is_there_with_its_file(disk: Any, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    seen: list[bytes | None] = []

    def look(copy: Path) -> None:
        path = copy / "a" / "b" / "c"
        seen.append(path.read_bytes() if path.is_file() else None)

    with disk(root, look):
        storage.write_bytes(storage.as_uri(root / "a" / "b" / "c"), b"new")
    assert set(seen) == {None, b"new"}
    assert seen[-2:] == [b"new", b"new"]


def manifest_of(name: str) -> Any:
    from tests.tasks.asset.test_folder import make_manifest

    return make_manifest().model_copy(update={"fingerprint": name})


def test_an_asset_is_whole_old_or_new(disk: Any, tmp_path: Path) -> None:
    output = tmp_path / "out"
    asset = Asset(output=output, id="0123456789abcdef")
    asset.prepare()
    seen: list[str | None] = []

    def look(copy: Path) -> None:
        found = Asset(output=copy, id=asset.id)
        manifest = found.manifest()
        seen.append(manifest and manifest.fingerprint)
        for name, entry in (manifest.files if manifest else {}).items():
            assert sha256_of(found.folder / name) == entry.sha256, name

    with disk(output, look):
        for version in ("first", "second"):
            asset.publish({"a.json": version.encode(), "faces/1.jpg": b"face"}, manifest_of(version))
            assert seen[-1] == seen[-2] == version, "what was published stays"
    assert set(seen) == {None, "first", "second"}


def test_a_model_that_the_store_names_is_whole(disk: Any, tmp_path: Path) -> None:
    store = tmp_path / "models"
    (store / ".locks").mkdir(parents=True)
    seen: list[int] = []

    def look(copy: Path) -> None:
        known = read_lock(copy)
        seen.append(len(known))
        for model, entry in known.items():
            for file in entry["files"]:
                assert sha256_of(copy / model / file["name"]) == file["sha256"]

    with disk(store, look):
        for number in range(2):
            content = os.urandom(1000)
            (tmp_path / "download").write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            got = {"weights": Downloaded(tmp_path / "download", digest, len(content), movable=True)}
            file = unpack(ModelFile(name="weights.bin", parts=["weights"]), got, store / f"model{number}")
            pins = [file.model_dump(include={"name", "sha256", "size"})]
            record(store, f"model{number}", "origin", pins)
            assert seen[-1] == seen[-2] == number + 1, "what was fetched stays"
    assert set(seen) == {0, 1, 2}


def make_version(uri: str, number: int) -> None:
    with versions.drafting(uri) as draft:
        path = draft.folder / "index.faiss"
        path.write_bytes(os.urandom(1000))
        (draft.folder / "vectors.f32").write_bytes(np.zeros(4, "float32").tobytes())
        now = versions.current(uri)
        version = index_version(draft.name, sha256_of(path), now and now.version)
        versions.publish(draft, version, keep_versions=2)


def index_version(name: str, sha256: str, previous: str | None) -> IndexVersion:
    """With the few fields that a pointer and its version need."""
    return IndexVersion.model_construct(
        version=name, sha256=sha256, previous=previous, segments=[], **dict.fromkeys(REST)
    )


REST = set(IndexVersion.model_fields) - {"version", "sha256", "previous", "segments"}


def test_an_index_serves_a_whole_version(disk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(uri: str, version: str) -> IndexVersion:
        content = json.loads(storage.read_bytes(storage.join(uri, version, "manifest.json")))
        return index_version(content["version"], content["sha256"], content["previous"])

    monkeypatch.setattr(versions, "manifest", read)
    root = tmp_path / "index"
    root.mkdir()
    seen: list[str | None] = []

    def look(copy: Path) -> None:
        now = versions.current(copy.as_uri())
        seen.append(now and now.version)
        if now:
            assert sha256_of(copy / now.version / "index.faiss") == now.sha256

    with disk(root, look):
        for number in range(3):
            make_version(root.as_uri(), number)
            assert seen[-1] == seen[-2] == f"v{number + 1:06}", "what was switched to stays"
    assert set(seen) == {None, "v000001", "v000002", "v000003"}


@pytest.mark.parametrize("damage", [b"", b"\0\0\0", b"{}", b'{"version"'])
def test_a_pointer_that_is_lost_is_mended_from_the_versions(
    damage: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(uri: str, version: str) -> IndexVersion:
        content = json.loads(storage.read_bytes(storage.join(uri, version, "manifest.json")))
        return index_version(content["version"], content["sha256"], content["previous"])

    monkeypatch.setattr(versions, "manifest", read)
    uri = tmp_path.as_uri()
    for number in range(2):
        make_version(uri, number)
    (tmp_path / "current").write_bytes(damage)
    now = versions.pointer(uri)
    assert now and now.version == "v000002"
    (tmp_path / "v000002" / "index.faiss").write_bytes(b"")
    now = versions.pointer(uri)
    assert now and now.version == "v000001", "one that is not whole does not serve"


def test_people_keep_their_names(disk: Any, tmp_path: Path) -> None:
    seen: list[list[str | None]] = []
    output = tmp_path / "out"
    output.mkdir()

    def look(copy: Path) -> None:
        seen.append([person.name for person in load_people(copy).people])

    example = Example(kind="face", model="m", vector=[1.0], asset="a", label="face1", crop=None)
    with disk(output, look):
        for name in ("Ada", "Grace"):
            with editing_people(output) as people:
                people.add(name).examples.append(example)
            assert seen[-1] == seen[-2] and seen[-1][-1] == name, "what was said stays"
    assert {tuple(names) for names in seen} == {(), ("Ada",), ("Ada", "Grace")}


def test_people_that_a_disk_forgot_come_back_from_their_history(tmp_path: Path) -> None:
    example = Example(kind="face", model="m", vector=[1.0], asset="a", label="face1", crop=None)
    for name in ("Ada", "Grace"):
        with editing_people(tmp_path) as people:
            people.add(name).examples.append(example)
    (tmp_path / "people" / "people.json").write_bytes(b"")
    assert [person.name for person in load_people(tmp_path).people] == ["Ada"]
