"""The shelf of an output on S3 (moto's server): an analysis adds to it, the nightly run writes it whole."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from containers.common import storage
from tasks.asset.folder import Asset
from tasks.outputs.embeddings import write_embeddings
from tasks.shelf.files import from_script
from tasks.shelf.places import Bucket
from tasks.shelf.remote import add_to_shelf, make_remote_shelf
from tests.tasks.words.archive import publish

ONE, TWO = "a" * 16, "b" * 16
OUT = "s3://media/out"


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bucket: Any) -> Path:
    """This machine's side, of an empty bucket."""
    for place in ("files", "make"):
        monkeypatch.setattr(f"tasks.shelf.{place}.SHARDS", 4)
    monkeypatch.setenv("MEDIAFLOW_WORK", str(tmp_path / "work"))
    bucket.objects.all().delete()
    return tmp_path / "work" / "media" / "out"


def put(tmp_path: Path, asset: str, text: str, picture: str | None = None) -> Asset:
    folder = publish(tmp_path / "made", asset, [(text, 1.0, 2.0)])
    if picture:
        about = {"kind": "picture", "time": 6.0, "end": 9.0, "thumbnail": picture}
        row = {"model": "phash", "vector": [1.0], "metadata": about}
        write_embeddings(folder / "embeddings.parquet", asset, [row])
    for path in sorted(folder.iterdir(), key=lambda path: path.name == "manifest.json"):
        storage.upload(path, f"{OUT}/{asset}/{path.name}")
    return Asset.at(OUT, asset)


def cards() -> dict[str, dict[str, Any]]:
    found = from_script(storage.read_bytes(f"{OUT}/shelf/assets.js"), "assets")
    return {card["id"]: card for card in found}


def names() -> set[str]:
    return {name for name in storage.list_tags(OUT) if name.startswith(("shelf/", "index.html"))}


def test_an_analysis_adds_its_recording_with_its_picture(tmp_path: Path, work: Path) -> None:
    cached = work / ".cache" / ONE / "pictures" / "1.jpg"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"a picture")
    add_to_shelf(put(tmp_path, ONE, "The budget.", picture="pictures/1.jpg"))
    add_to_shelf(put(tmp_path, TWO, "The weather."))
    assert {asset: card["picture"] for asset, card in cards().items()} == {
        ONE: f"shelf/pictures/{ONE}.jpg",
        TWO: None,
    }
    assert storage.read_bytes(f"{OUT}/shelf/pictures/{ONE}.jpg") == b"a picture"
    assert b"The budget." in storage.read_bytes(f"{OUT}/shelf/said/{ONE}.js")
    assert b"mediaflow-shelf" in storage.read_bytes(f"{OUT}/index.html")


def test_what_was_uploaded_a_moment_ago_is_not_fetched_again(tmp_path: Path, monkeypatch: Any) -> None:
    folder = publish(tmp_path / "made", ONE, [("The budget.", 1.0, 2.0)])
    manifest = Asset(output=folder.parent, id=ONE).manifest()
    assert manifest
    asset = Asset.at(OUT, ONE)
    documents = {path.name: path for path in folder.iterdir() if path.name != "manifest.json"}
    download, fetched = storage.download, []
    monkeypatch.setattr(storage, "download", lambda uri, to: (fetched.append(uri), download(uri, to)))
    asset.publish(documents, manifest)
    add_to_shelf(asset)
    assert set(cards()) == {ONE} and fetched == []
    assert not (asset.cache / "uploaded").exists()

    asset.publish(documents, manifest)
    put(tmp_path, ONE, "The weather.")  # by another machine, meanwhile
    add_to_shelf(asset)
    assert b"The weather." in storage.read_bytes(f"{OUT}/shelf/said/{ONE}.js") and fetched


def test_many_that_end_at_the_same_moment_are_all_on_it(tmp_path: Path) -> None:
    assets = [put(tmp_path, f"{number:016x}", f"Number {number}.") for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_to_shelf, assets))
    assert set(cards()) == {asset.id for asset in assets}


def test_the_nightly_run_writes_what_changed_and_takes_out_what_is_gone(
    tmp_path: Path, work: Path, monkeypatch: pytest.MonkeyPatch, bucket: Any
) -> None:
    add_to_shelf(put(tmp_path, ONE, "The budget."))
    put(tmp_path, TWO, "The weather.")
    assert make_remote_shelf(OUT, whole=True) == f"{OUT}/index.html"
    assert set(cards()) == {ONE, TWO} and "shelf/words/about.js" in names()
    assert 'data-shards="4"' in storage.read_bytes(f"{OUT}/index.html").decode()

    written: list[str] = []
    write = Bucket.write
    monkeypatch.setattr(
        Bucket, "write", lambda self, name, text: (written.append(name), write(self, name, text))
    )
    bucket.objects.filter(Prefix=f"out/{TWO}/").delete()
    make_remote_shelf(OUT)
    assert written == [], "nothing but the list of recordings is another"
    assert set(cards()) == {ONE} and f"shelf/said/{TWO}.js" not in names()


def test_what_is_added_while_the_nightly_run_writes_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, ONE, "The budget.")
    update = Bucket.update

    def late(self: Bucket, name: str, change: Any) -> None:
        monkeypatch.undo()
        monkeypatch.setenv("MEDIAFLOW_WORK", str(tmp_path / "work"))
        add_to_shelf(put(tmp_path, TWO, "The weather."))
        update(self, name, change)

    monkeypatch.setattr(Bucket, "update", late)
    make_remote_shelf(OUT)
    assert set(cards()) == {ONE, TWO}
