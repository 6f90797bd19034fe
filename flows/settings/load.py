"""Reading the settings, refusing wrong ones with a sentence, and putting them into the environment."""

import difflib
import os
import sys
from functools import cache
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr, ValidationError

from containers.common.errors import UserError
from flows.settings.fields import PREFIX, Settings, variable_of

ALIKE = 0.88  # of two names, by difflib: one letter in eight may differ
SECRET_BLOCK = (
    "mediaflow-"  # before a setting's name, with hyphens: Secret blocks hold what must not be shown
)


def load(on_server: dict[str, Any] | None = None) -> Settings:
    """The settings; `on_server` is what `read_server` found. Raises UserError with one sentence."""
    _refuse_misspelt()
    try:
        return Settings(**(on_server or {}))
    except ValidationError as error:
        first = error.errors()[0]
        name, *inside = map(str, first["loc"])
        name = variable_of(name) if name in Settings.model_fields else name.upper()
        said = first["msg"].removeprefix("Value error, ")
        raise UserError(f"The setting {'.'.join([name, *inside])} is wrong: {said}.") from None
    except ValueError as error:  # JSON that is none
        raise UserError(f"The settings cannot be read: {str(error).splitlines()[0].rstrip('.')}.") from None


def apply(on_server: dict[str, Any] | None = None) -> Settings:
    """Loads the settings and puts those that the environment lacks into it, for tasks and images."""
    settings = load(on_server)
    for name in settings.model_fields_set:
        os.environ.setdefault(variable_of(name), as_text(getattr(settings, name)))
    return settings


def apply_with_server() -> Settings:
    """The same inside a run, where the Prefect server is there to be asked; elsewhere none is started."""
    if "prefect" not in sys.modules:  # a second of the processor, which a search is spared
        return apply()
    from prefect.runtime import flow_run

    if not flow_run.id:
        return apply()
    from flows.server.patient import patiently

    return apply(patiently(read_server)())


def read_server() -> dict[str, Any]:
    """Prefect variables mediaflow_<name>, and Secret blocks mediaflow-<name> for what must not be shown."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import VariableFilter, VariableFilterName

    found: dict[str, Any] = {}
    with get_client(sync_client=True) as client:
        stem = PREFIX.lower()
        names = VariableFilter(name=VariableFilterName(like_=f"{stem}%"))
        answer = client.request(
            "POST", "/variables/filter", json={"variables": names.model_dump(mode="json")}
        ).json()
        found = {entry["name"].removeprefix(stem): entry["value"] for entry in answer}
        wanted = {"block_documents": {"name": {"like_": f"{SECRET_BLOCK}%"}}, "include_secrets": True}
        for entry in client.request("POST", "/block_documents/filter", json=wanted).json():
            if entry["block_type"]["slug"] == "secret":
                name = entry["name"].removeprefix(SECRET_BLOCK).replace("-", "_")
                found[name] = entry["data"]["value"]
    return {name: value for name, value in found.items() if name in Settings.model_fields}


def as_text(value: Any) -> str:
    """As the environment has it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return value.model_dump_json() if hasattr(value, "model_dump_json") else str(value)


@cache
def _known() -> set[str]:
    return {variable_of(name) for name in Settings.model_fields}


def _refuse_misspelt() -> None:
    given = [*os.environ, *(dotenv_values(".env") if Path(".env").is_file() else ())]
    for name in given:
        if name.startswith(PREFIX) and name not in _known():
            for meant in difflib.get_close_matches(name, _known(), n=1, cutoff=ALIKE):
                raise UserError(f"{name} is no setting; {meant} is meant, or another name is better.")
