"""A store on S3: what is put there, what is not moved twice, and what images read from it."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import boto3
import pytest

from containers.common import storage
from containers.common.errors import ModelCorrupt, ModelMissing, UserError
from containers.common.models import store as models
from containers.common.models import store_cache
from containers.model_downloader.fetch import choose, fetch_models
from containers.model_downloader.inventory import choose_removable, compare, remove_models, take_stock
from containers.model_downloader.publish import fill, publish, share_content
from tests.containers.model_downloader.registry import noise
from tests.containers.model_downloader.s3 import forget, serving

ROOT = Path(__file__).parents[3]
WEIGHTS = noise(400_000)


@pytest.fixture
def s3_store(registry, describe, tmp_path, monkeypatch):
    """An empty one, with `tagger` (400 kB) in the catalogue."""
    package = registry.carry("tagger-weights", {"tagger_weights/weights.bin": WEIGHTS})
    describe("tagger", [package])
    with serving() as (_, store):
        monkeypatch.setenv("MEDIAFLOW_MODELS", store)
        monkeypatch.setenv("MEDIAFLOW_MODEL_CACHE", str(tmp_path / "cache"))
        forget()
        yield store


@pytest.fixture
def requests(s3_store):
    """Counts what boto3 asks S3 for."""
    asked: Counter[str] = Counter()
    storage._s3().meta.events.register("before-call.s3", lambda model, **_: asked.update([model.name]))
    return asked


def put(key: str, content: bytes) -> None:
    boto3.client("s3").put_object(Bucket="models", Key=f"store/{key}", Body=content)


def objects() -> dict[str, int]:
    found = boto3.client("s3").list_objects_v2(Bucket="models").get("Contents", [])
    return {item["Key"]: item["Size"] for item in found}


def sha256(model: str) -> str:
    return str(models.catalogue()[model].files[0].sha256)


def test_a_second_run_moves_nothing(registry, s3_store, requests, tmp_path):
    assert [model.status for model in fill(choose([], None))] == ["fetched"]
    assert not (tmp_path / "cache" / ".staging" / "tagger").exists()
    registry.served.clear()
    requests.clear()
    assert [(model.status, model.bytes_moved) for model in fill(choose([], None))] == [("present", 0)]
    assert requests == {"ListObjectsV2": 2, "GetObject": 1}, "contents, manifests, one manifest"
    assert not registry.served
    folder, ref = models.open_model("tagger")
    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert ref.sha256 == models.catalogue()["tagger"].sha256


def test_same_content_is_stored_once_and_large_content_in_checked_parts(
    registry, describe, s3_store, tmp_path
):
    large = noise(9_000_000)
    for number in (1, 2):
        describe(f"large-{number}", [registry.carry(f"large-{number}", {f"{number}.bin": large})])
        (tmp_path / "near" / f"large-{number}").mkdir(parents=True)
        (tmp_path / "near" / f"large-{number}" / f"{number}.bin").write_bytes(large)
    for number, moved in ((1, 9_000_000), (2, 0), (2, 0)):
        done = publish(choose([f"large-{number}"], None), tmp_path / "near", s3_store)
        assert done[0].bytes_moved == moved, done[0].reason
    assert models.has_model("large-2")
    contents = {key: size for key, size in objects().items() if "/objects/" in key}
    assert list(contents.values()) == [9_000_000]
    head = boto3.client("s3").head_object(Bucket="models", Key=next(iter(contents)), ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-2"'), "in two parts"


def test_same_content_in_a_folder_is_one_file(registry, describe, store):
    for name in ("one", "two"):
        describe(name, [registry.carry(name, {f"{name}.bin": WEIGHTS})])
    fill(choose(["one", "two"], None))
    assert (store / "one" / "one.bin").samefile(store / "two" / "two.bin")
    assert share_content(store) == 0
    for name in ("one", "two"):
        models.open_model(name)


def test_without_manifest_there_is_no_model(s3_store, monkeypatch):
    """As a killed publication leaves it."""
    put(f"objects/{sha256('tagger')}", WEIGHTS)
    assert not models.has_model("tagger")
    with pytest.raises(
        ModelMissing,
        match=r"^Model 'tagger' is not in the store s3://models/store: run `uv run .* fetch tagger`\.$",
    ):
        models.open_model("tagger")


def test_a_changed_object_is_refused_and_fetching_mends_it(s3_store, tmp_path):
    fill(choose([], None))
    put(f"objects/{sha256('tagger')}", bytes(400_000))
    forget()
    with pytest.raises(
        ModelCorrupt,
        match=r"^s3://models/store/objects/\w{64} does not match its SHA-256 in the catalogue: run `",
    ):
        models.open_model("tagger")
    assert not list((tmp_path / "cache").rglob("*weights.bin*"))
    assert [model.status for model in fill(choose([], None))] == ["fetched"]
    models.open_model("tagger")


def test_a_damaged_cache_is_mended(s3_store, requests):
    fill(choose([], None))
    folder, _ = models.open_model("tagger")
    (folder / "weights.bin").write_bytes(b"half")
    forget()
    assert (models.open_model("tagger")[0] / "weights.bin").read_bytes() == WEIGHTS


def test_the_cache_serves_when_s3_does_not(s3_store):
    fill(choose([], None))
    models.open_model("tagger")
    with pytest.MonkeyPatch.context() as patch:  # undone before the fixture's own
        patch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
        storage._s3.cache_clear()
        forget()
        assert models.open_model("tagger")[0].is_dir()


OPENING = """
import sys
from containers.common import storage
from containers.common.models import store as models
asked = []
storage._s3().meta.events.register("before-call.s3", lambda model, **_: asked.append(model.name))
print("ready", flush=True)
sys.stdin.readline()
folder, ref = models.open_model("tagger")
print(asked.count("GetObject"), models.sha256_of(folder / "weights.bin"))
"""


def test_processes_at_once_fetch_it_once(s3_store):
    """The images of one machine, each a process of its own."""
    fill(choose([], None))
    running = [
        subprocess.Popen(
            [sys.executable, "-c", OPENING],
            cwd=ROOT,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in running:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    said = sorted(process.communicate(timeout=60)[0] for process in running)
    assert said == [f"{asked} {sha256('tagger')}\n" for asked in (0, 0, 1)]


KILLED = """
import os
from containers.common import storage
from containers.common.models import store as models

