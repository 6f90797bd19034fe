"""The main job from bucket to bucket: what comes out is what comes out on disk. S3 is moto's server."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deployments.aws.stub import EcsStub, local_functions
from tasks.asset.bucket import upload_folder
from tests.commands import run_module

TIMES = {"created", "seconds", "started", "load_seconds", "compute_seconds", "peak_memory", "costs", "kept"}

PART = ("--start", "2", "--end", "9")  # seconds: two shots, both voices


def run(module: str, *arguments: object, work: Path) -> subprocess.CompletedProcess[str]:
    return run_module(module, *arguments, MEDIAFLOW_WORK=str(work))


def read(bucket: Any, prefix: str) -> dict[str, bytes]:
    return {
        item.key.removeprefix(f"{prefix}/"): item.get()["Body"].read()
        for item in bucket.objects.filter(Prefix=f"{prefix}/")
    }


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_times(inner) for name, inner in value.items() if name not in TIMES}
    return [without_times(inner) for inner in value] if isinstance(value, list) else value


def comparable(files: dict[str, bytes]) -> dict[str, Any]:
    """The report and the manifest without times and URIs, anything else byte for byte.

    A medium that does not say when it was recorded is as old as its file or its object.
    """
    manifest = without_times(json.loads(files["manifest.json"]))
    del manifest["source"], manifest["media"]["recorded"]
    manifest["files"].pop("report.html")
    uri, time, kept = r'(?:file|s3):///?[^"\s<&]+', r"(?:\d+(?:\.\d+)?\s(?:s|min)\b\s?)+", r"(?<=>)kept(?=<)"
    report = re.sub(f"{uri}|{time}|{kept}", "", files["report.html"].decode())
    return files | {"manifest.json": manifest, "report.html": report}


@pytest.fixture(scope="module")
def on_disk(demo_video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of the same part, analysed by this machine's images."""
    folder = tmp_path_factory.mktemp("disk")
    done = run("flows.analyze", demo_video, "--output", folder / "out", *PART, work=folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "out"


@pytest.fixture
def runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Where the images run; for aws the stand-ins that run the project's handlers on this machine."""
    if request.param == "local":
        yield "local"
        return
    with EcsStub("media-") as ecs, local_functions("media-") as functions:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", functions.url)
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECS", ecs.url)
        monkeypatch.setenv("MEDIAFLOW_AWS", json.dumps({"work": "s3://media/runs", "prefix": "media-"}))
        yield "aws"


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["aws", pytest.param("local", marks=pytest.mark.soak)], indirect=True)
def test_from_bucket_to_bucket_as_from_disk_to_disk(
    bucket: Any, runtime: str, on_disk: Path, demo_video: Path, tmp_path: Path
) -> None:
    out = f"out-{runtime}"
    bucket.upload_file(str(demo_video), "in/demo.mp4")
    given = ["s3://media/in/demo.mp4", "--output", f"s3://media/{out}"]
    job = ["flows.analyze", *given, "--runtime", runtime, *PART]
    done = run(*job, work=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    folder = next(path.parent for path in on_disk.glob("*/manifest.json"))
    assert f"s3://media/{out}/{folder.name}/report.html" in done.stdout
    found = read(bucket, f"{out}/{folder.name}")
    local = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    expected = comparable(local)
    assert found.keys() == expected.keys()
    manifest = json.loads(found["manifest.json"])
    assert manifest["source"] == "s3://media/in/demo.mp4"
    recorded = datetime.fromisoformat(manifest["media"]["recorded"]["at"])
    assert recorded == bucket.Object("in/demo.mp4").last_modified
    for name, content in comparable(found).items():
        assert content == expected[name], name
    models = {path.name for path in (on_disk / "index").iterdir()}
    assert {name.split("/")[0] for name in read(bucket, f"{out}/index")} == models
    left = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert "report.html" not in left and "audio_48k.wav" not in left

    costs = json.loads(found["manifest.json"])["costs"]
    assert (costs is None) == (runtime == "local")
    if costs:
        called = {(cost["image"], cost["where"]) for cost in costs["calls"]}
        images = ("whisperx", "pyannote", "faceapi", "facenet", "deepfilternet", "audioset")
        assert called == {(image, "lambda") for image in images}
        assert 0 < costs["amount"] < 0.1
    assert not list(bucket.objects.filter(Prefix="runs/"))

    written = {item.key: item.last_modified for item in bucket.objects.filter(Prefix=f"{out}/")}
    again = run(*job, work=tmp_path / "2")
    assert (again.returncode, again.stderr) == (0, ""), "another machine, that has no finished stages"
    assert written == {item.key: item.last_modified for item in bucket.objects.filter(Prefix=f"{out}/")}


@pytest.mark.slow
def test_a_batch_of_a_prefix(bucket: Any, clip: Path, tmp_path: Path) -> None:
    bucket.upload_file(str(clip), "calls/2026/one.wav")
    bucket.put_object(Key="calls/notes.txt", Body=b"no media")
    done = run("flows.batch", "s3://media/calls/", "--output", "s3://media/heard", work=tmp_path)
    assert (done.returncode, done.stderr) == (0, "Left out: notes.txt (no media).\n")
    manifests = [json.loads(body) for name, body in read(bucket, "heard").items() if "manifest" in name]
    assert [manifest["media"]["name"] for manifest in manifests] == ["one.wav"]


@pytest.mark.parametrize(
    ("module", "media", "sentence"),
    [
        ("flows.batch", "s3://media/none/", "There is no media at s3://media/none/.\n"),
        ("flows.analyze", "s3://media/none.mp4", "s3://media/none.mp4 cannot be read: "),
    ],
)
def test_media_that_is_not_there_is_one_sentence(bucket, tmp_path, module, media, sentence):
    done = run(module, media, "--output", "s3://media/out", work=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


def test_readers_see_a_whole_folder_or_no_manifest(bucket: Any, tmp_path: Path, monkeypatch) -> None:
    """An upload that dies half-way leaves no manifest; what a new version lacks goes."""
    from containers.common import storage

    def version(name: str, *files: str) -> Path:
        for file in files:
            path = tmp_path / name / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        return tmp_path / name

    uri = "s3://media/whole"
    upload_folder(version("old", "a", "faces/1.jpg", "manifest.json"), uri, last="manifest.json")
    assert read(bucket, "whole") == dict.fromkeys(["a", "faces/1.jpg", "manifest.json"], b"old")

    upload = storage.upload

    def die_at_b(path: Path, target: str) -> None:
        assert "manifest.json" not in read(bucket, "whole")
        if target.endswith("/b"):
            raise storage.StorageError("dead")
        upload(path, target)

    monkeypatch.setattr(storage, "upload", die_at_b)
    new = version("new", "a", "b", "manifest.json")
    with pytest.raises(storage.StorageError):
        upload_folder(new, uri, last="manifest.json")
    assert "manifest.json" not in read(bucket, "whole")
    monkeypatch.undo()
    upload_folder(new, uri, last="manifest.json")
    assert read(bucket, "whole") == dict.fromkeys(["a", "b", "manifest.json"], b"new")
