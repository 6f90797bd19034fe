"""A model is whole, at one commit, as it is pinned, and can be opened; or it is not in the store."""

import hashlib
import io
import json
from pathlib import Path

import pytest

from containers.common.models.store import catalogue, has_model, open_model
from containers.model_downloader import publish
from containers.model_downloader.fetch import choose, fetch_models
from containers.model_downloader.source import HuggingFace, read_source
from tests.containers.model_downloader.loopback import COMMIT, Repo
from tests.containers.model_downloader.registry import noise

ALIGNER = {"config.json": b"{}", "vocab.json": b"{}", "pytorch_model.bin": noise(9_000)}
WHOLE = ["config.json", "vocab.json", "model.safetensors|pytorch_model.bin"]
LAB = {"kind": "huggingface", "repo": "lab/aligner"}


def fetch(model="model"):
    (done,) = fetch_models(choose([model], None))
    return done


@pytest.fixture
def hub(loopback, monkeypatch):
    hub = loopback()
    hub.repos["lab/aligner"] = Repo(dict(ALIGNER), large={"pytorch_model.bin", "model.safetensors"})
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    return hub


@pytest.mark.parametrize("gone", ALIGNER)
def test_a_repository_that_lacks_a_needed_file_moves_nothing(hub, enter, store, gone):
    del hub.repos["lab/aligner"].files[gone]
    enter("model", LAB, whole=WHOLE)
    done = fetch()
    named = "model.safetensors or pytorch_model.bin" if gone.startswith("pytorch") else gone
    assert done.reason.startswith(f"lab/aligner has no {named}, without which it is no model; nothing of it")
    assert not (store / ".downloads").exists()
    assert not has_model("model")


def test_of_two_forms_of_the_weights_the_better_is_fetched_and_the_other_is_not(hub, enter, store):
    hub.repos["lab/aligner"].files["model.safetensors"] = noise(9_001)
    enter("model", LAB, whole=WHOLE)
    assert fetch().status == "fetched"
    names = {path.name for path in (store / "model").iterdir()}
    assert names == {"config.json", "vocab.json", "model.safetensors"}


def test_what_an_older_run_fetched_in_part_is_not_in_the_store_and_is_completed(hub, enter, store):
    """Before, one pattern that matched was enough: such stores are there."""
    enter("model", LAB | {"patterns": ["*.json"]})
    assert fetch().status == "fetched"
    enter("whole", LAB | {"patterns": ["*.json"]}, whole=WHOLE)
    lock = json.loads((store / "lock.json").read_text())
    lock["whole"] = lock["model"] | {"origin": catalogue()["whole"].origin}
    (store / "lock.json").write_text(json.dumps(lock))
    (store / "model").rename(store / "whole")
    catalogue.cache_clear()
    assert not has_model("whole")
    assert "has no model.safetensors or pytorch_model.bin" in fetch("whole").reason


def test_the_commit_of_the_first_fetch_is_asked_for_ever_after(hub, enter, store):
    enter("model", LAB, whole=WHOLE)
    assert fetch().status == "fetched"
    assert open_model("model")[1].revision == COMMIT[:12]
    (store / "model" / "config.json").unlink()
    hub.asked.clear()
    assert fetch().status == "fetched"
    assert {one.path.split("?")[0] for one in hub.asked if "api/models" in one.path} == {
        f"/api/models/lab/aligner/revision/{COMMIT}"
    }


def test_a_published_hash_is_enforced_from_the_first_fetch(hub, enter, store):
    weights = hashlib.sha256(ALIGNER["pytorch_model.bin"]).hexdigest()
    enter("model", LAB | {"pins": {"pytorch_model.bin": {"sha256": weights}}}, whole=WHOLE)
    assert fetch().status == "fetched"
    enter("other", LAB | {"pins": {"pytorch_model.bin": {"sha256": "0" * 64}}}, whole=WHOLE)
    assert "has another pytorch_model.bin than the catalogue pins" in fetch("other").reason
    assert not has_model("other")


