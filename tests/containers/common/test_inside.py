"""Names and URIs that others wrote stay inside the folder they are for."""

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from containers.common.errors import StorageError
from containers.common.inside import Name, RelativePath, check_uris, existing, inside, one_name

ROOT = Path(__file__).parents[3]
LEADS_OUT = ["..", "../x", "a/../../x", "/etc/passwd", "a/../..", "\0"]
# What a file, a bucket or a browser said: names of fields and variables, and calls that read what was said.
SAID_BY_OTHERS = {"thumbnail", "crop", "asset"}
READ_OF_OTHERS = {"unquote", "get", "loads", "list_sizes", "list_tags", "list_names", "list_folders"}
OURS = {  # and why nobody else could have said it, or why it does not matter
    "os.environ.get(": "this user's own setting",
    "Path(text)": "what this user pasted into a form",
    "Path(job['path'])": "what our own process tells the one that reads media",
    "Path(moment.thumbnail)": "an answer of ours, made by `existing`",
    "Path(place, name": "an asset folder by its own name, which may be a link that this user made",
    "Path(named)": "the last name of it, which `Source.find` looks for inside the folder of the media",
    "Path(media)": "a link on a page for a browser to follow; nobody reads it here",
    "Path(unquote(parts.path))": "the reading of URIs itself: `check_uris` looks at those of others",
}


@pytest.mark.parametrize("name", LEADS_OUT)
def test_what_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="is not inside"):
        inside(tmp_path, name)
    assert existing(tmp_path, name) is None


def test_what_stays_inside_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.jpg").touch()
    assert existing(tmp_path, "a", "b.jpg") == tmp_path / "a" / "b.jpg"
    assert existing(tmp_path, "a/../a/b.jpg")
    assert inside(tmp_path, "not there") == tmp_path / "not there"
    assert existing(tmp_path, "a") is None, "no file"


def test_a_link_leads_out_too(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "picture.jpg").symlink_to("/etc/passwd")
    (tmp_path / "out" / "folder").symlink_to("/etc")
    for name in ("picture.jpg", "folder/passwd"):
        assert existing(tmp_path / "out", name) is None
    with pytest.raises(StorageError):
        check_uris(tmp_path / "out", [(tmp_path / "out" / "picture.jpg").as_uri()])


@pytest.mark.parametrize("folder", [True, False])
def test_an_output_that_is_itself_a_link_is_inside(folder: bool, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "disk")
    (tmp_path / "disk" / "a.jpg").touch()
    assert existing(tmp_path / "out", "a.jpg")
    check_uris(tmp_path / "out", [(tmp_path / ("disk" if folder else "out") / "a.jpg").as_uri()])


@pytest.mark.parametrize(
    "uri",
    [
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        " file:///etc/passwd",
        "fi\nle:///etc/passwd",
        "file://{}/../x",
        "file://{}/%2e%2e/x",
        "file://{}/a/../../x",
    ],
)
def test_a_uri_in_any_spelling_is_looked_at(uri: str, tmp_path: Path) -> None:
    here = (tmp_path / "a.jpg").as_uri()
    for value in ({"deep": [here, {"er": uri.format(tmp_path)}]}, {uri.format(tmp_path): 1}):
        with pytest.raises(StorageError):
            check_uris(tmp_path, value)
    check_uris(
        tmp_path, {"words": "at 10:30 he said: file it", "at": "s3://bucket/key", "n": [1, None, here]}
    )


def test_the_types_of_names() -> None:
    path, name = TypeAdapter(RelativePath), TypeAdapter(Name)
    assert path.validate_python("faces/001.jpg") == "faces/001.jpg"
    assert name.validate_python("whisper-base") == one_name("whisper-base") == "whisper-base"
    for wrong in (*LEADS_OUT, "", ".", "a//b", "a\\..\\b", "./a"):
        for kind in (path, name):
            with pytest.raises(ValidationError, match="is no name"):
                kind.validate_python(wrong)
        with pytest.raises(StorageError):
            one_name(wrong)
    with pytest.raises(ValidationError):
        name.validate_python("a/b")


