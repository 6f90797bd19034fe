"""The deployments of prefect.yaml and their pool on a Prefect server."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import DeploymentUpdate, WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.exceptions import ObjectNotFound
from prefect.workers.process import ProcessWorker

from containers.common.errors import UserError
from flows.operate.capacity import work_queues
from flows.operate.server import asking_server
from flows.runs.forms import for_people

ROOT = Path(__file__).parents[2]
POOL = "local"
MADE_BY_PREFECT = (None, "", "The work pool's default queue.")  # descriptions of queues that nobody has set


def declared() -> dict[str, dict[str, Any]]:
    """The deployments of prefect.yaml by name, without the AWS account's own."""
    content = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))
    return {entry["name"]: entry for entry in content["deployments"]}


def deploy(reset: list[str] | None = None, first: bool = False) -> list[str]:
    """Says what became of each. `first`: registers them only where none is, and says what has changed.

    Raises UserError when the server does not answer or refuses one.
    """
    wanted = declared()
    if unknown := set(reset or ()) - set(wanted):
        raise UserError(
            f"prefect.yaml has no deployment {', '.join(sorted(unknown))}, only {', '.join(wanted)}."
        )
    with asking_server() as client:
        made = [*_make_pool(client), *_make_queues(client)]
        there = {each.name: each for each in client.read_deployments(limit=200) if each.name in wanted}
        anew = [name for name in wanted if name not in there or name in (reset or ())]
        if first and there:
            return [*made, *_outdated(wanted, there)]
        for name in set(anew) & set(there):
            for schedule in there[name].schedules:  # else a paused one stays paused
                client.delete_deployment_schedule(there[name].id, schedule.id)
        if anew:
            _prefect_deploy(anew)
            for each in client.read_deployments(limit=200):
                if each.name in anew:
                    form = for_people(each.parameter_openapi_schema)
                    client.update_deployment(each.id, DeploymentUpdate(parameter_openapi_schema=form))
        kept = [name for name in there if name not in anew]
        for name in kept:
            _refresh(client, there[name], wanted[name])
    return [
        *made,
        *(f"{name}: as prefect.yaml says" for name in anew),
        *(f"{name}: up to date; its settings stay" for name in kept),
    ]


def make_pool() -> list[str]:
    """The pool of prefect.yaml and its queues, where they are absent. Raises UserError."""
    with asking_server() as client:
        return [*_make_pool(client), *_make_queues(client)] or [f"pool {POOL}: there"]


def _make_pool(client: SyncPrefectClient) -> list[str]:
    """Only where it is absent: its limit and job variables are people's."""
    try:
        client.read_work_pool(POOL)
    except ObjectNotFound:
        form = ProcessWorker.get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=form))
        return [f"pool {POOL}: made"]
    return []


def _make_queues(client: SyncPrefectClient) -> list[str]:
    """The same: a queue's limit is set where it is made, or where Prefect made it with pool or deployment."""
    there = {each.name: each for each in client.read_work_queues(work_pool_name=POOL)}
    said = []
    for queue in work_queues():
        settings = {"description": queue.about, "priority": queue.priority, "concurrency_limit": queue.limit}
        found = there.get(queue.name)
        if not found:
            client.create_work_queue(queue.name, work_pool_name=POOL, **settings)
        elif found.concurrency_limit is None and found.description in MADE_BY_PREFECT:
            client.update_work_queue(found.id, **settings)
        else:
            continue
        limit = "as many as there are" if queue.limit is None else f"{queue.limit} at once"
        said.append(f"queue {queue.name}: {queue.about}, {limit}")
    return said


def _outdated(wanted: dict[str, Any], there: dict[str, DeploymentResponse]) -> list[str]:
    current = version()
    new = [name for name in wanted if name not in there]
    old = [name for name, each in there.items() if each.version != current]
    said = [f"{', '.join(new)}: not registered"] if new else []
    said += [f"{', '.join(old)}: registered from another version than {current}"] if old else []
    return [f"{'; '.join(said)}. `make deploy` does it."] if said else []


def _prefect_deploy(names: list[str]) -> None:
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy"]
    for name in names:
        command += ["--name", name]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise UserError(f"prefect deploy failed: {said[-1] if said else done.returncode}")


def _refresh(client: SyncPrefectClient, there: DeploymentResponse, wanted: dict[str, Any]) -> None:
    from prefect.flows import load_flow_from_entrypoint
    from prefect.utilities.callables import parameter_schema

    form = parameter_schema(load_flow_from_entrypoint(wanted["entrypoint"]))
    client.update_deployment(
        there.id,
        DeploymentUpdate(
            entrypoint=wanted["entrypoint"],
            description=wanted["description"],
            version=version(),
            parameter_openapi_schema=for_people(form.model_dump_for_openapi()),
            pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
        ),
    )


def version() -> str:
    """Of this tree: tag or commit, and whether files differ from it; `unversioned` without git."""
    command = ["git", "describe", "--tags", "--always", "--dirty"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unversioned"
    return done.stdout.strip()
