"""Which results of earlier runs are taken."""

from datetime import UTC, datetime, timedelta

import pytest
from prefect._internal.result_records import ResultRecord, ResultRecordMetadata
from prefect.serializers import JSONSerializer

from flows.analyze.board import Board
from flows.analyze.stages import Stages
from tasks.asset.folder import Asset
from tasks.stages.output import StageOutput


@pytest.fixture
def stages(tmp_path):
    asset = Asset.at(tmp_path, "0123456789abcdef")
    asset.results.mkdir(parents=True)
    return Stages(asset, {"tag": "tag-1"}, Board())


class Kept(StageOutput):
    uris: list[str] = []


def record(stages, *uris, expires=None):
    """As Prefect writes it."""
    path = stages._asset.results / "tag-1"
    expiration = expires and datetime.now(UTC) + expires
    about = ResultRecordMetadata(storage_key=str(path), serializer=JSONSerializer(), expiration=expiration)
    path.write_bytes(ResultRecord(result=Kept(uris=list(uris)), metadata=about).serialize())
    return path


def test_a_finished_stage_is_kept(stages):
    record(stages)
    assert stages.kept("tag")


def test_until_it_expires(stages):
    record(stages, expires=timedelta(hours=1))
    assert stages.kept("tag")
    path = record(stages, expires=timedelta(hours=-1))
    assert not stages.kept("tag")
    assert not path.exists()


def test_one_that_a_kill_cut_off_is_not(stages):
    path = record(stages)
    path.write_text(path.read_text()[:20])
    assert not stages.kept("tag")
    assert not path.exists()


def test_one_whose_files_are_gone_is_not(stages):
    sounds = stages._asset.cache / "sounds.npz"
    sounds.touch()
    record(stages, sounds.as_uri())
    assert stages.kept("tag")
    sounds.unlink()
    assert not stages.kept("tag")


def test_decoded_media_that_is_gone_does_not_matter(stages):
    record(stages, (stages._asset.media / "audio_16k.wav").as_uri())
    assert stages.kept("tag")
