"""Deploying: with Prefect's own command too; what people set in the UI stays."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.operate.capacity import work_queues
from flows.server.ask import asking
from flows.server.local import temporary_server, wait_for_server
from flows.service.registration import declared
from tests.flows.serving import ROOT, Server, serving

pytestmark = pytest.mark.slow
FIELDS = ("paused", "parameters", "tags", "job_variables", "work_queue_name", "concurrency_limit")


def settings(server: Server) -> dict[str, Any]:
    """What people set: of the pool and of every deployment."""
    pool = server.call("GET", "/work_pools/local")
    found: dict[str, Any] = {
        "pool": {name: pool[name] for name in ("concurrency_limit", "base_job_template")}
    }
    for each in server.call("POST", "/deployments/filter"):
        limit = each["global_concurrency_limit"]
        found[each["name"]] = {
            **{name: each[name] for name in FIELDS},
            "limit": limit and limit["limit"],
            "schedules": sorted(
                (entry["schedule"]["cron"], entry["active"], entry["parameters"])
                for entry in each["schedules"]
            ),
        }
    return found


def deploy(server: Server, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "flows.deploy", *arguments],
        cwd=ROOT,
        env={**os.environ, **server.variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def change_everything(server: Server) -> None:
    """As an operator does on the pages of the UI."""
    reindex, quality, batch = (server.deployment(name) for name in ("reindex", "quality", "batch"))
    (nightly,) = reindex["schedules"]
    path = f"/deployments/{reindex['id']}/schedules"
    server.call("PATCH", f"{path}/{nightly['id']}", active=False, schedule={"cron": "0 6 * * *"})
    server.call(
        "PATCH", f"/deployments/{reindex['id']}", parameters={"output": "/srv/out"}, concurrency_limit=3
    )
    noon = [{"schedule": {"cron": "0 12 * * *"}, "active": True}]  # made in the UI: without a slug
    server.send("POST", f"/deployments/{quality['id']}/schedules", noon)
    server.call("PATCH", f"/deployments/{batch['id']}", paused=True, tags=["night"])
    server.call("PATCH", f"/deployments/{batch['id']}", job_variables={"env": {"HOUSE": "north"}})
    server.call("PATCH", "/work_pools/local", concurrency_limit=2)


def test_prefect_s_own_command_deploys_everything_where_the_pool_was_made(
    tmp_path: Path, own_images: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a server that has nothing yet, with the one command that prefect.yaml says."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    found = re.search(r"`python (-m flows\.deploy --pool)`", (ROOT / "prefect.yaml").read_text())
    assert found
    commands = [found[1].split(), ["-m", "prefect", "--no-prompt", "deploy", "--all"]]
    with temporary_server() as process:
        wait_for_server(process)
        for command in commands:
            done = subprocess.run(
                [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
            )
            assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
        with asking(os.environ["PREFECT_API_URL"], os.environ["PREFECT_API_AUTH_STRING"]) as client:
            deployments = client.post("/deployments/filter", json={}).json()
            queues = client.post("/work_pools/local/queues/filter", json={}).json()
    assert {each["name"] for each in deployments} == set(declared())
    assert {each["work_pool_name"] for each in deployments} == {"local"}
    expected = {queue.name: (queue.limit, queue.priority) for queue in work_queues()}
    assert {each["name"]: (each["concurrency_limit"], each["priority"]) for each in queues} == expected


def test_settings_of_people_outlive_serve_and_deploy(tmp_path):
    with serving(tmp_path) as (server, _):
        first = settings(server)
        change_everything(server)
        changed = settings(server)
        assert {name for name in first if first[name] != changed[name]} == {
            "pool",
            "reindex",
            "quality",
            "batch",
        }
        version = server.deployment("analyze")["version"]
        server.call("PATCH", f"/deployments/{server.deployment('analyze')['id']}", version="of old")
    with serving(tmp_path) as (server, _):
        assert settings(server) == changed
        assert "analyze: registered from another version than " in (tmp_path / "serve.log").read_text()
        said = deploy(server)
        assert settings(server) == changed
        assert "reindex: up to date; its settings stay" in said
        assert server.deployment("analyze")["version"] == version
        assert "reindex: as prefect.yaml says" in deploy(server, "--reset", "reindex")
        assert settings(server)["reindex"] == first["reindex"]
