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
