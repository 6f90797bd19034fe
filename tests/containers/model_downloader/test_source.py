"""A catalogue of one's own: what is wrong in an entry is said in a sentence, and harms no other model."""

import pytest

from containers.common.models.store import open_model
from containers.model_downloader.fetch import choose, fetch_models
from tests.containers.model_downloader.registry import noise


def fetch(*models):
    return fetch_models(choose(list(models), None))


def rewrite(tmp_path, old, new):
    """Changes the catalogue after it was written, before it is read."""
    path = tmp_path / "catalogue.toml"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('kind = "pypi"', 'kind = "ftp"', "Its catalogue entry has a fault at source: Input tag 'ftp'"),
        ('version = "1.0.0"\n', "", "Its catalogue entry has a fault at source.pypi.archives.0.version: "),
        (
            "whl:tagger_weights",
            "zip:tagger_weights",
            "The catalogue takes weights.bin from tagger_weights-1.0.0-py3-none-any.zip, ",
        ),
    ],
    ids=["unknown kind", "field missing", "archive not listed"],
)
def test_a_faulty_entry(old, new, sentence, registry, tagger, describe, store, tmp_path):
    rewrite(tmp_path, old, new)
    describe("other", [registry.carry("other", {"other.bin": noise(1_000)})])
    faulty, other = fetch("tagger", "other")
    assert faulty.status == "failed"
    assert (faulty.reason or "").startswith(sentence)
    assert (other.status, other.reason) == ("fetched", None)
    assert not (store / "tagger" / "weights.bin").exists()


def test_a_model_published_elsewhere_names_its_page(tagger, store, tmp_path):
    text = (tmp_path / "catalogue.toml").read_text()
    first, last = text.index("[model.source]"), text.index("[[model.files]]")
    elsewhere = '[model.source]\nkind = "url"\npage = "https://example.org/weights"\n'
    (tmp_path / "catalogue.toml").write_text(text[:first] + elsewhere + text[last:])
    (model,) = fetch("tagger")
    assert model.reason == (
        "Its files have no address in the catalogue; get them from https://example.org/weights "
        "and name their folder in an entry of kind `folder`."
    )


def test_a_store_named_by_a_relative_path(registry, tagger, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEDIAFLOW_MODELS", "near/models")
    assert fetch("tagger")[0].status == "fetched"
    assert (tmp_path / "near" / "models" / "tagger" / "weights.bin").read_bytes() == noise(400_000)
    open_model("tagger")
