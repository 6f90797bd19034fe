"""The READMEs say what is there: their commands parse, their paths exist, both languages show the same."""

import re
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest

from flows.settings.fields import PREFIX, Settings
from tests.commands import run_module

ROOT = Path(__file__).parents[2]
READMES = [ROOT / "README.md", ROOT / "README.ko.md"]


def commands(readme: Path) -> list[str]:
    """Every line of the shell blocks, without comments."""
    blocks = re.findall(r"```sh\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    lines = (line.split(" #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def test_both_languages_show_the_same_commands_and_pictures() -> None:
    english, korean = READMES
    assert commands(english) == commands(korean)
    assert re.findall(r"!\[.*?\]\((.*?)\)", english.read_text()) == re.findall(
        r"!\[.*?\]\((.*?)\)", korean.read_text()
    )


GUIDES = [ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs/decisions").glob("*.md"))]


@pytest.mark.parametrize("readme", [*READMES, *GUIDES], ids=lambda path: path.name)
def test_links_and_named_files_exist(readme: Path) -> None:
    text = readme.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", text):
        assert (ROOT / target).exists(), target
    for path in re.findall(r"`((?:flows|tasks|containers|deployments|notebooks|benchmarks)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path


@cache
def help_of(module: str, *subcommand: str) -> str:
    done = run_module(module, *subcommand, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("command", commands(READMES[0]))
def test_every_command_is_understood(command: str) -> None:
    """`make` targets and settings exist; modules accept the options shown (other tests run them for real)."""
    words = shlex.split(command)
    if words[0] == "make":
        done = subprocess.run(
            ["make", "-n", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return
    if words[0] == "export":
        assert words[1].partition("=")[0].removeprefix(PREFIX).lower() in Settings.model_fields, command
        return
    assert words[:4] == ["uv", "run", "python", "-m"] or words[:3] in (
        ["uv", "run", "prefect"],
        ["uv", "run", "papermill"],
    ), command
    if words[2] == "python":
        options = [word for word in words if word.startswith("--")]
        given = words[5 : words.index("fetch") + 1] if "fetch" in words else words[5:6]
        subcommand = given if words[4] in ("flows.models", "flows.operate", "flows.people") else []
        help_text = help_of(words[4], *subcommand)
        assert all(option in help_text for option in options if option not in subcommand), command
