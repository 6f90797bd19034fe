"""A Lambda that throttles and fails, and a crowd of calls to it: `python -m benchmarks.throttling`.

A stand-in, since no AWS is at hand: it speaks Invoke, runs a handler of the project's `make_handler` that
sleeps instead of computing, and does at random what AWS does in bad hours: refuse (429), fail before the
handler (500), and lose the answer of a handler that ran (500). S3's conditional write is a dictionary here.
"""

import argparse
import json
import multiprocessing
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from containers.common import storage
from containers.common.contract import Contract, Request
from containers.common.runtime.handler import make_handler
from deployments.aws.functions import Functions
from deployments.aws.settings import AwsSettings
from deployments.local.server import Exchange, LocalServer

THROTTLED, FAILED = 0.30, 0.05


class Work(Request):
    number: int
    seconds: float


class Worked(Contract):
    number: int


class BadLambda:
    """What has happened so far. `served`: how often the handler did each number's work."""

    def __init__(self, limit: int, seed: int) -> None:
        self.served: Counter[int] = Counter()
        self.told: Counter[str] = Counter()
        self.most_at_once = self.at_once = 0
        self.limit = limit
        self.lock = threading.Lock()
        self.random = random.Random(seed)
        self.answers: dict[str, bytes] = {}
        storage.read_tagged = lambda uri: (self.answers[uri], "tag") if uri in self.answers else None
        storage.replace_tagged = lambda uri, body, tag: bool(self.answers.setdefault(uri, body) is body)
        self.handler = make_handler("crowd", Work, self.serve)

    def serve(self, request: Work, stopwatch: Any) -> Worked:
        time.sleep(request.seconds)
        with self.lock:
            self.served[request.number] += 1
        return Worked(number=request.number)

    def invoke(self, payload: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            luck, lost = self.random.random(), self.random.random() < 0.5
            if self.at_once >= self.limit:
                luck = 0.0
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if luck < THROTTLED:
                return self.refuse(429, "TooManyRequestsException")
            if luck < THROTTLED + FAILED and not lost:
                return self.refuse(500, "ServiceException")
            answer = self.handler(payload, None)
            if luck < THROTTLED + FAILED:
                return self.refuse(500, "ServiceException (answer lost)")
            with self.lock:
                self.told["answered"] += 1
            return 200, answer
        finally:
            with self.lock:
                self.at_once -= 1

    def refuse(self, status: int, kind: str) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.told[kind] += 1
        return status, {"Type": "Service", "Message": "Rate exceeded"}


class _Exchange(Exchange):
    def do_POST(self) -> None:
        body, _ = self.read_body(1 << 20)
        status, answer = self.server.owner.invoke(json.loads(body))
        kind = "TooManyRequestsException" if status == 429 else "ServiceException"
        self.reply_json(status, answer, {"X-Amzn-ErrorType": kind} if status != 200 else None)

    def do_GET(self) -> None:
        """What has happened, for whoever started it."""
        bad: BadLambda = self.server.owner
        with bad.lock:
            told = {"served": list(bad.served.items()), "told": bad.told, "most_at_once": bad.most_at_once}
        self.reply_json(200, told)


def _serve(port: Any, limit: int, seed: int) -> None:
    import logging

    logging.disable()  # a line an answer is of no use here
    server = LocalServer(_Exchange, BadLambda(limit, seed))
    port.send(server.port)
    threading.Event().wait()


@contextmanager
def bad_lambda(limit: int, seed: int) -> Iterator[str]:
    """The address of one in a process of its own."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, limit, seed), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def measure(calls: int, limit: int, seconds: float, seed: int = 0) -> dict[str, Any]:
    """`calls` at once, `limit` of them under way, each `seconds` long: what came of it."""
    import httpx

    settings = AwsSettings(work="s3://none/none", concurrency={"crowd": limit})
    with bad_lambda(limit, seed) as url:
        config = Config(retries={"total_max_attempts": 1}, max_pool_connections=limit)
        session = boto3.Session("local", "local", region_name="local")
        functions = Functions(session.client("lambda", endpoint_url=url, config=config), settings)

        def call(number: int) -> int:
            payload = {"number": number, "seconds": seconds, "answer_uri": f"s3://answers/{number}"}
            return functions.call("crowd", payload).answer["result"]["number"]

        with ThreadPoolExecutor(calls) as crowd:
            started = time.monotonic()
            answers = list(crowd.map(call, range(calls)))
            took = time.monotonic() - started
        seen = httpx.get(url, trust_env=False).json()
    ideal = calls * seconds / limit
    return {
        "calls": calls,
        "limit": limit,
        "finished": len(set(answers)),
        "served twice": sum(times > 1 for _, times in seen["served"]),
        "served": len(seen["served"]),
        "most at once": seen["most_at_once"],
        "ideal s": round(ideal, 2),
        "took s": round(took, 2),
        "ratio": round(took / ideal, 3),
        **seen["told"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.throttling", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000)
    parser.add_argument("--limit", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    for name, value in measure(**vars(parser.parse_args())).items():
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    main()
