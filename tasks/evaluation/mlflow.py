"""A run's figures for an MLflow tracking server, by its REST API: MLflow itself is not needed.

https://mlflow.org/docs/latest/api_reference/rest-api.html: experiments/get-by-name and create, runs/create,
log-batch (at most 1000 metrics and 100 parameters a call) and update; names of metrics may have letters,
digits, _ - . / and spaces, values of parameters 6000 characters. MLFLOW_TRACKING_TOKEN, or
MLFLOW_TRACKING_USERNAME and _PASSWORD, as MLflow reads them.
"""

import os
import re
from typing import Any

import httpx
import numpy as np

from containers.common.errors import UserError
from tasks.evaluation.run import FinishedRun

METRICS, PARAMETERS = 1000, 100  # a call
LONGEST = 6000  # characters of a parameter
TIMEOUT = 30.0  # seconds


def log_run(run: FinishedRun, server: str) -> str:
    """Writes the run into the experiment `mediaflow/<kind>/<data set>` and returns its MLflow id.

    Raises UserError with one sentence when the server cannot be reached or refuses; no secret is in it.
    """
    record = run.record
    created = int(record.created.timestamp() * 1000)
    with httpx.Client(base_url=server.rstrip("/"), timeout=TIMEOUT, auth=_auth(), headers=_token()) as client:
        experiment = _experiment(client, f"mediaflow/{record.kind}/{record.dataset}")
        tags = {
            "mlflow.runName": record.id,
            "mediaflow.digest": record.digest,
            "mediaflow.folder": str(run.folder),
        }
        asked = {
            "experiment_id": experiment,
            "run_name": record.id,
            "start_time": created,
            "tags": _pairs(tags),
        }
        made = _call(client, "runs/create", asked)
        number = str(made["run"]["info"]["run_id"])
        parameters = {"model": record.model, "dataset": record.dataset}
        parameters |= {f"option.{name}": str(value) for name, value in record.options.items()}
        parameters |= {f"weights.{model.id}": f"{model.revision} {model.sha256}" for model in record.models}
        pairs = [{"key": name_of(key), "value": value[:LONGEST]} for key, value in parameters.items()]
        for first in range(0, len(pairs), PARAMETERS):
            _call(client, "runs/log-batch", {"run_id": number, "params": pairs[first : first + PARAMETERS]})
        metrics = metrics_of(run)
        for first in range(0, len(metrics), METRICS):
            _call(client, "runs/log-batch", {"run_id": number, "metrics": metrics[first : first + METRICS]})
        _call(client, "runs/update", {"run_id": number, "status": "FINISHED", "end_time": created})
    return number


def metrics_of(run: FinishedRun) -> list[dict[str, Any]]:
    """Every figure with the ends of its interval: `wer`, `wer.low`, `wer.high`, `phone/wer` of a group."""
    created = int(run.record.created.timestamp() * 1000)
    found = []
    for row in run.figures.to_dict("records"):
        before = "" if row["group"] == "all" else f"{row['group']}/"
        for suffix, column in (("", "value"), (".low", "low"), (".high", "high")):
            if np.isfinite(row[column]):
                key = name_of(f"{before}{row['measure']}{suffix}")
                found.append({"key": key, "value": float(row[column]), "timestamp": created, "step": 0})
    return found


def name_of(text: str) -> str:
    """As MLflow takes names; it refuses `..`, a leading slash and names over 250 characters."""
    safe = re.sub(r"[^\w./ -]|[^\x00-\x7f]", "_", text)
    return re.sub(r"\.{2,}", ".", safe).strip("/ .")[:250] or "_"


def _experiment(client: httpx.Client, name: str) -> str:
    found = _send(client, "GET", "experiments/get-by-name", {"experiment_name": name})
    if found.status_code == httpx.codes.NOT_FOUND:
        return str(_call(client, "experiments/create", {"name": name})["experiment_id"])
    return str(_answer(found)["experiment"]["experiment_id"])


def _call(client: httpx.Client, what: str, content: dict[str, Any]) -> dict[str, Any]:
    return _answer(_send(client, "POST", what, content))


def _send(client: httpx.Client, method: str, what: str, content: dict[str, Any]) -> httpx.Response:
    given: dict[str, Any] = {"params": content} if method == "GET" else {"json": content}
    try:
        return client.request(method, f"/api/2.0/mlflow/{what}", **given)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        host = client.base_url.host or "(no host)"
        raise UserError(f"The MLflow server {host} cannot be reached: {type(error).__name__}.") from None


def _answer(response: httpx.Response) -> dict[str, Any]:
    try:
        content = response.json()
    except ValueError:
        content = None
    if response.is_success and isinstance(content, dict):
        return content
    reason = content.get("error_code") if isinstance(content, dict) else None
    told = f"{response.status_code}{f' {reason}' if reason else ''}"
    raise UserError(f"The MLflow server {response.url.host} refused: {told}.")


def _pairs(given: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in given.items()]


def _auth() -> httpx.BasicAuth | None:
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    return httpx.BasicAuth(user, os.environ.get("MLFLOW_TRACKING_PASSWORD", "")) if user else None


def _token() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}
