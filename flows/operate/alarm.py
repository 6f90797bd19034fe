"""An alarm on trial: a run fails on purpose, and every channel has to have told of it."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.states import Failed, Scheduled

from containers.common.errors import UserError
from flows.operate.automations import NOTIFY, TOLD_OF_FAILED

PATIENCE = 180  # seconds; a worker has to start the run that tells the topic
ENDS = ("prefect.automation.action.executed", "prefect.automation.action.failed")
CHANNELS = {"call-webhook": "web hook", "run-deployment": "topic"}
MESSAGE = "Nothing has happened: this is a test of the alarms."


def ring(client: SyncPrefectClient) -> list[str]:
    """Lets a run fail, waits, and says which channels were told. Raises UserError that names the others.

    The run is deleted again.
    """
    there = client.request("POST", "/automations/filter", json={}).json()
    (automation,) = [each for each in there if each["name"] == TOLD_OF_FAILED] or [None]
    if automation is None:
        raise UserError(
            "Nobody is told of failed runs: set MEDIAFLOW_WEBHOOK or MEDIAFLOW_TOPIC, "
            "then `python -m flows.operate install`."
        )
    since = datetime.now(UTC)
    run = _fail(client)
    try:
        outcomes = _outcomes(client, automation, since)
    finally:
        client.delete_flow_run(run)
    if silent := [said for told, said in outcomes if not told]:
        raise UserError(" ".join(silent))
    return [said for _, said in outcomes]


def _fail(client: SyncPrefectClient) -> UUID:
    for deployment in client.read_deployments(limit=200):
        form = deployment.parameter_openapi_schema or {}
        if deployment.name != NOTIFY and not form.get("required"):
            break
    else:
        raise UserError("The server has no deployment whose run could fail; `make deploy` registers them.")
    later = Scheduled(scheduled_time=datetime.now(UTC) + timedelta(days=1))  # nothing starts it meanwhile
    run = client.create_flow_run_from_deployment(deployment.id, state=later, name="test of the alarms")
    client.set_flow_run_state(run.id, Failed(message=MESSAGE), force=True)
    return run.id


def _outcomes(client: SyncPrefectClient, automation: Any, since: datetime) -> list[tuple[bool, str]]:
    """For every action whether it told, and a sentence."""
    deadline = time.monotonic() + PATIENCE
    wanted = [action["type"] for action in automation["actions"]]
    ended: dict[int, tuple[bool, str]] = {}
    while len(ended) < len(wanted) and time.monotonic() < deadline:
        for event in _events(client, automation["id"], since):
            index = event["payload"]["action_index"]
            if index not in ended and (outcome := _outcome(client, CHANNELS[wanted[index]], event)):
                ended[index] = outcome
        time.sleep(1)
    late = f"was not told within {PATIENCE} s; is a worker running?"
    return [ended.get(index) or (False, f"The {CHANNELS[kind]} {late}") for index, kind in enumerate(wanted)]


def _events(client: SyncPrefectClient, automation: str, since: datetime) -> list[dict[str, Any]]:
    until = datetime.now(UTC) + timedelta(minutes=1)
    asked = {
        "occurred": {"since": since.isoformat(), "until": until.isoformat()},
        "event": {"name": list(ENDS)},
        "resource": {"id": [f"prefect.automation.{automation}"]},
    }
    return client.request("POST", "/events/filter", json={"filter": asked}).json()["events"]


def _outcome(client: SyncPrefectClient, channel: str, event: dict[str, Any]) -> tuple[bool, str] | None:
    """None while the run that tells the topic is under way."""
    if event["event"].endswith("failed"):
        return False, f"The {channel} was not told: {event['payload']['reason']}."
    for related in event["related"]:
        kind, _, run = related["prefect.resource.id"].rpartition(".")
        if channel == "topic" and kind == "prefect.flow-run":
            state = client.read_flow_run(UUID(run)).state
            if state is None or not state.is_final():
                return None
            if state.type != StateType.COMPLETED:
                return False, f"The topic was not told: {state.message}"
    return True, f"The {channel} was told."
