"""Every image reads its models from an S3 store: the results are those with a folder."""

import json

import pytest

from containers.common.models import store as models
from containers.model_downloader.fetch import choose
from containers.model_downloader.publish import publish
from tests.commands import run_module
from tests.containers.model_downloader.s3 import serving


@pytest.mark.slow
def test_models_from_s3_give_the_results_of_a_folder(demo, demo_video, tmp_path):
    store = models.store_folder()
    with serving() as (environment, place):
        assert all(done.status == "fetched" for done in publish(choose([], "starter"), store, place))
        variables = environment | {
            "MEDIAFLOW_MODELS": place,
            "MEDIAFLOW_MODEL_CACHE": str(tmp_path / "cache"),
            "AWS_REGION": "us-east-1",
        }
        done = run_module("flows.analyze", demo_video, "--output", tmp_path / "out", **variables)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    (near,), (far,) = demo[0].glob("*/manifest.json"), (tmp_path / "out").glob("*/manifest.json")
    assert json.loads(far.read_text())["models"] == json.loads(near.read_text())["models"]
    for name in ("transcript.json", "diarization.json", "tags.json", "faces.json"):
        assert (far.parent / name).read_bytes() == (near.parent / name).read_bytes(), name
