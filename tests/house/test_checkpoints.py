"""Pickled checkpoints run code when they are opened: every place that opens one does it where nothing can."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOME = "containers/common/models/checkpoints.py"  # the only place that calls torch.load itself
UNPICKLES = {"torch.load", "torch.jit.load", "pickle.load", "pickle.loads", "joblib.load"}
LOADERS = (".from_pretrained", ".load_state_dict_from_url", ".load_from_checkpoint")
SOURCES = [
    path for folder in ("containers", "tasks", "flows") for path in sorted((ROOT / folder).rglob("*.py"))
]


def openings(source: str) -> Iterator[tuple[str, dict[str, object], bool]]:
    """(name, constant keywords, whether inside `with only_weights(...)`) of calls that may unpickle."""
    tree = ast.parse(source)
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.With)
        and any(ast.unparse(item.context_expr).startswith("only_weights(") for item in node.items)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            keywords = {
                one.arg: one.value.value
                for one in node.keywords
                if one.arg and isinstance(one.value, ast.Constant)
            }
            if name in UNPICKLES or name.endswith(LOADERS):
                yield name, keywords, id(node) in guarded


def is_safe(name: str, keywords: dict[str, object], guarded: bool) -> bool:
    """torch.load with weights_only, or a library's loader where torch obeys `only_weights`; transformers from
    safetensors, whose processors and tokenizers have no weights."""
    if name == "torch.load" or name.endswith(".load_state_dict_from_url"):
        return keywords.get("weights_only") is True
    if name.endswith(("Processor.from_pretrained", "Tokenizer.from_pretrained")):
        return keywords.get("local_files_only") is True
    if guarded and name.endswith(LOADERS):
        return True
    return keywords.get("use_safetensors") is True and keywords.get("local_files_only") is True


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_checkpoints_are_opened_without_running_their_code(path: Path) -> None:
    place = path.relative_to(ROOT).as_posix()
    found = list(openings(path.read_text(encoding="utf-8")))
    assert [opening for opening in found if not is_safe(*opening)] == []
    assert place == HOME or not any(name == "torch.load" for name, _, _ in found), f"use {HOME}"


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        ("torch.load(path)", False),
        ("torch.load(path, weights_only=False)", False),
        ("torch.load(path, weights_only=True)", True),
        ("Model.from_pretrained(path)", False),
        ("with only_weights(PYANNOTE): Model.from_pretrained(path)", True),
        ("AutoModel.from_pretrained(folder)", False),
        ("AutoModel.from_pretrained(folder, use_safetensors=True, local_files_only=True)", True),
        ("pickle.load(file)", False),
        ("with only_weights(): pickle.load(file)", False),
    ],
)
def test_the_rule_sees_what_it_forbids(line: str, safe: bool) -> None:
    (opening,) = openings(line)
    assert is_safe(*opening) is safe
