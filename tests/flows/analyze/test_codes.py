"""A stage's key changes with the code that its result depends on, and with no other."""

import shutil
from pathlib import Path

import pytest

from flows.analyze import plan
from flows.analyze.plan import LAST, codes, fingerprint, plan_keys
from tasks.media.probe import MediaInfo
from tasks.stages.code import ROOT, files_of
from tasks.stages.options import AnalyzeOptions
from tasks.stages.registry import STAGES

MEDIA = MediaInfo(name="clip.mp4", sha256="a" * 64, size=1, format="mp4", duration=1.0)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("project")
    for room in ("flows", "tasks", "containers", "deployments", "benchmarks"):
        shutil.copytree(
            ROOT / room, root / room, ignore=shutil.ignore_patterns("node_modules", "__pycache__")
        )
    return root


def changed_by(root: Path, name: str, text: str) -> set[str]:
    """Stages whose code is another one after `text` was added to a file."""
    before, path = codes(root), root / name
    content = path.read_bytes()
    path.write_bytes(content + text.encode())
    try:
        after = codes(root)
    finally:
        path.write_bytes(content)
    return {stage for stage in after if before[stage] != after[stage]}


@pytest.mark.parametrize(
    ("name", "stages"),
    [
        # An image: its code and what that reads beside, in either language; not its limits.
        ("containers/audioset/panns.py", {"tag"}),
        ("containers/common/ontology.txt", {"tag", "publish"}),
        ("containers/audioset/image.toml", set()),
        ("containers/faceapi/faces.mjs", {"detect", "link"}),
        # A stage and what its task imports; the tracker serves those that read its tracks too.
        ("tasks/stages/diarize/run.py", {"diarize", "publish"}),
        ("tasks/stages/detect/track.py", {"detect", "embed", "link", "check", "publish"}),
        ("tasks/stages/link/mouths.py", {"link", "check", "publish"}),
        # All are done by one process: faces are looked for between samples, mouths in turns.
        ("tasks/media/cuts.py", {"decode", "detect", "link"}),
        ("tasks/calls/pieces.py", {"transcribe", "diarize", "publish"}),
        # Presentation: without a model.
        ("tasks/outputs/templates/report.html.j2", {"publish"}),
        ("tasks/outputs/subtitles.py", {"check", "publish"}),
        ("tasks/checks/rules.py", {"check", "publish"}),
        # What no stage imports.
        ("flows/watch/__main__.py", set()),
        ("tasks/evaluation/speed.py", set()),
        ("containers/faiss/trial.py", set()),
        ("benchmarks/speech.py", set()),
    ],
)
def test_a_comment_changes_the_keys_of_those_who_import_it(copy: Path, name: str, stages: set[str]) -> None:
    text = "\n# edited\n" if name.endswith((".py", ".toml")) else "\n// edited\n"
    changed = changed_by(copy, name, text)
    models = set(STAGES) | {"decode"}
    assert changed & models == stages & models
    assert stages - models <= changed


def test_another_code_is_another_key(monkeypatch: pytest.MonkeyPatch) -> None:
    known, options = codes(), AnalyzeOptions()
    before = plan_keys(MEDIA, options)
    monkeypatch.setattr(plan, "codes", lambda: {**known, "detect": "edited"})
    after = plan_keys(MEDIA, options)
    assert {stage for stage in after if before[stage] != after[stage]} == {"detect", "embed", "link"}


@pytest.mark.parametrize("stage", LAST)
def test_what_presents_results_is_made_anew_without_a_model(
    stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, options = codes(), AnalyzeOptions()
    keys = plan_keys(MEDIA, options)
    before = fingerprint(keys, options)
    monkeypatch.setattr(plan, "codes", lambda: {**known, stage: "edited"})
    assert plan_keys(MEDIA, options) == keys
    assert fingerprint(keys, options) != before


def test_the_place_of_the_project_does_not_matter(copy: Path) -> None:
    assert codes(copy) == codes()


def test_imports_are_followed_wherever_they_stand(tmp_path: Path) -> None:
    for name in ("a", "late", "shown", "hidden", "typed", "started"):
        (tmp_path / "tasks").mkdir(exist_ok=True)
        (tmp_path / "tasks" / f"{name}.py").write_text("")
    (tmp_path / "tasks" / "a.py").write_text(
        "from typing import TYPE_CHECKING\nfrom tasks import shown\n"
        "if TYPE_CHECKING:\n    import tasks.typed\n"
        "def later():\n    run('-m', 'tasks.started')\n"
        "    try:\n        from tasks.late import x\n    finally:\n        pass\n"
    )
    found = {path.stem for path in files_of([tmp_path / "tasks" / "a.py"], tmp_path)}
    assert found == {"a", "late", "shown", "started"}
