"""What a re-index finds below an output folder."""

import json
import shutil
import threading

import boto3
import pytest
from filelock import FileLock
from moto import mock_aws

from containers.common.errors import UserError
from containers.common.models.store import sha256_of
from tasks.asset.folder import Asset
from tasks.index.collect import collect, drop_orphans, reindexing_alone, write_parts
from tasks.outputs.embeddings import write_embeddings
from tasks.stages.index.run import index

FACE = {"model": "facenet", "vector": [0.6, 0.8], "metadata": {"kind": "face"}}
VOICE = {"model": "ge2e", "vector": [1.0, 0.0, 0.0], "metadata": {"kind": "voice"}}
FILM, TALK = "f" * 16, "7" * 16


@pytest.fixture
def output(tmp_path):
    """A film with two faces and a voice, a talk with a voice, and what else lies in such a folder."""
    for asset, rows in ((FILM, [FACE, FACE, VOICE]), (TALK, [VOICE])):
        write_embeddings(tmp_path / asset / "embeddings.parquet", asset, rows)
        models = sorted({row["model"] for row in rows})
        index.fn(asset, tmp_path / asset / "embeddings.parquet", models, tmp_path / "index")
    (tmp_path / "notes").mkdir()
    (tmp_path / ("0" * 16)).mkdir()  # an asset folder that lost its files
    return tmp_path


def delta(output, model):
    return {path.name.split(".")[0] for path in (output / "index" / model / "delta").iterdir()}


def test_every_asset_is_listed_for_every_model(output):
    parts = collect.fn(output)
    assert {model: {part.asset: part.rows for part in listed} for model, listed in parts.items()} == {
        "facenet": {FILM: 2, TALK: 0},
        "ge2e": {FILM: 1, TALK: 1},
    }
    assert parts["ge2e"][0].digest == sha256_of(output / parts["ge2e"][0].asset / "embeddings.parquet")


def test_an_output_that_is_not_there(tmp_path):
    with (
        pytest.raises(UserError, match="There is no folder"),
        reindexing_alone(tmp_path / "nothing", on_wait=pytest.fail),
    ):
        pass


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="media")
        yield "s3://media/out"


@pytest.mark.parametrize("place", ["folder", "bucket"])
def test_of_two_at_once_the_second_waits_and_is_told_so(tmp_path, place, request):
    """In one folder, or of two machines that have one bucket and a folder each."""
    remote = request.getfixturevalue("bucket") if place == "bucket" else None
    folders = [tmp_path / "one", tmp_path / ("other" if remote else "one")]
    for folder in folders:
        folder.mkdir(exist_ok=True)
    told, done = threading.Event(), []

    def second():
        with reindexing_alone(folders[1], told.set, remote):
            done.append("second")

    with reindexing_alone(folders[0], pytest.fail, remote):
        other = threading.Thread(target=second)
        other.start()
        assert told.wait(60)
        done.append("first")
    other.join(60)
    assert done == ["first", "second"]


def test_a_damaged_file_is_named(output):
    (output / TALK / "embeddings.parquet").write_bytes(b"half a file")
    with pytest.raises(UserError, match=r"7777/embeddings\.parquet is not a Parquet file of vectors"):
        collect.fn(output)


def test_what_was_analysed_and_then_removed_goes_from_the_delta(output):
    shutil.rmtree(output / FILM)
    assert drop_orphans.fn(output) == 2
    assert delta(output, "ge2e") == {TALK}
    assert delta(output, "facenet") == set()


def test_an_asset_being_analysed_is_left_alone(output):
    shutil.rmtree(output / FILM)  # as when it is analysed for the first time: indexed, not published yet
    asset = Asset(output=output, id=FILM)
    asset.prepare()
    with FileLock(asset.lock_path):
        assert drop_orphans.fn(output) == 0
    assert delta(output, "facenet") == {FILM}


def test_no_parts_are_a_list_too(tmp_path):
    from containers.faiss.staging import read_parts

    write_parts([], tmp_path / "none.parquet")
    assert read_parts((tmp_path / "none.parquet").as_uri()) == {}


def publish(output, asset, **changes):
    """A manifest, as an analysis leaves it; `quality.json` beside it where `broken` is given."""
    folder = output / asset
    path = folder / "embeddings.parquet"
    verdict = {"table": "words", "rule": "r", "severity": "critical", "checked": 1, "broken": 1}
    if changes.pop("broken", False):
        (folder / "quality.json").write_text(json.dumps({"verdicts": [verdict]}))
    manifest = {
        "asset": asset,
        "media": {"name": "a", "sha256": "a" * 64, "size": 1, "format": "wav", "duration": 1.0},
        "duration": 1.0,
        "options": {},
        "complete": True,
        "stages": [],
        "models": [],
        "embeddings": {"ge2e": 1},
        "software": {},
        "created": "2026-11-25T00:00:00Z",
        "seconds": 1.0,
        "fingerprint": "",
        "files": {
            file.name: {"sha256": sha256_of(file), "size": file.stat().st_size} for file in folder.iterdir()
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest | changes))
    return sha256_of(path)


def test_a_blocked_asset_brings_nothing(output):
    """The nightly re-index must not put in what the analysis kept out."""
    digest = publish(output, TALK, broken=True)
    listed = {part.asset: (part.rows, part.digest) for part in collect.fn(output)["ge2e"]}
    assert listed[TALK] == (0, digest)
    assert listed[FILM][0] == 1


def test_neither_does_one_that_could_not_be_checked(output):
    publish(output, TALK, stages=[{"name": "check", "status": "failed", "reason": "broken"}])
    assert {part.asset: part.rows for part in collect.fn(output)["ge2e"]} == {FILM: 1, TALK: 0}
    publish(output, TALK, stages=[{"name": "check", "status": "done"}])
    assert {part.asset: part.rows for part in collect.fn(output)["ge2e"]} == {FILM: 1, TALK: 1}