@pytest.mark.parametrize("folder", ["flows", "tasks", "containers", "notebooks"])
def test_nobody_follows_what_others_wrote_without_looking(folder: str) -> None:
    """`folder / row["thumbnail"]`, `Path(unquote(name))`, `folder / name` of what a bucket holds: for these
    there are `inside` and `existing`."""
    found = []
    for path in (ROOT / folder).rglob("*.py"):
        if "node_modules" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for line, text in sorted(_followed_in(tree)):
            if not any(ours in text for ours in OURS):
                found.append(f"{path.relative_to(ROOT)}:{line}: {text}")
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        'folder / row["thumbnail"]',
        "folder / row.thumbnail",
        "folder / match.asset / 'x'",
        "folder / unquote(name)",
        "Path(unquote(uri))",
        'Path(found["media"])',
        'folder.joinpath(row.get("name"))',
        "for name in storage.list_sizes(uri):\n    read(folder / name)",
        "name = json.loads(text)['version']\nread(folder / name)",
        "list(pool.map(lambda name: fetch(folder / name), storage.list_sizes(uri)))",
    ],
)
def test_what_is_followed_without_looking_is_seen(code: str) -> None:
    tree = ast.parse(code)
    assert _followed_in(tree)
    assert not _followed_in(ast.parse("inside(folder, row['thumbnail']) / 'x.json'"))


def _followed_in(tree: ast.Module) -> set[tuple[int, str]]:
    """In each function with the variables that take their values there."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    found = set(_followed(tree, SAID_BY_OTHERS))
    for scope in functions or [tree]:
        found.update(_followed(scope, SAID_BY_OTHERS | _taken_from(scope)))
    return found


def _followed(tree: ast.AST, names: set[str]) -> Iterator[tuple[int, str]]:
    """Line and text of each path that is made with something said by others."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            parts = [node.right]
        elif isinstance(node, ast.Call) and _called(node) in ("Path", "joinpath"):
            parts = node.args[:1] if _called(node) == "Path" and len(node.args) == 1 else node.args
        else:
            continue
        if any(_said(part, names) for part in parts):
            yield node.lineno, ast.unparse(node)


def _taken_from(tree: ast.AST) -> set[str]:
    """Variables of a module that take a value from what was said."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and _is_reading(node.value):
            found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, ast.For | ast.comprehension) and _is_reading(node.iter):
            found |= {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
        elif isinstance(node, ast.Call) and _called(node) == "map" and isinstance(node.args[0], ast.Lambda):
            taken = {each.arg for each in node.args[0].args.args}
            found |= taken if any(map(_is_reading, node.args[1:])) else set()
    return found


def _is_reading(node: ast.expr) -> bool:
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    checked = any(_called(each) in ("one_name", "inside", "existing", "is_name") for each in calls)
    return not checked and any(_called(each) in READ_OF_OTHERS - {"get"} for each in calls)


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _said(right: ast.expr, names: set[str]) -> bool:
    if isinstance(right, ast.Subscript):
        return isinstance(right.slice, ast.Constant) and isinstance(right.slice.value, str)
    if isinstance(right, ast.Call):
        return _called(right) in READ_OF_OTHERS
    name = right.attr if isinstance(right, ast.Attribute) else getattr(right, "id", "")
    return name in names


def test_a_catalogue_writes_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from containers.common.errors import UserError
    from containers.common.models import store

    entry = '[[model]]\nid = "{}"\ntask = "t"\ntitle = "t"\nrevision = "1"\nlicence = "MIT"\nprofile = "p"\n'
    entry += 'source = {{}}\nfiles = [{{name = "{}"}}]\n'
    for model, file in (("../x", "model.bin"), ("mine", "../../x"), ("mine", "/etc/x")):
        catalogue = tmp_path / "catalogue.toml"
        catalogue.write_text(entry.format(model, file))
        with pytest.raises(UserError, match="is no name of a file"):
            store._read_catalogue(catalogue)
    catalogue.write_text(entry.format("mine", "sub/model.bin"))
    assert store._read_catalogue(catalogue).model[0].id == "mine"


@pytest.mark.parametrize("wrong", ["../../x", "/etc/x"])
def test_a_store_s_manifest_writes_nowhere_else(wrong: str) -> None:
    from containers.common.models.store_s3 import Manifest

    file = {"name": wrong, "sha256": "0" * 64, "size": 1, "etag": "e"}
    about = {"id": "mine", "revision": "1", "licence": "MIT", "origin": "o"}
    with pytest.raises(ValidationError, match="is no name"):
        Manifest.model_validate(about | {"files": [file]})
    with pytest.raises(ValidationError, match="is no name"):
        Manifest.model_validate(about | {"id": wrong, "files": []})


def test_an_index_s_pointer_and_manifest_stay_in_the_index(tmp_path: Path) -> None:
    from containers.common.index.version import VectorFile
    from containers.common.index.versions import pointer

    (tmp_path / "current").write_text(json.dumps({"version": "../elsewhere"}))
    with pytest.raises(StorageError, match="is no name"):
        pointer(tmp_path.as_uri())
    with pytest.raises(ValidationError, match="is no name"):
        VectorFile.model_validate({"version": "../elsewhere", "rows": 1})
