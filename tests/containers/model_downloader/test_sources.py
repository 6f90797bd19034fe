"""From a catalogue entry to a loaded model, for every kind of source."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from containers.common.models.store import open_model, store_folder
from containers.model_downloader.fetch import choose, fetch_models
from tests.containers.model_downloader.loopback import COMMIT, Repo
from tests.containers.model_downloader.registry import noise, tarball, wheel


def fetch(model="model"):
    (done,) = fetch_models(choose([model], None))
    return done


def fetched(model="model") -> Path:
    """Its folder in the store, opened as the images open it."""
    done = fetch(model)
    assert (done.status, done.reason) == ("fetched", None)
    folder, _ = open_model(model)
    assert fetch(model).status == "present"
    return folder


@pytest.fixture(scope="module")
def transformer(tmp_path_factory) -> dict[str, bytes]:
    """The files of a BERT of 16 dimensions, as transformers save them."""
    from transformers import BertConfig, BertModel

    folder = tmp_path_factory.mktemp("bert")
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=32, **sizes)).save_pretrained(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def load_transformer(folder: Path) -> None:
    import torch
    from transformers import AutoModel

    network = AutoModel.from_pretrained(folder, local_files_only=True, use_safetensors=True)
    assert network(torch.tensor([[1, 2, 3]])).last_hidden_state.shape == (1, 3, 16)


@pytest.fixture
def hub(loopback, monkeypatch, transformer):
    """A hub whose large files another host serves, with the repository lab/bert."""
    hub = loopback()
    hub.storage = loopback()
    hub.repos["lab/bert"] = Repo(transformer, large={"model.safetensors"})
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    return hub


BERT = {"kind": "huggingface", "repo": "lab/bert", "patterns": ["*.json", "*.safetensors"]}


def test_a_hugging_face_repository(hub, enter, store, transformer):
    hub.repos["lab/bert"].files = transformer | {"README.md": b"a page", "pytorch_model.bin": b"\x80"}
    enter("model", BERT)
    folder = fetched()
    assert {path.name for path in folder.iterdir()} == set(transformer)
    load_transformer(folder)
    assert all(COMMIT in one.path for one in hub.asked if "resolve" in one.path)  # not a branch that moves


def test_what_was_first_fetched_is_enforced_from_then_on(hub, enter, store, transformer):
    enter("model", BERT)
    folder = fetched()
    (pinned,) = json.loads((store / "lock.json").read_text()).values()
    assert {file["name"] for file in pinned["files"]} == set(transformer)
    (folder / "config.json").unlink()
    hub.repos["lab/bert"].files = transformer | {"config.json": b"{}"}
    assert fetch().reason.startswith("config.json from 127.0.0.1 does not match its SHA-256")
    hub.repos["lab/bert"].files = transformer
    assert fetch().status == "fetched"


def test_the_real_client_takes_this_hub_for_one(hub, transformer, tmp_path):
    """So that the other tests mean something."""
    from huggingface_hub import snapshot_download

    folder = snapshot_download("lab/bert", endpoint=hub.url, local_dir=tmp_path / "copy", token=False)
    assert {name: Path(folder, name).read_bytes() for name in transformer} == transformer


def test_a_gated_repository_gets_the_token_and_nobody_else_does(
    hub, enter, store, transformer, monkeypatch, capfd, caplog
):
    caplog.set_level("DEBUG")
    hub.token = "hf_secretsecret"
    hub.repos["lab/bert"].gated = True
    monkeypatch.setenv("HF_TOKEN", hub.token)
    enter("model", BERT | {"gated": True})
    load_transformer(fetched())
    assert {one.authorization for one in hub.asked} == {f"Bearer {hub.token}"}
    assert hub.storage.asked
    assert {one.authorization for one in hub.storage.asked} == {None}
    said = "".join(capfd.readouterr()) + caplog.text
    kept = [path.read_bytes() for path in store.rglob("*") if path.is_file()]
    assert hub.token not in said
    assert not any(hub.token.encode() in content for content in kept)


def test_the_token_may_lie_in_secrets_manager(hub, enter, store, monkeypatch, aws):
    hub.token = "hf_secretsecret"
    hub.repos["lab/bert"].gated = True
    client = boto3.client("secretsmanager")
    client.create_secret(Name="hub-token", SecretString=hub.token)
    monkeypatch.setenv("HF_TOKEN_SECRET", "hub-token")
    enter("model", BERT | {"gated": True})
    fetched()


HUBCONF = b"""
dependencies = ["torch"]
import torch

