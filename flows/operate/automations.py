"""Automations of the server: who is told of failed and late runs, and what becomes of runs that vanished."""

from datetime import timedelta
from typing import Any

from prefect.blocks.webhook import Webhook
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import StateType
from prefect.events import EventTrigger, Posture
from prefect.events.actions import CallWebhook, ChangeFlowRunState, RunDeployment
from prefect.events.schemas.automations import AutomationCore

from containers.common.errors import UserError
from flows.settings.fields import Settings

PREFIX = "mediaflow: "
WEBHOOK = "mediaflow"  # the block that holds the URL, as a secret
NOTIFY = "notify"  # the deployment that publishes to SNS
QUEUEING = ("arrivals",)  # deployments whose runs may wait long for their turn
SILENCE = timedelta(seconds=100)  # three heartbeats of `make serve`
ENDS = {f"prefect.flow-run.{name}" for name in ("Completed", "Failed", "Incomplete", "Crashed", "Cancelled")}
BAD = {f"prefect.flow-run.{name}" for name in ("Failed", "Incomplete", "Crashed", "TimedOut")}
LATE = {"prefect.flow-run.Late"}
RUNS = {"prefect.resource.id": "prefect.flow-run.*"}
EACH = {"prefect.resource.id"}
SUBJECT = "{{ flow_run.name }} ({{ flow.name }}) is {{ flow_run.state.name }}"
# Prefect's filter `ui_url` is known to a server only once it has read the template of a web hook.
PAGE = "/runs/flow-run/{{ flow_run.id }}"
BODY = "{{ flow_run.state.message }} "
PAYLOAD = (
    '{"run": {{ flow_run.name|tojson }}, "flow": {{ flow.name|tojson }},'
    ' "state": {{ flow_run.state.name|tojson }}, "message": {{ flow_run.state.message|tojson }},'
    ' "url": "'
)
TOLD_OF_FAILED = f"{PREFIX}tell of failed runs"


def install_automations(client: SyncPrefectClient, settings: Settings) -> list[str]:
    """Replaces those of an earlier installation. Raises UserError when a deployment it needs is missing."""
    remove_automations(client)
    made = [_crash_of_vanished()]
    if not _deployments(client):
        raise UserError("The server has no deployments to watch over; `make deploy` registers them.")
    actions: list[Any] = []
    page = str(client.api_url).rstrip("/").removesuffix("/api") + PAGE
    if settings.webhook:
        url = settings.webhook.get_secret_value()
        block = Webhook(url=url).save(WEBHOOK, overwrite=True)  # pyright: ignore[reportArgumentType, reportCallIssue]
        actions.append(CallWebhook(block_document_id=block, payload=f'{PAYLOAD}{page}"}}'))  # pyright: ignore[reportArgumentType]
    if settings.topic:
        told = {"subject": _template(SUBJECT), "message": _template(BODY + page), "topic": settings.topic}
        notify = _deployments(client).get(NOTIFY)
        if notify is None:
            raise UserError(f"The server has no deployment {NOTIFY}; `make deploy` registers it.")
        tell: Any = {"source": "selected", "deployment_id": notify, "parameters": told}
        actions.append(RunDeployment(**tell))
    if actions:
        made += [
            AutomationCore(
                name=f"{PREFIX}tell of {what} runs",
                description="Runs of deployments, not the files inside a batch.",
                trigger=EventTrigger(
                    expect=events,
                    match=RUNS,  # pyright: ignore[reportArgumentType]
                    match_related=_from_deployments(client, unheard),  # pyright: ignore[reportArgumentType]
                    for_each=EACH,
                    posture=Posture.Reactive,
                    threshold=1,
                ),
                actions=actions,
            )
            for what, events, unheard in (("failed", BAD, {NOTIFY}), ("late", LATE, {NOTIFY, *QUEUEING}))
        ]
    for automation in made:
        client.create_automation(automation)
    return [f"automation {automation.name}" for automation in made]


def remove_automations(client: SyncPrefectClient) -> list[str]:
    there = client.request("POST", "/automations/filter", json={}).json()
    ours = [entry for entry in there if entry["name"].startswith(PREFIX)]
    for entry in ours:
        client.delete_automation(entry["id"])
    return [f"automation {entry['name']}: removed" for entry in ours]


def _crash_of_vanished() -> AutomationCore:
    """A run whose process and worker were both killed says nothing any more: it counts as crashed.

    See "Detect zombie flow runs" in Prefect's documentation.
    """
    heartbeat = "prefect.flow-run.heartbeat"
    crashed: Any = ChangeFlowRunState(
        name="Crashed", state=StateType.CRASHED, message="Its process has gone without a word.", force=False
    )
    return AutomationCore(
        name=f"{PREFIX}runs that vanished have crashed",
        trigger=EventTrigger(
            after={heartbeat},
            expect={heartbeat, *ENDS},
            match=RUNS,  # pyright: ignore[reportArgumentType]
            for_each=EACH,
            posture=Posture.Proactive,
            threshold=1,
            within=SILENCE,
        ),
        actions=[crashed],
    )


def _from_deployments(client: SyncPrefectClient, unheard: set[str]) -> dict[str, Any]:
    """Not `notify` itself: a topic that cannot be reached would be told of without end."""
    names = [name for name in _deployments(client) if name not in unheard]
    return {"prefect.resource.role": "deployment", "prefect.resource.name": names}


def _deployments(client: SyncPrefectClient) -> dict[str, Any]:
    return {each.name: each.id for each in client.read_deployments(limit=200)}


def _template(text: str) -> dict[str, str]:
    return {"__prefect_kind": "jinja", "template": text}