def die(uri, target):
    target.write_bytes(b"half")
    os.kill(os.getpid(), 9)

storage.download = die
models.open_model("tagger")
"""


def test_killed_half_way_the_next_process_finishes(s3_store, tmp_path):
    fill(choose([], None))
    done = subprocess.run([sys.executable, "-c", KILLED], cwd=ROOT, check=False)
    assert done.returncode == -9
    left = list((tmp_path / "cache").rglob("*.part"))
    assert [path.read_bytes() for path in left] == [b"half"]
    folder, _ = models.open_model("tagger")
    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert not left[0].exists()


def test_the_least_recently_opened_makes_room(registry, describe, s3_store, tmp_path, monkeypatch):
    for number in (1, 2):
        content = {f"{number}.bin": noise(400_000, number)}
        describe(f"other-{number}", [registry.carry(f"other-{number}", content)])
    fill(choose(["tagger", "other-1", "other-2"], None))
    forget()
    monkeypatch.setenv("MEDIAFLOW_MODEL_CACHE_MB", "1")
    folders = {}
    for number, name in enumerate(("tagger", "other-1")):
        folders[name] = models.open_model(name)[0]
        os.utime(tmp_path / "cache" / ".locks" / f"{folders[name].name}.use", (number, number))
    with pytest.raises(
        UserError,
        match=r"^Model 'other-2' \(0 MB\) does not fit into the model cache .*, of whose 1 MB 1 are in use",
    ):
        models.open_model("other-2")
    store_cache.release()  # as if the process that opened them had ended
    folders["other-2"] = models.open_model("other-2")[0]
    assert [name for name, folder in folders.items() if folder.exists()] == ["other-1", "other-2"]


def test_hashes_found_on_first_use_are_those_of_the_store(registry, describe, s3_store, tmp_path):
    """Another machine, which has no lock file, is held to them."""
    package = registry.carry("free", {"free.bin": b"free"})
    describe("free", [package])
    text = Path(os.environ["MEDIAFLOW_CATALOGUE"]).read_text()
    free = models.catalogue()["free"].files[0].sha256
    Path(os.environ["MEDIAFLOW_CATALOGUE"]).write_text(text.replace(f'sha256 = "{free}"\n', ""))
    forget()
    with pytest.raises(ModelMissing, match=r"^Model 'free' has no SHA-256 yet, .*fetch free`\.$"):
        models.open_model("free")
    forget()
    assert [model.status for model in fill(choose(["free"], None))] == ["fetched"]
    (tmp_path / "cache" / ".staging" / "lock.json").unlink()
    forget()
    assert models.catalogue()["free"].files[0].sha256 == free
    assert models.open_model("free")[1].sha256 == models.catalogue()["free"].sha256
    assert [model.status for model in fill(choose(["free"], None))] == ["present"]


def test_what_the_catalogue_no_longer_names_is_removed_and_shared_content_stays(
    registry, describe, s3_store, monkeypatch, tmp_path
):
    describe("twin", [registry.carry("twin", {"twin.bin": WEIGHTS, "own.bin": b"own"})])
    fill(choose(["tagger", "twin"], None))
    assert compare(take_stock(s3_store)) == []
    text = Path(os.environ["MEDIAFLOW_CATALOGUE"]).read_text()
    Path(os.environ["MEDIAFLOW_CATALOGUE"]).write_text(text[: text.index('[[model]]\nid = "twin"')])
    forget()
    assert compare(take_stock(s3_store)) == [("twin", "not in the catalogue")]
    assert choose_removable(take_stock(s3_store), None) == ["twin"]
    remove_models(s3_store, ["twin"])
    assert len(objects()) == 2, "one content, one manifest"
    assert models.open_model("tagger")
    assert choose_removable(take_stock(s3_store), 0) == ["tagger"]


def test_a_folder_compared_with_an_s3_store(s3_store, tmp_path, monkeypatch):
    fill(choose([], None))
    near = tmp_path / "near"
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(near))
    fetch_models(choose([], None))
    assert compare(take_stock(near), take_stock(s3_store)) == []
    (near / "tagger" / "weights.bin").write_bytes(b"other")
    assert compare(take_stock(near), take_stock(s3_store)) == [
        ("tagger", "weights.bin differs from the other store")
    ]
