"""A whole store: one damaged asset or index is a finding, and everything else is checked."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.checks.store import check_store


def cut(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-20])


def lose(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def write(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


READ = "A document can be read."
SHAPED = "A document has the shape that is promised."
SIZED = "A file has the size that the manifest says."
DAMAGES = {
    "manifest-cut": (cut("manifest.json"), READ, "manifest.json"),
    "manifest-empty": (write("manifest.json", b"{}"), READ, "manifest.json"),
    "manifest-list": (write("manifest.json", b"[1]"), READ, "manifest.json"),
    "faces-cut": (cut("faces.json"), READ, "faces.json"),
    "lists-in-lists": (write("faces.json", b"[" * 200_000), READ, "faces.json"),
    "lists-in-lists-closed": (write("faces.json", b"[" * 99 + b"]" * 99), SHAPED, "faces.json"),
    "not-utf8": (write("tags.json", b"\xff\xfe"), READ, "tags.json"),
    "no-transcript": (lose("transcript.json"), SIZED, "transcript.json"),
    "no-vectors": (lose("embeddings.parquet"), SHAPED, "embeddings.parquet"),
    "vectors-cut": (cut("embeddings.parquet"), SHAPED, "embeddings.parquet"),
}


@pytest.fixture(scope="module")
def store(make_asset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A good asset, one for each damage, and an index of which only rubbish is left."""
    output = tmp_path_factory.mktemp("store")
    for name in ("good", *DAMAGES):
        shutil.copytree(make_asset(name=name), output / name)
    for name, (damage, _, _) in DAMAGES.items():
        damage(output / name)
    version = output / "index" / "faceapi"
    version.mkdir(parents=True)
    (version / "current").write_text("{")
    return output


def test_every_damage_is_named_and_the_good_asset_is_not(store: Path) -> None:
    found = check_store(store)
    assert found.assets == 1 + len(DAMAGES)
    for name, (_, rule, file) in DAMAGES.items():
        (verdict,) = [one for one in found.quality.verdicts if one.rule == rule]
        assert name in verdict.assets, rule
        (row, *_) = [row for row in verdict.rows if row.asset == name]
        assert file in str(row.values)
    named = {asset for verdict in found.quality.verdicts if verdict.broken for asset in verdict.assets}
    assert "good" not in named and "index/faceapi" in named
    assert Path(found.page).is_file()
