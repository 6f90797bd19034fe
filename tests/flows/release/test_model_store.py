"""Which version of the model store is in use: published, switched, refused when damaged, switched back.

The images read `s3://BUCKET/PREFIX/current`; S3 is moto's server.
"""

import json
import os
import subprocess

import pytest

from containers.common import storage
from containers.common.errors import StorageError
from containers.common.image import CONTAINERS
from containers.common.models import store as models
from containers.common.models import store_s3
from containers.model_downloader.fetch import choose
from containers.model_downloader.publish import publish
from deployments.local.worker import node
from flows.release.__main__ import main

STORE = "s3://media/models"


@pytest.fixture
def published(bucket, monkeypatch, tmp_path):
    """The model of face-api as v1 and v2, in use by nobody yet; images read `current`."""
    for version in ("v1", "v2"):
        assert [
            done.status
            for done in publish(choose(["faceapi"], None), models.store_folder(), f"{STORE}/{version}")
        ] == ["fetched"]
    monkeypatch.setenv("MEDIAFLOW_MODELS", f"{STORE}/current")
    monkeypatch.setenv("MEDIAFLOW_MODEL_CACHE", str(tmp_path / "cache"))
    forget()
    yield
    bucket.objects.filter(Prefix="models/").delete()
    monkeypatch.undo()
    forget()


def forget() -> None:
    store_s3.forget_listing()
    models.open_model.cache_clear()
    models.catalogue.cache_clear()


def use(version: str) -> int:
    code = main([f"models:{STORE}", "--use", version])
    forget()
    return code


def test_images_read_the_version_that_is_in_use(published, capsys):
    with pytest.raises(StorageError, match=r"There is no pointer s3://media/models/current to a version"):
        models.store_uri()
    assert use("v1") == 0
    assert models.store_uri() == f"{STORE}/v1"
    assert models.open_model("faceapi")[1].id == "faceapi"
    assert use("v2") == 0
    assert models.store_uri() == f"{STORE}/v2"
    assert main([f"models:{STORE}", "--rollback"]) == 0
    forget()
    assert models.store_uri() == f"{STORE}/v1"
    said = capsys.readouterr().out
    assert said.endswith("models:s3://media/models: v1 is in use again.\n")


def test_the_image_in_node_reads_it_too(published, aws):
    assert use("v2") == 0
    script = (
        "import('./models.mjs').then(m => m.openModel('faceapi')).then(m => console.log(JSON.stringify(m)))"
    )
    done = subprocess.run(
        [node(), "-e", script],
        cwd=CONTAINERS / "faceapi",
        env={**os.environ, "AWS_REGION": "us-east-1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["ref"]["sha256"] == models.catalogue()["faceapi"].sha256


def test_a_damaged_version_is_not_left_in_use(published, capsys):
    assert use("v1") == 0
    (damaged,) = list(storage.list_names(f"{STORE}/v2/objects"))[:1]
    storage.write_bytes(f"{STORE}/v2/objects/{damaged}", b"something else")
    assert use("v2") == 1
    said = capsys.readouterr().err
    assert said.startswith("the model store v2 failed its check, v1 is in use again: ")
    assert said.endswith("does not match its SHA-256.\n")
    assert models.store_uri() == f"{STORE}/v1"
    assert use("v3") == 1
    assert capsys.readouterr().err == "s3://media/models has no version v3.\n"
