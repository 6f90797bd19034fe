"""A ninth model is two folders, one line, one extra and one catalogue entry, as CONTRIBUTING.md says."""

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from containers.common.models import store as models

ROOT = Path(__file__).parents[2]
ROOMS = ("flows", "tasks", "containers", "deployments", "notebooks", "tests", "benchmarks", "examples")
FILES = ("pyproject.toml", "uv.lock", "LICENSE", "Makefile", "prefect.yaml", "README.md", ".dockerignore")
CHANGED = {"tasks/stages/registry.py", "pyproject.toml", "containers/common/models/catalogue.toml"}
pytestmark = pytest.mark.slow


def commands() -> list[str]:
    """Those of "Add a model in five minutes"."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = re.search(r"## Add a model.*?```sh\n(.*?)```", text, re.DOTALL)
    assert block
    return block[1].splitlines()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with one more model."""
    root = tmp_path_factory.mktemp("project")
    for room in ROOMS:
        shutil.copytree(
            ROOT / room, root / room, ignore=shutil.ignore_patterns("node_modules", "__pycache__")
        )
    for name in FILES:
        shutil.copyfile(ROOT / name, root / name)
    (root / "containers/faceapi/node_modules").symlink_to(ROOT / "containers/faceapi/node_modules")
    (root / ".venv").symlink_to(ROOT / ".venv")
    for command in commands():
        if not command.startswith("uv "):
            subprocess.run(["sh", "-c", command], cwd=root, check=True)
    return root


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter models; what is fetched goes beside them."""
    folder = tmp_path_factory.mktemp("store")
    for model in models.store_folder().iterdir():
        if model.name != "luma" and not model.name.startswith("."):
            (folder / model.name).symlink_to(model)
    return folder


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds without sound: the first black, the second white."""
    path = tmp_path_factory.mktemp("media") / "dawn.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "10"})
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for number in range(20):
            picture = np.full((64, 64, 3), 255 * (number >= 10), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def python(copy: Path, *words: str, **variables: str) -> str:
    command = [sys.executable, *words]
    environment = os.environ | {"PYTHONPATH": str(copy)} | variables
    done = subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def asset(copy: Path, store: Path, video: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the flow leaves, with the option that the stage brought."""
    output = tmp_path_factory.mktemp("out")
    python(copy, "-m", "flows.models", "fetch", "luma", MEDIAFLOW_MODELS=str(store))
    words = ["-m", "flows.analyze", str(video), "--output", str(output), "--dark", "0.2"]
    python(copy, *words, MEDIAFLOW_MODELS=str(store))
    (manifest,) = output.glob("*/manifest.json")
    return manifest.parent


def test_three_files_that_were_there_are_changed(copy: Path) -> None:
    def differing(one: Path, other: Path) -> set[str]:
        found = filecmp.dircmp(one, other, ignore=["node_modules", "__pycache__"])
        below = {name: differing(one / name, other / name) for name in found.common_dirs}
        return {*found.diff_files, *(f"{name}/{file}" for name, files in below.items() for file in files)}

    changed = {f"{room}/{name}" for room in ROOMS for name in differing(ROOT / room, copy / room)}
    changed |= {name for name in FILES if not filecmp.cmp(ROOT / name, copy / name, shallow=False)}
    assert changed == CHANGED


def test_the_flow_runs_it_and_its_document_is_there(asset: Path) -> None:
    frames = json.loads((asset / "light.json").read_bytes())["frames"]
    assert [frame["dark"] for frame in frames] == [True, False]
    manifest = json.loads((asset / "manifest.json").read_bytes())
    (stage,) = (stage for stage in manifest["stages"] if stage["name"] == "light")
    assert (stage["status"], stage["found"]) == ("done", "1 of 2 frames are dark")
    assert "luma" in [model["id"] for model in manifest["models"]]
    assert manifest["options"]["dark"] == 0.2
    assert "light.json" in manifest["files"]


def test_its_part_is_in_the_report_and_its_rules_among_the_checks(asset: Path) -> None:
    report = (asset / "report.html").read_text(encoding="utf-8")
    assert '<h2 id="light-title">Light</h2>\n  <p>1 of 2 frames are dark</p>' in report
    verdicts = json.loads((asset / "quality.json").read_bytes())["verdicts"]
    assert {"Light is between black and white."} <= {one["rule"] for one in verdicts if one["checked"] == 2}


def test_its_part_of_the_report_is_made_anew_without_a_model(
    asset: Path, copy: Path, store: Path, video: Path
) -> None:
    template = copy / "tasks/stages/light/report.html.j2"
    text = template.read_text()
    template.write_text(text.replace(">Light<", ">Brightness<"))
    words = ["-m", "flows.analyze", str(video), "--output", str(asset.parent), "--dark", "0.2"]
    said = python(copy, *words, MEDIAFLOW_MODELS=str(store))
    template.write_text(text)
    assert "Nothing changed" not in said
    assert ">Brightness<" in (asset / "report.html").read_text(encoding="utf-8")
    manifest = json.loads((asset / "manifest.json").read_bytes())
    found = [stage for stage in manifest["stages"] if stage["status"] == "done"]
    made = {stage["name"] for stage in found if not stage["kept"]}
    assert made == {"check", "index"}, "publish is not in the manifest that it writes"


def test_its_rule_can_fail(copy: Path) -> None:
    text = """
import pandas as pd
from tasks.checks.check import check_tables
row = {"asset": "a", "row": 0, "time": 1.0, "latest": 2.0, "light": 1.5}
print([verdict.rule for verdict in check_tables({"light": pd.DataFrame([row])}).blocked])
"""
    assert "Light is between black and white." in python(copy, "-c", text)


def test_its_option_is_on_the_command_line_and_in_the_form(copy: Path) -> None:
    assert "--dark" in python(copy, "-m", "flows.analyze", "--help")
    text = "from tasks.stages.options import AnalyzeOptions; print(AnalyzeOptions.model_json_schema())"
    assert "frames below this much light are dark" in python(copy, "-c", text)


def test_its_key_changes_with_its_code(copy: Path) -> None:
    text = "from flows.analyze.plan import codes; print(codes()['light'])"
    before = python(copy, "-c", text)
    for name in ("containers/lightmeter/app.py", "tasks/stages/light/run.py"):
        path = copy / name
        content = path.read_text()
        path.write_text(content + "# edited\n")
        assert python(copy, "-c", text) != before
        path.write_text(content)
    assert python(copy, "-c", text) == before


def test_its_dockerfile_lints_and_its_stack_validates(copy: Path) -> None:
    tests = ["tests/deployments/images/test_dockerfiles.py", "tests/deployments/aws/test_stacks.py"]
    # Its slice is not in the copy's lock: `uv lock` asks a registry.
    chosen = "(lightmeter or cfn_lint or know_every_image or fits_an_account) and not wheels and not installs"
    out = python(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", chosen, "-m", "not slow")
    assert re.search(r"\b[5-9] passed", out), out


def test_lint_has_nothing_to_say(copy: Path) -> None:
    for words in (["ruff", "check", "."], ["ruff", "format", "--check", "."]):
        python(copy, "-m", *words, "--quiet", "--exclude", ".venv")
    # Types of what is new; of what was there `make lint` has looked.
    new = ["tasks/stages/light", "tasks/stages/registry.py", "containers/lightmeter"]
    python(copy, "-m", "basedpyright", "--level", "error", *new)
