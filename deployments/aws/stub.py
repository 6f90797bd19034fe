"""ECS as far as the project uses it, on this machine: for tests, since moto's tasks run nothing.

It is a stand-in and no emulator: RunTask starts the image's job (`containers.common.runtime.job`, for Node
`job.mjs`) as a process of this machine with the task's variables; the other operations see that process.
Networks, roles, images and sizes are not looked at. Lambda's stand-in is `deployments.local.LocalEndpoint`,
made by `local_functions` to answer to the functions' names.
"""

import json
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from containers.common.image import CONTAINERS, Image
from containers.common.image import image as image_settings
from deployments.local import LocalEndpoint
from deployments.local.environment import worker_environment
from deployments.local.server import Exchange, LocalServer
from deployments.local.worker import node

ROOT = CONTAINERS.parent


def local_functions(prefix: str, **options: Any) -> LocalEndpoint:
    """A local endpoint that knows the images as Lambda functions: by prefix and name."""

    def find(name: str) -> Image:
        if not name.startswith(prefix):
            raise LookupError(name)
        return image_settings(name.removeprefix(prefix))

    return LocalEndpoint(find, **options)


@dataclass
class StubTask:
    """One process and what ECS would say of it."""

    arn: str
    run: str
    image: str
    process: subprocess.Popen[bytes]
    created: float = field(default_factory=time.time)
    stopped: float | None = None
    reason: str = "Essential container in task exited"

    def describe(self) -> dict[str, Any]:
        ended = self.process.poll()
        if ended is not None and self.stopped is None:
            self.stopped = time.time()
        told: dict[str, Any] = {
            "taskArn": self.arn,
            "startedBy": self.run,
            "lastStatus": "RUNNING" if ended is None else "STOPPED",
            "createdAt": self.created,
            "pullStartedAt": self.created,
            "containers": [{"name": self.image, "exitCode": ended or 0}],
        }
        if self.stopped is not None:
            told |= {"stoppedAt": self.stopped, "stopCode": "EssentialContainerExited"}
            told["stoppedReason"] = self.reason
        return told


class EcsStub:
    """A context manager: inside it `url` answers. `refuse` may give a reason not to start a task."""

    def __init__(self, prefix: str, refuse: Callable[[], str | None] = lambda: None) -> None:
        self.prefix = prefix
        self.refuse = refuse
        self.tasks: dict[str, StubTask] = {}
        self._tokens: dict[str, str] = {}
        self._scratch = tempfile.TemporaryDirectory(prefix="ecs-stub-")

    def __enter__(self) -> "EcsStub":
        self._server = LocalServer(_EcsExchange, self)
        return self

    def __exit__(self, *_: object) -> None:
        for task in self.tasks.values():
            task.process.kill()
            task.process.wait()
        self._server.close()
        self._scratch.cleanup()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.port}"

    def run_task(self, asked: dict[str, Any]) -> dict[str, Any]:
        if reason := self.refuse():
            return {"tasks": [], "failures": [{"arn": "cluster", "reason": reason}]}
        token = asked.get("clientToken") or uuid.uuid4().hex
        if token not in self._tokens:
            task = self._start(asked)
            self.tasks[task.arn] = task
            self._tokens[token] = task.arn
        return {"tasks": [self.tasks[self._tokens[token]].describe()], "failures": []}

    def describe_tasks(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"tasks": [self.tasks[arn].describe() for arn in asked["tasks"]], "failures": []}

    def list_tasks(self, asked: dict[str, Any]) -> dict[str, Any]:
        run = asked.get("startedBy")
        alive = [task for task in self.tasks.values() if task.process.poll() is None]
        return {"taskArns": [task.arn for task in alive if run in (None, task.run)]}

    def stop_task(self, asked: dict[str, Any]) -> dict[str, Any]:
        task = self.tasks[asked["task"]]
        task.process.terminate()
        task.reason = asked.get("reason", "")
        return {"task": task.describe()}

    def _start(self, asked: dict[str, Any]) -> StubTask:
        name = asked["taskDefinition"].removeprefix(self.prefix)
        settings = image_settings(name)
        (container,) = asked["overrides"]["containerOverrides"]
        variables = {item["name"]: item["value"] for item in container["environment"]}
        environment = worker_environment(settings, "none", ROOT, Path(self._scratch.name)) | variables
        if settings.runtime == "node":
            folder, command = CONTAINERS / name, [node(), "job.mjs"]
        else:
            folder, command = ROOT, [sys.executable, "-m", "containers.common.runtime.job"]
        with Path(self._scratch.name, f"{name}.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        arn = f"arn:aws:ecs:us-east-1:000000000000:task/stub/{uuid.uuid4().hex}"
        return StubTask(arn, asked.get("startedBy", ""), name, process)


class _EcsExchange(Exchange):
    """ECS's protocol: one path, the operation's name in a header, JSON both ways."""

    def do_POST(self) -> None:
        stub: EcsStub = self.server.owner
        body, _ = self.read_body(1 << 20)
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        operations = {
            "RunTask": stub.run_task,
            "DescribeTasks": stub.describe_tasks,
            "ListTasks": stub.list_tasks,
            "StopTask": stub.stop_task,
        }
        self.reply_json(200, operations[operation](json.loads(body)))
