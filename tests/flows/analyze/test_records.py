"""What lies in an output folder is data, never code, whoever wrote it there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from prefect import flow, task
from prefect._internal.result_records import ResultRecord, ResultRecordMetadata
from prefect.filesystems import LocalFileSystem
from prefect.serializers import JSONSerializer, PickleSerializer

from containers.common.errors import StorageError
from flows.analyze.board import Board
from flows.analyze.records import read_record, records_at
from flows.analyze.shared import SharedRecord, SharedResults
from flows.analyze.stages import Stages
from tasks.asset.folder import Asset
from tasks.asset.portable import HERE
from tasks.stages.output import StageOutput

KEY = "tag-1"


class Tagged(StageOutput):
    uri: str = ""


class Touch:
    """Unpickled, it makes a file: what an intruder would do is worse."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    made = Asset.at(tmp_path / "out", "0123456789abcdef")
    made.results.mkdir(parents=True)
    return made


def pickled(trap: Path) -> bytes:
    about = ResultRecordMetadata(storage_key=KEY, serializer=PickleSerializer())
    return ResultRecord(result=Touch(trap), metadata=about).serialize()


def written(output: object) -> bytes:
    about = ResultRecordMetadata(storage_key=KEY, serializer=JSONSerializer())
    return ResultRecord(result=output, metadata=about).serialize()


def changed(**metadata: object) -> str:
    record = json.loads(written(Tagged()))
    record["metadata"] |= metadata
    return json.dumps(record)


def holding(result: object) -> str:
    return json.dumps(json.loads(written(Tagged())) | {"result": json.dumps(result)})


KNOWN = f"{Tagged.__module__}.Tagged"
SERIALIZER = JSONSerializer().model_dump(mode="json")
HOSTILE = {
    "another serializer": changed(serializer=PickleSerializer().model_dump(mode="json")),
    "another decoder": changed(serializer=SERIALIZER | {"object_decoder": "os.system"}),
    "another library": changed(serializer=SERIALIZER | {"jsonlib": "subprocess"}),
    "compressed": changed(serializer={"type": "compressed", "serializer": {"type": "pickle"}}),
    "a block": changed(storage_block_id="00000000-0000-0000-0000-000000000001"),
    "a function": holding({"__class__": "subprocess.getoutput", "data": {"cmd": "touch x"}}),
    "an unknown class": holding({"__class__": "pathlib.Path", "data": "x"}),
    "a class within": holding({"__class__": KNOWN, "data": {"uri": {"__class__": "os.system", "data": "x"}}}),
    "an exception": holding({"__exc_type__": "builtins.SystemExit", "message": "x"}),
    "an exception within": holding({"__class__": KNOWN, "data": {"__exc_type__": "x", "message": "x"}}),
    "no class": holding({"uri": ""}),
    "a file of elsewhere": holding({"__class__": KNOWN, "data": {"uri": "file:///etc/passwd"}}),
    "more": json.dumps(json.loads(written(Tagged())) | {"more": 1}),
    "nothing": "null",
    "no JSON": "{",
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_only_what_we_write_is_read(kind: str, asset: Asset) -> None:
    with pytest.raises(StorageError, match="no record of a stage"):
        read_record(HOSTILE[kind], asset.cache)
    (asset.results / KEY).write_text(HOSTILE[kind])
    assert not Stages(asset, {"tag": KEY}, Board()).kept("tag")
    assert not (asset.results / KEY).exists()


def test_what_we_write_is_read(asset: Asset) -> None:
    content = written(Tagged(uri=(asset.cache / "tags.json").as_uri()))
    assert read_record(content, asset.cache) == json.loads(content)
    records = records_at(asset.results)
    records.write_path(KEY, content)
    assert json.loads(records.read_path(KEY)) == json.loads(content)


def test_a_record_goes_with_a_folder_that_is_moved(asset: Asset, tmp_path: Path) -> None:
    file = asset.cache / "tags.json"
    file.write_text("{}")
    records_at(asset.results).write_path(KEY, written(Tagged(uri=file.as_uri())))
    moved = Asset(output=asset.output.rename(tmp_path / "elsewhere now"), id=asset.id)
    assert Stages(moved, {"tag": KEY}, Board()).kept("tag")
    record = json.loads(records_at(moved.results).read_path(KEY))
    assert json.loads(record["result"])["data"]["uri"] == (moved.cache / "tags.json").as_uri()


def test_prefect_itself_obeys_a_record(asset: Asset, tmp_path: Path) -> None:
    """Why all this: reading it is enough."""
    ResultRecord.deserialize(pickled(tmp_path / "obeyed"))
    assert (tmp_path / "obeyed").exists()


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["lies there", "comes between look and read"])
def test_a_stage_is_done_anew_and_no_record_is_obeyed(
    late: bool, asset: Asset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "obeyed"
    (asset.results / KEY).write_bytes(pickled(trap))
    if late:
        monkeypatch.setattr(Stages, "kept", lambda *_: True)

    @task
    def tag() -> Tagged:
        return Tagged(uri="made anew")

    @flow
    def analysis() -> Tagged:
        stages = Stages(asset, {"tag": KEY}, Board())
        return stages.collect(stages.submit("tag", tag))

    from prefect.testing.utilities import prefect_test_harness  # the whole of Prefect's server

    with prefect_test_harness(server_startup_timeout=300):
        assert analysis().uri == "made anew"
        assert not trap.exists()
        assert read_record((asset.results / KEY).read_bytes(), asset.cache)
        monkeypatch.undo()
        assert analysis().uri == "made anew", "kept, and read again"


def test_a_block_s_record_is_looked_at_as_well(asset: Asset, tmp_path: Path) -> None:
    trap = tmp_path / "obeyed"
    block = LocalFileSystem(basepath=str(tmp_path / "shared"))
    shared = SharedRecord(record=pickled(trap).decode(), files={})
    block.write_path(f"{asset.id}/{KEY}.json", content=shared.model_dump_json().encode())
    assert not Stages(asset, {"tag": KEY}, Board(), shared=SharedResults(block, asset)).kept("tag")
    assert not trap.exists()
    outside = SharedRecord(record=written(Tagged(uri=f"{HERE}/../../../x")).decode(), files={})
    block.write_path(f"{asset.id}/{KEY}.json", content=outside.model_dump_json().encode())
    assert not Stages(asset, {"tag": KEY}, Board(), shared=SharedResults(block, asset)).kept("tag")


def test_a_process_that_has_run_no_stage_knows_the_records_of_all() -> None:
    """Stages load their tasks when they run, and records are looked at before that."""
    text = """
from flows.analyze.records import _known
from tasks.stages.registry import STAGES
known = _known()
outputs = (stage.output() for stage in STAGES.values())
print({f"{kind.__module__}.{kind.__qualname__}" for kind in outputs} - known)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
