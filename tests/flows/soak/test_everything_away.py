"""For a minute nothing answers: the Prefect server, the queue, the bucket and the model store, all at once.

Once while an object arrives, once when it has been decoded and the models are wanted, once before its results
are put into the bucket, once in the middle of that, and once when the manifest, which comes last, has arrived
and nobody has said so. It is waited for, told, and gone on; nobody starts anything again. S3 and SQS are
moto's, behind a wire that is cut; Prefect's server is stopped.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
import soundfile

from containers.common.models import store as models
from containers.model_downloader.fetch import choose
from containers.model_downloader.publish import publish
from tests.containers.model_downloader.s3 import serving as s3
from tests.flows.serving import Server, serving
from tests.flows.soak.processes import MARK, Processes
from tests.flows.soak.wire import Wire
from tests.flows.watch.test_bucket_events import bridge, waiting

AWAY = 60  # seconds
PATIENCE = 900  # seconds for an analysis, on a machine that others use too
STAGES = {"models": "decode", "results": "check"}  # after the end of which stage
REQUESTS = {
    "upload": r"PUT /media/out/\S+/transcript\.json",
    "manifest": r"PUT /media/out/\S+/manifest\.json",
}
MOMENTS = ["arrives", *STAGES, *REQUESTS]


class Cloud:
    """What a watcher needs of AWS and Prefect, and the means to take it away."""

    def __init__(self, server: Server, wire: Wire, processes: Processes, work: Path, log: Path) -> None:
        self.server, self.wire, self._processes = server, wire, processes
        self.work, self.log = work, log

    def away(self, seconds: float) -> None:
        (server,) = self._processes.of("server")
        self.wire.cut()
        server.suspend()
        time.sleep(seconds)
        server.resume()
        self.wire.mend()

    def arrivals(self, media: str) -> list[dict[str, Any]]:
        wanted = {"flow_runs": {"name": {"any_": [media]}}}
        try:
            return self.server.call("POST", "/flow_runs/filter", **wanted)
        except httpx.HTTPError:
            return []


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    home, work = tmp_path_factory.mktemp("prefect"), tmp_path_factory.mktemp("work")
    processes = Processes(str(home))
    store = models.store_folder()
    with s3() as (environment, place), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", environment["AWS_ENDPOINT_URL_S3"])
        boto3.client("s3").create_bucket(Bucket="media")
        boto3.client("sqs").create_queue(QueueName="arrivals")
        assert all(each.status == "fetched" for each in publish(choose([], "starter"), store, place))
        wire = Wire("127.0.0.1", int(environment["AWS_ENDPOINT_URL_S3"].rpartition(":")[2]))
        away = f"http://127.0.0.1:{wire.port}"
        told = environment | {"AWS_ENDPOINT_URL": away, "AWS_ENDPOINT_URL_S3": away, MARK: str(home)}
        told |= {"MEDIAFLOW_MODELS": place, "MEDIAFLOW_WORK": str(work)}
        told |= {"PREFECT_WORKER_QUERY_SECONDS": "2", "AWS_REGION": "us-east-1"}
        cache = tmp_path_factory.mktemp("cache")
        with serving(home, **told, MEDIAFLOW_MODEL_CACHE=str(cache)) as (server, _):
            watching = server.start("watch", source="sqs:arrivals", output="s3://media/out")
            made = Cloud(server, wire, processes, work, home / "serve.log")
            until(lambda: server.call("GET", f"/flow_runs/{watching['id']}")["state_type"] == "RUNNING")
            yield made
            server.call(
                "POST", f"/flow_runs/{watching['id']}/set_state", state={"type": "CANCELLING"}, force=True
            )
            until(lambda: server.call("GET", f"/flow_runs/{watching['id']}")["state_type"] == "CANCELLED")
        wire.close()


def until(true: Callable[[], object], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.soak
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_minute_in_which_nothing_answers_costs_a_minute(
    cloud: Cloud, speech_wav: Path, tmp_path: Path, moment: str
) -> None:
    samples, rate = soundfile.read(speech_wav)
    start = 5 * MOMENTS.index(moment) * rate
    soundfile.write(tmp_path / "clip.wav", samples[start : start + 3 * rate], rate)
    name, bucket, sqs = f"{moment}.wav", boto3.resource("s3").Bucket("media"), boto3.client("sqs")
    queue = sqs.get_queue_url(QueueName="arrivals")["QueueUrl"]
    before = {item.key for item in bucket.objects.filter(Prefix="out/")}
    printed = len(cloud.log.read_text())
    bucket.upload_file(str(tmp_path / "clip.wav"), f"in/{name}")
    if moment == "arrives":
        boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=bridge(f"in/{name}", moment))
        cloud.away(AWAY)
    elif moment in REQUESTS:
        cloud.wire.cut_after(REQUESTS[moment])
        sqs.send_message(QueueUrl=queue, MessageBody=bridge(f"in/{name}", moment))
        until(cloud.wire.was_cut.is_set)
        cloud.away(AWAY)
    else:
        sqs.send_message(QueueUrl=queue, MessageBody=bridge(f"in/{name}", moment))
        until(lambda: f"'{name}' - {STAGES[moment]} done" in cloud.log.read_text()[printed:])
        cloud.away(AWAY)

    def ended() -> bool:
        return any(run["state_type"] in ("COMPLETED", "FAILED", "CRASHED") for run in cloud.arrivals(name))

    until(ended)
    (run,) = cloud.arrivals(name)
    said = cloud.log.read_text()[printed:]
    assert (run["state_name"], run["run_count"]) == ("Completed", 1), run["state"]["message"] + said[-3000:]
    new = {item.key for item in bucket.objects.filter(Prefix="out/")} - before
    assert len([key for key in new if key.endswith("/manifest.json")]) == 1
    assert not [key for key in new if key.endswith(".writing") or "/.running/" in key], "no lease is left"
    until(lambda: waiting(sqs, queue) == 0, 120)
    assert "Unexpected" not in said, said
    told = ("S3 does not answer", "Waiting until that is over", "Waiting for")
    assert any(sentence in said for sentence in told), said
