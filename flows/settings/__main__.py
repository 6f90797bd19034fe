"""`python -m flows.settings`: every setting, its value and where that comes from; secrets stay hidden."""

import argparse
import os
import sys
from typing import Any

from dotenv import dotenv_values
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text

from containers.common.errors import UserError
from flows.analyze.__main__ import quiet_prefect
from flows.settings.fields import Settings, variable_of
from flows.settings.load import as_text, load, read_server

HIDDEN = "********"


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 the settings are right, 1 one is wrong or the server does not answer, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.settings", description="Show every setting and where it comes from."
    )
    parser.add_argument(
        "--server", action="store_true", help="also ask the Prefect server that is configured"
    )
    chosen = parser.parse_args(arguments)
    try:
        on_server = _ask_server() if chosen.server else {}
        settings = load(on_server)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    Console().print(_table(settings, on_server))
    return 0


def _ask_server() -> dict[str, Any]:
    quiet_prefect()
    import httpx

    from flows.server.secret import configured_url

    if not configured_url():
        raise UserError(
            "No Prefect server is configured: set PREFECT_API_URL, or use a profile that names one."
        )
    try:
        return read_server()
    except httpx.HTTPError as error:
        raise UserError(f"The Prefect server does not answer: {error}.") from None


def _table(settings: Settings, on_server: dict[str, Any]) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from", no_wrap=True)
    table.add_column("meaning", style="dim")
    file = dotenv_values(".env")
    for name, field in Settings.model_fields.items():
        value, variable = getattr(settings, name), variable_of(name)
        where = (
            "environment" if os.environ.get(variable)
            else ".env" if file.get(variable)
            else "Prefect" if name in on_server
            else ""
        )  # fmt: skip
        shown = HIDDEN if isinstance(value, SecretStr) else "" if value is None else as_text(value)
        table.add_row(variable, Text(shown), where or "default", field.description or "")
    return table


if __name__ == "__main__":
    sys.exit(main())
