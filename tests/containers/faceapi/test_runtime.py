"""The worker's life, its storage, and its request held against the Python contract."""

import json
import time

import pytest
from moto.server import ThreadedMotoServer

from containers.common import storage
from containers.faceapi.contract import DetectRequest


def test_node_and_python_agree_on_the_request(node):
    script = """
    import { z } from "zod";
    import { DetectRequest } from "./request.mjs";
    console.log(JSON.stringify(z.toJSONSchema(DetectRequest, { io: "input" })));
    """
    ours, theirs = json.loads(node(script)), DetectRequest.model_json_schema()
    assert ours["required"] == theirs["required"]
    assert ours["additionalProperties"] is theirs["additionalProperties"] is False
    assert ours["properties"].keys() == theirs["properties"].keys()
    for name, theirs_ in theirs["properties"].items():
        for rule in theirs_.keys() - {"title", "description", "anyOf"}:  # zod says "or null" another way
            assert ours["properties"][name].get(rule) == theirs_[rule], (name, rule)


def test_a_worker_ends_with_the_process_that_started_it(start_worker):
    worker = start_worker()
    assert worker.refuse({})[0] == "UserError"  # it is up
    worker.process.stdin.close()
    assert worker.process.wait(timeout=60) == 0


@pytest.mark.slow
def test_a_busy_worker_ends_at_once_too(start_worker, samples):
    worker = start_worker()
    worker.events.put(json.dumps({"images": samples * 1000}).encode())
    time.sleep(1)
    worker.process.stdin.close()
    assert worker.process.wait(timeout=60) == 0  # its pictures would take twenty minutes


def test_a_handler_that_cannot_be_loaded_is_an_init_error(start_worker):
    worker = start_worker(_HANDLER="nothing.handler")
    kind, body = worker.outcomes.get(timeout=30)
    assert kind == "init/error"
    assert "nothing.mjs" in body["errorMessage"]
    assert worker.process.wait(timeout=60) == 1


def test_a_defect_of_our_own_comes_with_its_stack(start_worker, samples, tmp_path):
    (tmp_path / "catalogue.toml").write_text("model = []")
    worker = start_worker(MEDIAFLOW_CATALOGUE=str(tmp_path / "catalogue.toml"))
    _, body = worker.invoke({"images": samples[:1]})
    assert body["errorType"] == "TypeError"
    assert any("models.mjs" in line for line in body["stackTrace"])


@pytest.mark.slow
def test_pictures_come_from_s3_and_results_go_there(start_worker, samples, monkeypatch):
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    storage._s3.cache_clear()
    storage._s3().create_bucket(Bucket="media")
    storage.write_bytes("s3://media/a photo.jpg", storage.read_bytes(samples[0]))

    worker = start_worker()
    answer = worker.detect("s3://media/a photo.jpg", result_uri="s3://media/out/faces.json")
    (picture,) = json.loads(storage.read_bytes(answer.result_uri))["images"]
    assert (picture["image"], len(picture["faces"])) == ("s3://media/a photo.jpg", 3)

    kind, sentence = worker.refuse({"images": ["s3://media/none.jpg"]})
    assert kind == "StorageError"
    assert sentence.startswith("s3://media/none.jpg cannot be read: ")
    server.stop()
    storage._s3.cache_clear()
