"""The images called on AWS. S3 is moto's server; Lambda and ECS are stand-ins of this machine that really run
the project's handlers, since moto's Lambda echoes and its tasks run nothing (deployments/aws/stub.py)."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer

from containers.common import image as registry
from containers.common import storage
from containers.common.errors import StorageError
from deployments.aws.endpoint import AwsEndpoint
from deployments.aws.errors import CallFailed, FunctionFailed
from deployments.aws.functions import Functions
from deployments.aws.settings import AwsSettings
from deployments.aws.stub import EcsStub, local_functions
from deployments.aws.tasks import Tasks, stop_run
from tasks.outputs.embeddings import write_embeddings

SETTINGS = AwsSettings(work="s3://work/runs", prefix="test-", poll_s=0.1, subnets=["subnet-1"])


@pytest.fixture(scope="module", autouse=True)
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    variables = {
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        storage._s3.cache_clear()
        boto3.client("s3").create_bucket(Bucket="work")
        yield f"http://{host}:{port}"
    storage._s3.cache_clear()
    server.stop()


@pytest.fixture(scope="module")
def functions(s3: str) -> Iterator[Functions]:
    with local_functions("test-") as endpoint:
        yield Functions(boto3.client("lambda", endpoint_url=endpoint.url), SETTINGS)


@pytest.fixture
def ecs(s3: str) -> Iterator[EcsStub]:
    with EcsStub("test-") as stub:
        yield stub


@pytest.fixture
def on_ecs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every image says that it runs on ECS."""
    found = registry.image
    monkeypatch.setattr(
        "deployments.aws.endpoint.image_settings",
        lambda name: found(name).model_copy(update={"runs_on": "ecs"}),
    )


def endpoint(functions: Functions, ecs: EcsStub, run: str = "run-1") -> AwsEndpoint:
    return AwsEndpoint(functions, boto3.client("ecs", endpoint_url=ecs.url), SETTINGS, 30, run)


def objects() -> list[str]:
    found = boto3.client("s3").list_objects_v2(Bucket="work").get("Contents", [])
    return [item["Key"] for item in found]


@pytest.fixture
def index(tmp_path: Path) -> dict[str, object]:
    """A request to build an index on S3 from a file of this machine, by the light image of faiss."""
    vectors = np.random.default_rng(0).standard_normal((20, 8)).tolist()
    write_embeddings(
        tmp_path / "a.parquet", "a", [{"model": "m", "vector": v, "metadata": {}} for v in vectors]
    )
    assert pq.read_metadata(tmp_path / "a.parquet").num_rows == 20
    return {
        "action": "build",
        "index_uri": f"s3://work/index/{tmp_path.name}",
        "vectors": [(tmp_path / "a.parquet").as_uri()],
        "model": "m",
    }


@pytest.fixture(params=["lambda", "ecs"])
def where(request: pytest.FixtureRequest) -> str:
    if request.param == "ecs":
        request.getfixturevalue("on_ecs")
    return request.param


def test_files_go_there_and_results_come_back(functions, ecs, index, where):
    with endpoint(functions, ecs) as aws:
        answer = aws.call("faiss", index)
        assert answer["result"]["count"] == 20
        costs = aws.costs()
        assert [(cost.image, cost.where, cost.calls) for cost in costs.calls] == [("faiss", where, 1)]
        assert 0 < costs.amount < 0.01
        assert objects()
    assert [key for key in objects() if key.startswith("runs/")] == [], "a run leaves nothing behind"


def test_a_picture_travels_and_its_crops_land_beside(functions, ecs, where, tmp_path):
    """The Node image reads pictures from S3; the URIs in its answer are those of the request."""
    picture = registry.CONTAINERS / "faceapi/node_modules/@vladmandic/face-api/demo/sample1.jpg"
    with endpoint(functions, ecs) as aws:
        result_uri = (tmp_path / "faces.json").as_uri()
        answer = aws.call("faceapi", {"images": [picture.as_uri()], "result_uri": result_uri})
    assert answer["result"]["images"][0]["image"] == picture.as_uri()
    assert len(answer["result"]["images"][0]["faces"]) == 3
    assert answer["models"][0]["id"] == "faceapi"


