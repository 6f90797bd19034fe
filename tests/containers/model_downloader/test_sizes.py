"""How large models are that nobody has fetched yet: asked of their publishers before anything is moved."""

from containers.common.models import store as models
from containers.model_downloader.sizes import ask_sizes
from tests.containers.model_downloader.loopback import Repo
from tests.containers.model_downloader.registry import Mood, noise

BERT = {"kind": "huggingface", "repo": "lab/bert", "patterns": ["*.json", "*.safetensors"]}


def ask() -> list[int | str]:
    return ask_sizes(list(models.catalogue().values()))


def test_publishers_tell_how_much_fetching_moves(loopback, enter, store, monkeypatch):
    hub, web = loopback(), loopback()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    wanted = {"config.json": b"{}", "model.safetensors": noise(50_000)}
    hub.repos["lab/bert"] = Repo(wanted | {"README.md": b"a page"}, large={"model.safetensors"})
    hub.storage = web
    web.files["/weights.bin"] = noise(12_345)
    enter("bert", BERT)
    enter("near", {"kind": "url", "urls": [f"{web.url}/weights.bin"]})
    assert ask() == [50_002, 12_345]
    assert not store.exists()


def test_or_a_sentence_says_why_nobody_can_tell(web, enter):
    enter("gone", {"kind": "url", "urls": [f"{web.url}/absent.bin"]})
    enter("gated", BERT | {"gated": True})
    enter("paged", {"kind": "url", "page": "https://example.org/model"})
    gone, gated, paged = ask()
    assert "answers 404 for /absent.bin" in gone
    assert gated.startswith("lab/bert is gated: accept its terms at") and "set HF_TOKEN" in gated
    assert "get them from https://example.org/model" in paged


def test_a_busy_publisher_is_asked_once(web, enter):
    web.every = lambda: Mood(status=503)
    enter("near", {"kind": "url", "urls": [f"{web.url}/weights.bin"]})
    (answer,) = ask()
    assert "answers 503" in answer and len(web.asked) == 1