def tiny(pretrained=True):
    network = torch.nn.Linear(3, 2)
    if pretrained:
        url = "https://download.example.org/models/%s"
        network.load_state_dict(torch.hub.load_state_dict_from_url(url, check_hash=True, weights_only=True))
    return network
"""


def checkpoint() -> tuple[str, bytes]:
    """(its name with the first digits of its SHA-256, a state dict)."""
    import torch

    content = io.BytesIO()
    torch.save({"weight": torch.full((2, 3), 0.5), "bias": torch.zeros(2)}, content)
    return f"tiny-{hashlib.sha256(content.getvalue()).hexdigest()[:8]}.pth", content.getvalue()


def test_a_torch_hub_repository(web, enter, store, monkeypatch):
    """Its code comes from the store and finds its checkpoint there: torch.hub downloads nothing."""
    import torch

    name, weights = checkpoint()
    top = "lab-tiny-0a1b2c3"
    web.files[f"/lab/tiny/zipball/{COMMIT}"] = wheel({f"{top}/hubconf.py": HUBCONF % name.encode()})
    web.files[f"/models/{name}"] = weights
    monkeypatch.setenv("TORCH_HUB_ENDPOINT", web.url)
    enter(
        "model",
        {"kind": "torchhub", "repo": f"lab/tiny:{COMMIT}", "urls": [f"{web.url}/models/{name}"]},
        {"hubconf.py": HUBCONF % name.encode(), f"checkpoints/{name}": weights},
    )
    folder = fetched()
    before = torch.hub.get_dir()
    torch.hub.set_dir(folder)
    try:
        network = torch.hub.load(str(folder), "tiny", source="local")
    finally:
        torch.hub.set_dir(before)
    assert network(torch.ones(3)).tolist() == [1.5, 1.5]


def test_a_checkpoint_that_is_not_the_one_in_its_name(web, enter, store):
    web.files["/tiny-0badc0de.pth"] = noise(1_000)
    enter("model", {"kind": "torchhub", "urls": [f"{web.url}/tiny-0badc0de.pth"]})
    assert "does not match the SHA-256 in its name (0badc0de...); it was thrown away" in fetch().reason
    assert not (store / "model").exists()


def saved_model() -> bytes:
    """SavedModel{schema version 1, one MetaGraphDef of no bytes}, as protocol buffers write it."""
    return b"\x08\x01\x12\x00"


def test_a_tensorflow_hub_model(web, enter, store, monkeypatch):
    """TensorFlow is no dependency: the SavedModel is read as the protocol buffer that it is."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    files = {
        "saved_model.pb": saved_model(),
        "variables/variables.index": noise(100),
        "variables/variables.data-00000-of-00001": noise(5_000),
    }
    path = "/google/tiny/1?tf-hub-format=compressed"
    web.files[path] = tarball({f"./{name}": content for name, content in files.items()})
    monkeypatch.setenv("TFHUB_ENDPOINT", web.url)
    enter("model", {"kind": "tfhub", "handle": "https://tfhub.dev/google/tiny/1"})
    folder = fetched()
    assert {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()} == set(files)
    # tensorflow/core/protobuf/saved_model.proto, as far as it matters here
    proto = descriptor_pb2.FileDescriptorProto(name="saved_model.proto", package="t", syntax="proto3")
    graph = proto.message_type.add(name="MetaGraphDef")
    model = proto.message_type.add(name="SavedModel")
    model.field.add(name="saved_model_schema_version", number=1, type=3, label=1)
    model.field.add(name="meta_graphs", number=2, type=11, label=3, type_name=f".t.{graph.name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(proto)
    read = message_factory.GetMessageClass(pool.FindMessageTypeByName("t.SavedModel"))()
    read.ParseFromString((folder / "saved_model.pb").read_bytes())
    assert (read.saved_model_schema_version, len(read.meta_graphs)) == (1, 1)


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_at_an_https_address(kind, web, enter, store):
    import torch

    _, weights = checkpoint()
    files = {"weights.pth": weights, "labels/names.csv": b"0,dog\n"}
    packed = (wheel if kind == "zip" else tarball)({f"Tiny/{name}": one for name, one in files.items()})
    web.files[f"/tiny.{kind}"] = packed
    enter("model", {"kind": "url", "urls": [f"{web.url}/tiny.{kind}"]}, files)
    folder = fetched()
    state = torch.load(folder / "weights.pth", weights_only=True)
    assert state["weight"].shape == (2, 3)
    assert (folder / "labels" / "names.csv").read_bytes() == b"0,dog\n"


def test_only_the_named_files_of_an_archive(web, enter, store):
    web.files["/all.zip"] = wheel({"a/one.bin": b"1", "a/two.bin": b"2"})
    web.files["/names.csv"] = b"0,dog\n"
    enter("model", {"kind": "url", "urls": [f"{web.url}/all.zip", f"{web.url}/names.csv"]}, {"two.bin": b"2"})
    assert [path.name for path in fetched().iterdir()] == ["two.bin"]


def test_a_folder(enter, store, transformer, tmp_path):
    (tmp_path / "mine").mkdir()
    for name, content in transformer.items():
        (tmp_path / "mine" / name).write_bytes(content)
    enter("model", {"kind": "folder", "path": str(tmp_path / "mine")}, transformer)
    load_transformer(fetched())
    assert (tmp_path / "mine" / "config.json").exists()


@pytest.fixture
def aws(monkeypatch):
    """S3 and Secrets Manager on this machine."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield
    server.stop()


def test_an_s3_prefix(aws, enter, store, transformer):
    client = boto3.client("s3")
    client.create_bucket(Bucket="weights")
    for name, content in transformer.items():
        client.put_object(Bucket="weights", Key=f"bert/{name}", Body=content)
    large = noise(20_000_000)
    client.put_object(Bucket="weights", Key="bert/more/large.bin", Body=large)
    enter("model", {"kind": "s3", "bucket": "weights", "prefix": "bert"})
    folder = fetched()
    load_transformer(folder)
    assert (folder / "more" / "large.bin").read_bytes() == large


@pytest.mark.slow
def test_a_whisper_of_a_hub(loopback, enter, monkeypatch, tmp_path):
    """The starter's Whisper base, 150 MB in parts over eight connections."""
    import ctranslate2

    folder = store_folder() / "whisper-base"
    hub = loopback()
    hub.storage = loopback()
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    hub.repos["lab/whisper"] = Repo(files, large={"model.bin"})
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path / "models"))
    enter("model", {"kind": "huggingface", "repo": "lab/whisper", "revision": COMMIT})
    network = ctranslate2.models.Whisper(str(fetched()), compute_type="int8")
    assert network.is_multilingual
    assert len([one for one in hub.storage.asked if one.range]) > 8


def test_tar_members_keep_no_owner_and_no_mode(web, enter, store):
    """A set-uid bit of an archive is not taken over."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        entry = tarfile.TarInfo("tool.bin")
        entry.size, entry.mode = 1, 0o6755
        archive.addfile(entry, io.BytesIO(b"1"))
    web.files["/tool.tar.gz"] = content.getvalue()
    enter("model", {"kind": "url", "urls": [f"{web.url}/tool.tar.gz"]})
    assert not (fetched() / "tool.bin").stat().st_mode & 0o6111