def test_a_users_mistake_keeps_its_sentence(functions, ecs, where):
    with endpoint(functions, ecs) as aws, pytest.raises(FunctionFailed) as caught:
        aws.call("faiss", {"action": "search", "index_uri": "s3://work/none", "vectors": [[1.0]]})
    assert caught.value.kind == "UserError"
    assert caught.value.message.startswith("There is no index at s3://work/none")


def test_a_missing_file_is_told_before_anything_is_called(functions, ecs, tmp_path):
    with endpoint(functions, ecs) as aws, pytest.raises(StorageError, match="There is no file at"):
        aws.call("faiss", {"vectors": [(tmp_path / "none.parquet").as_uri()]})


def test_a_repeated_request_has_its_effect_once(functions, ecs, index):
    """As after an answer that was lost: the same payload again, the same answer, no second version."""
    payload = {**index, "vectors": [], "answer_uri": "s3://work/answers/one.json"}
    storage.write_bytes("s3://work/in/a.parquet", storage.read_bytes(index["vectors"][0]))
    payload["vectors"] = ["s3://work/in/a.parquet"]
    answers = [functions.call("faiss", payload).answer for _ in range(2)]
    assert answers[0] == answers[1]
    pointer = json.loads(storage.read_bytes(f"{index['index_uri']}/current"))
    assert pointer["version"] == answers[0]["result"]["version"] == "v000001"


def test_ecs_that_has_no_room_is_asked_again(functions, s3, on_ecs, index):
    refusals = iter(["RESOURCE:MEMORY", None])
    with EcsStub("test-", lambda: next(refusals)) as stub, endpoint(functions, stub) as aws:
        assert aws.call("faiss", index)["result"]["count"] == 20


def test_a_cancelled_run_stops_its_tasks_and_no_others(ecs):
    """A hook in another process knows the run's id only."""
    client = boto3.client("ecs", endpoint_url=ecs.url)
    container = {"name": "faiss", "environment": []}
    for run in ("run-1", "run-1", "run-2"):
        overrides = {"containerOverrides": [container]}
        client.run_task(taskDefinition="test-faiss", startedBy=run, overrides=overrides)
    for task in ecs.tasks.values():
        task.process.send_signal(signal.SIGSTOP)  # none ends by itself before it is looked for
    assert stop_run(client, SETTINGS, "run-1") == 2
    for task in ecs.tasks.values():
        task.process.send_signal(signal.SIGCONT)
    ended = {task.run: task.process.wait(20) for task in ecs.tasks.values()}
    assert ended == {"run-1": -signal.SIGTERM, "run-2": 1}, "without a request a job fails by itself"


def test_an_interrupted_call_stops_its_task(functions, ecs, on_ecs, index, monkeypatch):
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("deployments.aws.tasks.time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt), endpoint(functions, ecs) as aws:
        aws.call("faiss", index)
    (task,) = ecs.tasks.values()
    assert task.process.wait(20) == -signal.SIGTERM


def test_the_calls_are_what_ecs_understands(s3, tmp_path):
    """Against moto: it checks the parameters and walks a task to its end, but runs nothing in it."""
    client = boto3.client("ecs", endpoint_url=s3)
    ec2 = boto3.client("ec2", endpoint_url=s3)
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.describe_security_groups()["SecurityGroups"][0]
    client.create_cluster(clusterName="media")
    client.register_task_definition(
        family="test-faiss",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="2048",
        memory="4096",
        containerDefinitions=[{"name": "faiss", "image": "faiss:1.0.0", "memory": 4096}],
    )
    settings = SETTINGS.model_copy(
        update={
            "cluster": "media",
            "subnets": [subnet["SubnetId"]],
            "security_groups": [group["GroupId"]],
        }
    )
    tasks = Tasks(client, settings, "run-3")
    with pytest.raises(CallFailed, match=r"^Image 'faiss' failed on ECS: "):
        tasks.call("faiss", "0" * 32, {"action": "search"}, f"s3://work/{tmp_path.name}")
    assert stop_run(client, settings, "run-3") == 1, "for moto a stopped task is still to be run"
    assert stop_run(client, settings, "run-4") == 0
    with pytest.raises(CallFailed, match=r"^ECS does not start image 'facenet': "):
        tasks.call("facenet", "1" * 32, {}, f"s3://work/{tmp_path.name}")
