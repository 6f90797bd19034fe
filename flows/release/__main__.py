"""`python -m flows.release IMAGE` releases an image; `--rollback` goes back, for images and for stores."""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from containers.common.errors import UserError
from flows.analyze.__main__ import quiet_prefect
from flows.settings.load import apply


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 in use, 1 stopped or rolled back, 2 wrong usage."""
    chosen = _parser().parse_args(arguments)
    try:
        apply()
        if chosen.use:
            return _use(chosen.what, chosen.use)
        return _roll_back(chosen.what) if chosen.rollback else _release(chosen)
    except (UserError, ValidationError) as error:
        print(str(error).splitlines()[0], file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.release",
        description="Put a new version of an image into use on AWS, watched; or go back to the one before.",
    )
    parser.add_argument("what", help="an image; with --rollback or --use also models:URI and index:URI")
    parser.add_argument("--version", default="patch", help="major, minor, patch or a version (%(default)s)")
    parser.add_argument("--pushed", action="store_true", help="it was built and pushed already")
    parser.add_argument("--worst", default="MEDIUM", help="worst severity that may pass (%(default)s)")
    parser.add_argument("--unsigned", action="store_true", help="do not ask for a signature")
    parser.add_argument("--shares", default="0.1,0.5", help="of calls for the canary (%(default)s)")
    parser.add_argument("--watch", type=float, default=300, help="seconds of each step (%(default)s)")
    parser.add_argument("--smoke", type=Path, help="JSON file: requests and what their answers hold")
    parser.add_argument("--rollback", action="store_true", help="make the version before current again")
    parser.add_argument("--use", metavar="VERSION", help="make this version of models:URI current")
    return parser


def _release(chosen: argparse.Namespace) -> int:
    from flows.server.local import temporary_server, wait_for_server

    quiet_prefect()
    with ExitStack() as started:
        server = started.enter_context(temporary_server())
        from deployments.release.watch import Smoke
        from flows.release.flow import release

        smoke = chosen.smoke and TypeAdapter(list[Smoke]).validate_json(chosen.smoke.read_bytes())
        wait_for_server(server)
        done = release(
            image=chosen.what,
            version=chosen.version,
            build=not chosen.pushed,
            worst=chosen.worst,
            signed=not chosen.unsigned,
            shares=json.loads(f"[{chosen.shares}]"),
            watch_s=chosen.watch,
            smoke=smoke or None,
        )
    print(f"{done.image} {done.version} is in use (function version {done.function_version}).")
    return 0


def _roll_back(what: str) -> int:
    kind, _, uri = what.partition(":")
    if kind == "index":
        from containers.common.index.versions import rollback

        version = rollback(uri).version
    elif kind == "models":
        from deployments.release.pointer import StorePointer, roll_back

        version = roll_back(StorePointer("the model store", uri))
    else:
        from flows.release.flow import roll_back_image

        version = roll_back_image(what)
    print(f"{what}: {version} is in use again.")
    return 0


def _use(what: str, version: str) -> int:
    """A version of the model store, which is put back when a file in it does not match its hash."""
    kind, _, uri = what.partition(":")
    if kind != "models" or not uri.startswith("s3://"):
        raise UserError("--use is for models:s3://BUCKET/PREFIX; an image is released, an index is re-made.")
    uri = uri.rstrip("/")
    from deployments.release.pointer import StorePointer, switch
    from deployments.release.store import check_store

    switch(StorePointer("the model store", uri), version, lambda: check_store(f"{uri}/{version}"))
    print(f"{what}: {version} is in use.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
