"""Finished stages in a Prefect block: another machine goes on where one was killed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from prefect.filesystems import LocalFileSystem
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect_aws import AwsCredentials, S3Bucket

from containers.common.errors import StorageError, UserError
from flows.analyze.shared import SharedResults, load_block
from tasks.asset.folder import Asset
from tasks.asset.portable import located
from tests.flows.serving import ROOT, Server

KEY = "denoise-1"


def on_machine(name: str, block: Any, tmp_path: Path) -> SharedResults:
    asset = Asset.at(tmp_path / name, "0123456789abcdef")
    asset.results.mkdir(parents=True)
    return SharedResults(block, asset)


def cache_of(shared: SharedResults) -> Path:
    return shared._asset.cache


@pytest.fixture(params=["folder", "bucket"])
def block(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "folder":
        return LocalFileSystem(basepath=str(tmp_path / "shared"))
    request.getfixturevalue("bucket")
    return S3Bucket(bucket_name="media", bucket_folder=tmp_path.name, credentials=AwsCredentials())


@pytest.fixture
def first(block: Any, tmp_path: Path) -> SharedResults:
    """A machine that has shared a stage whose result names a file."""
    shared = on_machine("first", block, tmp_path)
    noise = cache_of(shared) / "denoised" / KEY / "with space.json"
    noise.parent.mkdir(parents=True)
    noise.write_text("quiet")
    media = cache_of(shared) / "media" / "audio.wav"
    record = {"metadata": {"expiration": None}, "result": json.dumps([noise.as_uri(), media.as_uri()])}
    (cache_of(shared) / "results" / KEY).write_text(json.dumps(record))
    shared.put(KEY)
    return shared


def test_another_machine_gets_the_record_and_its_files(first, block, tmp_path):
    second = on_machine("second", block, tmp_path)
    assert second.get(KEY)
    cache = cache_of(second)
    assert (cache / "denoised" / KEY / "with space.json").read_text() == "quiet"
    record = json.loads(located((cache / "results" / KEY).read_text(), cache))
    assert json.loads(record["result"])[0] == (cache / "denoised" / KEY / "with space.json").as_uri()
    assert not (cache / "media").exists(), "decoded media is not shared"


def test_what_nobody_shared_is_not_there(first, block, tmp_path):
    assert not on_machine("second", block, tmp_path).get("tag-1")


def test_a_file_that_is_not_the_shared_one_makes_the_stage_missing(first, block, tmp_path):
    block.write_path(f"0123456789abcdef/denoised/{KEY}/with%20space.json", content=b"loud")
    second = on_machine("second", block, tmp_path)
    assert not second.get(KEY)
    assert not (cache_of(second) / "results" / KEY).exists()


def test_no_record_reaches_outside_the_cache(first, block, tmp_path):
    name = f"0123456789abcdef/{KEY}.json"
    shared = json.loads(block.read_path(name))
    shared["files"] = {"../../evil": next(iter(shared["files"].values()))}
    block.write_path(name, content=json.dumps(shared).encode())
    second = on_machine("second", block, tmp_path)
    with pytest.raises(StorageError, match="is not inside"):
        second.get(KEY)
    assert not (cache_of(second) / "results" / KEY).exists()


def test_a_damaged_record_is_one_sentence(first, block, tmp_path):
    block.write_path(f"0123456789abcdef/{KEY}.json", content=b'{"record": ')
    with pytest.raises(StorageError, match="are damaged"):
        on_machine("second", block, tmp_path).get(KEY)


def test_a_bucket_that_is_not_there_is_one_sentence(bucket, tmp_path):
    shared = on_machine("first", S3Bucket(bucket_name="none", credentials=AwsCredentials()), tmp_path)
    (cache_of(shared) / "results" / KEY).write_text("{}")
    with pytest.raises(StorageError, match=r"^Results cannot be shared: .*NoSuchBucket"):
        shared.put(KEY)


@pytest.mark.slow
def test_another_machine_goes_on_where_one_was_killed(
    server: Server, bucket: Any, clip: Path, tmp_path: Path
) -> None:
    with temporary_settings({PREFECT_API_URL: f"{server.url}/api", PREFECT_API_AUTH_STRING: server.secret}):
        block = S3Bucket(bucket_name="media", bucket_folder="stages", credentials=AwsCredentials())
        block.save("results")
        AwsCredentials().save("no-files")
        with pytest.raises(UserError, match="keeps no files"):
            load_block("aws-credentials/no-files")
        with pytest.raises(UserError, match="There is no Prefect block s3-bucket/none"):
            load_block("s3-bucket/none")

    def shared() -> dict[str, str]:
        found = (item for item in bucket.objects.filter(Prefix="stages/") if item.key.endswith(".json"))
        return {item.key.rpartition("/")[2].partition("-")[0]: item.e_tag for item in found}

    def start(machine: str, *options: str) -> "subprocess.Popen[str]":
        command = ["-m", "flows.analyze", str(clip), "--output", "s3://media/out", "--only", "diarize,tag"]
        environment = {
            **os.environ,
            **server.variables,
            "MEDIAFLOW_WORK": str(tmp_path / machine),
            "MEDIAFLOW_RESULTS_BLOCK": "s3-bucket/results",
        }
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, *command, *options],
            cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=True,
        )  # fmt: skip

    killed = start("first")
    deadline = time.monotonic() + 300
    while "tag" not in shared() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    before = shared()
    before.pop("decode")  # done again, since its files are large and not shared
    assert "tag" in before

    second = start("second")
    printed, complaints = second.communicate(timeout=300)
    assert (second.returncode, complaints) == (0, "")
    assert "kept from an earlier run" in printed
    (manifest,) = [item for item in bucket.objects.filter(Prefix="out/") if "manifest.json" in item.key]
    stages = json.loads(manifest.get()["Body"].read())["stages"]
    assert {stage["name"] for stage in stages if stage["kept"]} == set(before)
    after = shared()
    assert {"decode", "tag", "diarize"} <= set(after)
    assert {name: after[name] for name in before} == before, "done again"

    third = start("third", "--force", "--only", "tag")
    printed, complaints = third.communicate(timeout=300)
    assert (third.returncode, complaints) == (0, "")
    assert "kept from an earlier run" not in printed
