"""Options of pydantic models as flags of a command line, and what `--help` says of them."""

import argparse
import re
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from tasks.stages.common import StageOptions


def hyphened(arguments: list[str]) -> list[str]:
    """Flags as whisperX writes them, `--batch_size`, are ours with hyphens."""
    return [re.sub(r"^--[\w-]+", lambda flag: flag[0].replace("_", "-"), given) for given in arguments]


def complaint(error: ValidationError) -> str:
    """One sentence for the first option that is wrong."""
    first = error.errors()[0]
    names = ", ".join(f"--{str(name).replace('_', '-')}" for name in first["loc"] if isinstance(name, str))
    return f"{names + ': ' if names else ''}{first['msg'].removeprefix('Value error, ')}."


def offer(group: argparse._ActionsContainer, options: type[BaseModel]) -> None:
    """A flag for each option; all take their default from where they are declared."""
    inherited = () if options is StageOptions else StageOptions.model_fields
    for name, field in options.model_fields.items():
        if name in inherited:
            continue
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            group.add_argument(
                flag, action=argparse.BooleanOptionalAction, default=None, help=field.description
            )
        else:
            usual = "auto" if field.default in (None, "", [], {}) else field.default
            text = f"{field.description} ({usual})".replace("%", "%%")
            group.add_argument(flag, metavar=metavar_of(field.annotation, name), help=text)


def metavar_of(kind: Any, name: str) -> str:
    """What may be given: the choices, where there are some, or a word for it."""
    if get_origin(kind) in (Union, UnionType):
        kinds = [metavar_of(one, name) for one in get_args(kind) if one is not type(None)]
        return "|".join(dict.fromkeys(kinds))
    if get_origin(kind) is Literal:
        return "|".join(map(str, get_args(kind)))
    if get_origin(kind) is Annotated:
        return metavar_of(get_args(kind)[0], name)
    if get_origin(kind) is list:
        return f"{metavar_of(get_args(kind)[0], name)},..."
    return {int: "N", float: "X"}.get(kind, name.rpartition("_")[2].upper())