@pytest.mark.parametrize("digest", ["right", "wrong"])
def test_an_md5_where_the_publisher_states_no_other(web, enter, store, digest):
    content = noise(5_000)
    web.files["/weights.bin"] = content
    md5 = hashlib.md5(content).hexdigest() if digest == "right" else "0" * 32
    enter("model", {"kind": "url", "urls": [{"url": f"{web.url}/weights.bin", "md5": md5}]}, ["weights.bin"])
    done = fetch()
    assert (done.status == "fetched") is (digest == "right")
    assert digest == "right" or "does not match its MD5; it was thrown away" in done.reason


def test_weights_that_images_would_not_open_never_become_the_preferred_model(web, enter, store, tmp_path):
    import torch

    content = io.BytesIO()
    torch.save({"weight": torch.zeros(2), "more": Path("x")}, content)
    web.files["/weights.pth"] = content.getvalue()
    enter("model", {"kind": "url", "urls": [f"{web.url}/weights.pth"]}, ["weights.pth"])
    assert "weights.pth holds pathlib." in fetch().reason
    assert not has_model("model")
    assert not (store / "model" / "weights.pth").exists()


def test_a_published_store_keeps_the_commit(hub, enter, store, monkeypatch):
    from tests.containers.model_downloader.s3 import serving

    enter("model", LAB, whole=WHOLE)
    fetch()
    with serving() as (_, bucket):
        (done,) = publish.publish(choose(["model"], None), store, bucket)
        assert done.status == "fetched", done.reason
        monkeypatch.setenv("MEDIAFLOW_MODELS", bucket)
        catalogue.cache_clear()
        assert catalogue()["model"].commit == COMMIT


class TestTheCatalogue:
    """This project's own."""

    @pytest.fixture(autouse=True)
    def own(self, monkeypatch):
        monkeypatch.delenv("MEDIAFLOW_CATALOGUE", raising=False)
        catalogue.cache_clear()
        yield
        catalogue.cache_clear()

    def test_every_model_says_what_makes_it_whole_and_how_large_it_is(self):
        for model in catalogue().values():
            assert model.files or model.whole, model.id
            assert model.is_size_known or model.about_mb, model.id
            if model.whole and not model.files:
                weights = (".bin", ".safetensors", ".npz", ".onnx", ".yaml")
                assert any(needed.endswith(weights) for needed in model.whole), model.id

    def test_no_entry_follows_a_branch(self):
        for model in catalogue().values():
            source = read_source(model)
            if isinstance(source, HuggingFace):
                assert source.revision is None or len(source.revision) == 40, model.id
                assert (model.revision == "unknown") == (source.revision is None), model.id
                expected = source.revision[:12] if source.revision else "unknown"
                assert model.revision == expected, model.id
            assert not any("/main/" in str(value) for value in model.source.get("urls", [])), model.id

    def test_what_publishers_state_is_pinned(self):
        facenet = catalogue()["facenet-vggface2"].files[0]
        assert (facenet.size, facenet.sha256[:12]) == (111_898_327, "281cebca8662")
        pins = catalogue()["whisper-small"].source["pins"]["model.bin"]
        assert (pins["size"], pins["sha256"][:12]) == (483_546_902, "3e305921506d")

    @pytest.mark.parametrize(
        ("profile", "models"),
        [
            ("speech-ko", {"whisper-large-v3-turbo", "align-ko"}),
            ("speech-en", {"whisper-large-v3-turbo", "align-en"}),
            ("faces", {"facenet-vggface2"}),
            ("sounds", {"panns-cnn14", "panns-cnn14-events"}),
            ("pictures", {"dinov2-base"}),
            ("speakers", {"pyannote-community-1"}),
        ],
    )
    def test_profiles_by_what_people_need(self, profile, models):
        assert {model.id for model in choose([], profile)} == models
        assert sum(model.about_mb for model in choose([], profile)) < 3_000
