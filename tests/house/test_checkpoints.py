"""Pickled checkpoints run code when they are opened: every place that opens one says why it may."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# pyannote.audio opens its checkpoint by itself; the file is the store's, whose pinned hash has matched.
PINNED = {("containers/pyannote/pipeline.py", "Model.from_pretrained")}
UNPICKLES = {"torch.load", "torch.jit.load", "pickle.load", "pickle.loads", "joblib.load"}
LOADERS = (".from_pretrained", ".load_state_dict_from_url", ".load_from_checkpoint")
SOURCES = [
    path for folder in ("containers", "tasks", "flows") for path in sorted((ROOT / folder).rglob("*.py"))
]


def openings(source: str) -> Iterator[tuple[str, dict[str, object]]]:
    """(name of the call, its constant keywords) of everything that may unpickle."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            keywords = {
                one.arg: one.value.value
                for one in node.keywords
                if one.arg and isinstance(one.value, ast.Constant)
            }
            if name in UNPICKLES or name.endswith(LOADERS):
                yield name, keywords


def is_safe(name: str, keywords: dict[str, object]) -> bool:
    """torch.load with weights_only; transformers from safetensors, whose processors have no weights."""
    if name == "torch.load" or name.endswith(".load_state_dict_from_url"):
        return keywords.get("weights_only") is True
    if name.endswith("Processor.from_pretrained"):
        return keywords.get("local_files_only") is True
    return keywords.get("use_safetensors") is True and keywords.get("local_files_only") is True


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_checkpoints_are_opened_without_running_their_code(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    text = path.read_text(encoding="utf-8")
    unsafe = {name for name, keywords in openings(text) if not is_safe(name, keywords)}
    assert {(place, name) for name in unsafe} <= PINNED


def test_every_exception_is_needed_and_opens_what_the_store_has_checked() -> None:
    for place, name in PINNED:
        path = ROOT / place
        assert name in {call for call, _ in openings(path.read_text(encoding="utf-8"))}
        assert any("open_model(" in file.read_text(encoding="utf-8") for file in path.parent.glob("*.py"))


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("torch.load(path)", False),
        ("torch.load(path, weights_only=False)", False),
        ("torch.load(path, weights_only=True)", True),
        ("AutoModel.from_pretrained(folder)", False),
        ("AutoModel.from_pretrained(folder, use_safetensors=True, local_files_only=True)", True),
        ("pickle.load(file)", False),
    ],
)
def test_the_rule_sees_what_it_forbids(line: str, safe: bool) -> None:
    ((name, keywords),) = openings(line)
    assert is_safe(name, keywords) is safe
