"""`python -m flows.operate install|test|remove`: limits and automations on the Prefect server."""

import argparse
import sys

from containers.common.errors import UserError
from containers.common.image import IMAGES, image
from flows.analyze.__main__ import quiet_prefect
from flows.server.secret import configured_url
from flows.settings.fields import Settings
from flows.settings.load import apply

HEAVY = {name: calls for name in IMAGES if (calls := image(name).calls_at_once)}  # over all runs


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 no server, or it refuses, 2 wrong usage."""
    chosen = _parser().parse_args(arguments)
    quiet_prefect()
    try:
        settings = apply()
        if not configured_url():
            raise UserError(
                "No Prefect server is configured: set PREFECT_API_URL, or use a profile naming one."
            )
        done = _server_side(chosen, settings)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(done))
    return 0


def _server_side(chosen: argparse.Namespace, settings: Settings) -> list[str]:
    from flows.operate.alarm import ring
    from flows.operate.automations import install_automations, remove_automations
    from flows.operate.limits import install_limits, remove_limits
    from flows.operate.server import asking_server

    with asking_server() as client:
        if chosen.command == "test":
            return ring(client)
        if chosen.command == "remove":
            return [*remove_limits(client), *remove_automations(client)]
        limits = HEAVY | dict(chosen.limit)
        return [*install_limits(client, limits), *install_automations(client, settings)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m flows.operate", description="Set a Prefect server up.")
    commands = parser.add_subparsers(dest="command", required=True)
    install = commands.add_parser(
        "install",
        help="limits of heavy images; automations for failed, late and vanished runs, told to the settings "
        "MEDIAFLOW_WEBHOOK and MEDIAFLOW_TOPIC",
    )
    install.add_argument(
        "--limit",
        type=_limit,
        action="append",
        default=[],
        metavar="IMAGE=CALLS",
        help=f"at once over all runs ({', '.join(f'{image}={calls}' for image, calls in HEAVY.items())})",
    )
    commands.add_parser("test", help="lets a run fail and waits until every channel was told of it")
    commands.add_parser("remove", help="takes all of it away again")
    return parser


def _limit(text: str) -> tuple[str, int]:
    image, _, calls = text.partition("=")
    if image not in IMAGES or not calls.isdigit() or int(calls) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not IMAGE=CALLS with an image of {', '.join(IMAGES)}")
    return image, int(calls)


if __name__ == "__main__":
    sys.exit(main())
