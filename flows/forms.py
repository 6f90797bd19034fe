"""What people type and paste into a form, and the name that they gave their run."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from prefect.runtime import flow_run
from pydantic import BeforeValidator, StringConstraints

GIVEN_BY_PREFECT = re.compile(r"[a-z]+-[a-z]+")  # as `wise-otter`


def tidy(place: Any) -> Any:
    """A path or URI as it was pasted: with spaces around it, in quotes, with ~, as file://. Else as it is."""
    if isinstance(place, Path):
        return str(place)
    if not isinstance(place, str) or Path(place).exists():
        return place
    text = place.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1].strip()
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    return str(Path(text).expanduser()) if text.startswith("~") else text


# A path on the machine that runs the flow, or an s3:// URI: in a form one line of text.
Place = Annotated[str, BeforeValidator(tidy), StringConstraints(min_length=1)]


def own_name_or(named: Callable[[], str]) -> Callable[[], str]:
    """For `flow_run_name`: what a person called the run stays, what Prefect made up does not."""

    def name() -> str:
        given = flow_run.name
        return named() if not given or GIVEN_BY_PREFECT.fullmatch(given) else given

    return name


TYPES = {"null": "automatic", "number": "number", "integer": "number", "string": "text", "array": "list"}


def for_people(form: Any) -> Any:
    """A form's JSON schema as Prefect shows it well: choices have names, and none is `None` or a constant.

    Prefect's page calls what has no title by its Python type, and shows a constant as a text that cannot be
    changed; a choice of one is the same to whoever checks it.
    """
    if isinstance(form, list):
        return [for_people(each) for each in form]
    if not isinstance(form, dict):
        return form
    shown = {name: for_people(value) for name, value in form.items()}
    if isinstance(choices := shown.get("anyOf"), list):
        shown["anyOf"] = [_named(choice) for choice in choices]
    if isinstance(definitions := shown.get("definitions"), dict):
        for name, definition in definitions.items():
            if _may_be_left_out(name, form):
                definition["title"] = "chosen by hand"
    return shown


def _named(choice: dict[str, Any]) -> dict[str, Any]:
    if "const" in choice:
        told = {name: value for name, value in choice.items() if name != "const"}
        name = "automatic" if choice["const"] == "auto" else str(choice["const"])
        return told | {"enum": [choice["const"]], "title": name}
    if "$ref" in choice:
        return choice
    return choice | {"title": TYPES.get(str(choice.get("type")), "choice")}


def _may_be_left_out(name: str, form: dict[str, Any]) -> bool:
    """Whether a parameter is this, or nothing at all: then the form begins without its many fields."""
    reference = {"$ref": f"#/definitions/{name}"}
    return any(
        reference in (choices := each.get("anyOf") or ()) and {"type": "null"} in choices
        for each in form.get("properties", {}).values()
    )
