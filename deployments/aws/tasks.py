"""An image as an ECS task on Fargate: started, watched, stopped; its answer is read from storage.

The container is told of one request by MEDIAFLOW_REQUEST_URI and MEDIAFLOW_ANSWER_URI and then serves that
one (`containers.common.runtime.job`, for Node `job.mjs`) instead of waiting for Lambda's.
"""

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any

import botocore.exceptions as failures

from containers.common import storage
from deployments.aws.errors import CallFailed, FunctionFailed, Passing
from deployments.aws.functions import Done
from deployments.aws.repeat import repeat
from deployments.aws.settings import AwsSettings

REQUEST, ANSWER = "MEDIAFLOW_REQUEST_URI", "MEDIAFLOW_ANSWER_URI"
LEAST_BILLED = 60  # seconds
# What may go better with the next task (API reference of ECS: "stopCode" and failure reasons of RunTask).
PASSING_STOPS = {"TaskFailedToStart", "SpotInterruption", "TerminationNotice"}
PASSING_REASONS = ("RESOURCE:", "AGENT", "Capacity is unavailable")


class Tasks:
    """`run` names this run's tasks, so that they can be found and stopped from anywhere."""

    def __init__(self, client: Any, settings: AwsSettings, run: str) -> None:
        self._client = client
        self._settings = settings
        self._run = run
        self._running: set[str] = set()
        self._lock = threading.Lock()

    def call(self, image: str, request_id: str, payload: dict[str, Any], work: str) -> Done:
        """Blocks until the task has answered. Raises FunctionFailed and CallFailed, as Lambda's calls do."""
        request, answer = storage.join(work, "request.json"), storage.join(work, "task.json")
        storage.write_bytes(request, json.dumps(payload).encode())
        attempt = iter(range(100))

        def once() -> Done:
            # A repeated RunTask with the same token starts no second task.
            token = f"{request_id[:56]}-{next(attempt)}"
            return self._once(image, token, {REQUEST: request, ANSWER: answer}, answer)

        return repeat(once, f"Running image '{image}' on ECS", self._settings.patience_s)

    def stop_all(self) -> None:
        """Stops what this process has running."""
        with self._lock:
            running, self._running = self._running, set()
        for arn in running:
            self._stop(arn)

    def _once(self, image: str, token: str, variables: dict[str, str], answer: str) -> Done:
        arn = self._start(image, token, variables)
        with self._lock:
            self._running.add(arn)
        try:
            task = self._wait(arn)
        except BaseException:
            self._stop(arn)
            raise
        finally:
            with self._lock:
                self._running.discard(arn)
        return self._outcome(image, task, answer)

    def _start(self, image: str, token: str, variables: dict[str, str]) -> str:
        environment = [{"name": name, "value": value} for name, value in variables.items()]
        network = {
            "subnets": self._settings.subnets,
            "securityGroups": self._settings.security_groups,
            "assignPublicIp": "ENABLED" if self._settings.public_ip else "DISABLED",
        }
        try:
            started = self._client.run_task(
                cluster=self._settings.cluster,
                taskDefinition=self._settings.name(image),
                launchType="FARGATE",
                networkConfiguration={"awsvpcConfiguration": network},
                overrides={"containerOverrides": [{"name": image, "environment": environment}]},
                startedBy=self._run,
                clientToken=token,
            )
        except failures.ClientError as error:
            raise _refusal(image, error) from None
        if started["failures"]:
            reason = started["failures"][0].get("reason", "unknown")
            if reason.startswith(PASSING_REASONS):
                raise Passing(reason, throttled=True)
            raise CallFailed(f"ECS does not start image '{image}': {reason.rstrip('.')}.")
        return started["tasks"][0]["taskArn"]

    def _wait(self, arn: str) -> dict[str, Any]:
        born = time.monotonic()
        while True:
            found = self._client.describe_tasks(cluster=self._settings.cluster, tasks=[arn])["tasks"]
            if found and found[0]["lastStatus"] == "STOPPED":
                return found[0]
            if not found and time.monotonic() - born > self._settings.unseen_s:
                raise Passing(f"ECS lost sight of {arn}")
            time.sleep(self._settings.poll_s)

    def _outcome(self, image: str, task: dict[str, Any], answer: str) -> Done:
        """What the container left says more than how it ended: a task may be stopped after its answer."""
        found = storage.read_tagged(answer)
        if found is None:
            reason = task.get("stoppedReason") or "no answer was left"
            containers = [item.get("reason", "") for item in task.get("containers", [])]
            detail = " ".join([reason, *filter(None, containers)])
            if task.get("stopCode") in PASSING_STOPS:
                raise Passing(detail)
            raise CallFailed(f"Image '{image}' failed on ECS: {detail.rstrip('.')}.")
        content = json.loads(found[0])
        if "errorType" in content:
            log = f"CloudWatch's /ecs/{self._settings.name(image)}"
            raise FunctionFailed(content["errorType"], content.get("errorMessage", ""), log)
        return Done(content, billed_seconds(task))

    def _stop(self, arn: str) -> None:
        self._client.stop_task(cluster=self._settings.cluster, task=arn, reason="The run has ended.")


def stop_run(client: Any, settings: AwsSettings, run: str) -> int:
    """Stops every task that a run has started, from whatever process, and returns how many that were."""
    pages = client.get_paginator("list_tasks").paginate(
        cluster=settings.cluster, startedBy=run, desiredStatus="RUNNING"
    )
    arns = [arn for page in pages for arn in page["taskArns"]]
    for arn in arns:
        client.stop_task(cluster=settings.cluster, task=arn, reason="The run was cancelled.")
    return len(arns)


def billed_seconds(task: dict[str, Any]) -> float:
    """From the pull of the image to the end, a minute at least (Fargate's pricing page)."""
    started = task.get("pullStartedAt") or task.get("startedAt") or task.get("createdAt")
    stopped = task.get("stoppedAt") or datetime.now(UTC)
    return max(LEAST_BILLED, (stopped - started).total_seconds()) if started else LEAST_BILLED


def _refusal(image: str, error: failures.ClientError) -> Exception:
    code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
    if code in ("ThrottlingException", "ServerException", "LimitExceededException"):
        return Passing(message, throttled=code != "ServerException")
    return CallFailed(f"ECS does not start image '{image}': {message.rstrip('.')}.")
