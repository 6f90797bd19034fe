"""What people type and paste into a form, and the name that they gave their run."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from prefect.runtime import flow_run
from pydantic import BeforeValidator, StringConstraints, WithJsonSchema

GREEK = (
    "alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|omicron|pi|rho|sigma|tau|upsilon|phi|chi"
    "|psi|omega"
)
# As `wise-otter` by its server, as `phi-tucanae-b`, `alpha6-xendi` or `omicron5` in its page's form.
GIVEN_BY_PREFECT = re.compile(rf"[a-z]+-[a-z]+|({GREEK})\d*(-[a-z]+){{0,3}}")


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

PlaceHere = Annotated[Path, BeforeValidator(tidy)]  # the same, on this machine only


def one_of(choices: Iterable[str]) -> Any:
    """Makes a text a menu in a form; whoever is told the text refuses another in its own words."""
    return WithJsonSchema({"type": "string", "enum": list(choices)})


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
    changed; a choice of one is the same to whoever checks it. One value or nothing is a field that may stay
    empty: Prefect takes null for whatever may be left out.
    """
    if isinstance(form, list):
        return [for_people(each) for each in form]
    if not isinstance(form, dict):
        return form
    shown = {name: for_people(value) for name, value in form.items()}
    if (value := _value_or_nothing(shown)) is not None:
        return {name: told for name, told in shown.items() if name not in ("anyOf", "default")} | value
    if isinstance(choices := shown.get("anyOf"), list):
        shown["anyOf"] = [_named(choice) for choice in choices]
    if isinstance(definitions := shown.get("definitions"), dict):
        for name, definition in definitions.items():
            if _may_be_left_out(name, form):
                definition["title"] = "chosen by hand"
    return shown


def _value_or_nothing(field: dict[str, Any]) -> dict[str, Any] | None:
    """The schema of that value; None for any other field."""
    choices = field.get("anyOf")
    if not isinstance(choices, list) or len(choices) != 2 or field.get("default", "") is not None:
        return None
    values = [choice for choice in choices if choice.get("type") != "null"]
    if len(values) != 1 or values[0].get("type") not in ("string", "number", "integer", "array"):
        return None
    value = {name: told for name, told in values[0].items() if name not in ("title", "description")}
    return value | {"enum": [*value["enum"], None]} if "enum" in value else value


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
