"""Weights laid out as pyannote publishes its pipelines.

The gated weights themselves are not here. Of the true architectures: segmentation is the starter's trained
network with its three outputs put together to a powerset, embedding is WeSpeaker's ResNet34 with random
weights, and so is the PLDA. Settings are the publisher's, but for VBx's Fa and Fb, with which it would take a
few seconds of such voices for one person.
"""

from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import yaml

from containers.common.models import store as models
from containers.common.models.checkpoints import PYANNOTE, only_weights
from containers.common.models.pyannet import SEGMENTATION, SEGMENTATION_FILE, quiet_loading
from tasks.media.demo import sample_speech

ENTRY = """
[[model]]
id = "{id}"
task = "diarize"
title = "{id} with weights of a test"
revision = "1"
licence = "none"
profile = "gated"
source = {{ kind = "huggingface", repo = "pyannote/{id}", revision = "1" }}
files = [{files}]
"""
PIPELINE = "pyannote.audio.pipelines.SpeakerDiarization"
BATCHES = {"segmentation_batch_size": 32, "embedding_batch_size": 32, "embedding_exclude_overlap": True}


def make_published(store: Path) -> None:
    """The four models into `store`, and catalogue.toml with their hashes."""
    community = store / "pyannote-community-1"
    _segmentation(community / "segmentation" / "pytorch_model.bin")
    _embedding(community / "embedding" / "pytorch_model.bin")
    make_plda(community / "plda")
    _write(
        community / "config.yaml",
        {
            "dependencies": {"pyannote.audio": "4.0.0"},
            "pipeline": {
                "name": PIPELINE,
                "params": {
                    "clustering": "VBxClustering",
                    "segmentation": "$model/segmentation",
                    "embedding": "$model/embedding",
                    "plda": "$model/plda",
                    **BATCHES,
                },
            },
            "params": {
                "clustering": {"threshold": 0.6, "Fa": 0.4, "Fb": 0.1},
                "segmentation": {"min_duration_off": 0.0},
            },
        },
    )
    for name, part in (("segmentation-3.0", "segmentation"), ("wespeaker", "embedding")):
        (store / f"pyannote-{name}").mkdir()
        (store / f"pyannote-{name}" / "pytorch_model.bin").hardlink_to(community / part / "pytorch_model.bin")
    _write(
        store / "pyannote-diarization-3.1" / "config.yaml",
        {
            "version": "3.1.0",
            "pipeline": {
                "name": PIPELINE,
                "params": {
                    "clustering": "AgglomerativeClustering",
                    "segmentation": "pyannote/segmentation-3.0",
                    "embedding": "pyannote/wespeaker-voxceleb-resnet34-LM",
                    **BATCHES,
                },
            },
            "params": {
                "clustering": {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7045654963945799},
                "segmentation": {"min_duration_off": 0.0},
            },
        },
    )
    list_models(store)


def list_models(store: Path) -> None:
    """catalogue.toml for the folders of pyannote's models that `store` has."""
    entries = []
    for folder in sorted(store.glob("pyannote-*")):
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        listed = [
            f'{{ name = "{path.relative_to(folder)}", sha256 = "{models.sha256_of(path)}", '
            f"size = {path.stat().st_size} }}"
            for path in files
        ]
        entries.append(ENTRY.format(id=folder.name, files=", ".join(listed)))
    (store / "catalogue.toml").write_text("".join(entries), encoding="utf-8")


def _write(path: Path, config: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(config), encoding="utf-8")


def _save(network: Any, path: Path) -> None:
    import torch

    path.parent.mkdir(parents=True)
    checkpoint = {
        "state_dict": network.state_dict(),
        "hyper_parameters": dict(network.hparams),
        "pytorch-lightning_version": "2.0.0",
    }
    network.on_save_checkpoint(checkpoint)
    torch.save(checkpoint, path)


def _segmentation(path: Path) -> None:
    import torch
    from pyannote.audio import Model
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.segmentation import PyanNet

    with quiet_loading(), only_weights(PYANNOTE):
        trained: Any = Model.from_pretrained(models.open_model(SEGMENTATION)[0] / SEGMENTATION_FILE)
    network: Any = PyanNet(**{name: dict(trained.hparams[name]) for name in ("sincnet", "lstm", "linear")})
    network.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=10.0,
        classes=["speaker#1", "speaker#2", "speaker#3"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    network.build()
    # Who speaks is independent in the trained network: a set's log odds are the sum of its speakers'.
    sets = torch.tensor([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]]).float()
    weights = trained.state_dict()
    weights["classifier.weight"] = sets @ weights["classifier.weight"]
    weights["classifier.bias"] = sets @ weights["classifier.bias"]
    network.load_state_dict(weights)
    _save(network, path)


def _embedding(path: Path) -> None:
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import WeSpeakerResNet34

    torch.manual_seed(0)
    network: Any = WeSpeakerResNet34()
    network.specifications = Specifications(
        problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=5.0
    )
    # Around zero for the voices of the tests, or all would sound alike.
    sound, rate = soundfile.read(sample_speech(), dtype="float32")
    with torch.inference_mode():
        heard = network.eval()(torch.from_numpy(sound[: 12 * 2 * rate]).reshape(12, 1, -1))
        network.resnet.seg_1.bias -= heard.mean(0)
    _save(network, path)


def make_plda(folder: Path) -> None:
    """x-vectors of 256 to an LDA of 128, as published."""
    random = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    lda = np.linalg.qr(random.normal(size=(256, 128)))[0]
    np.savez(folder / "xvec_transform.npz", mean1=np.zeros(256), mean2=np.zeros(128), lda=lda)
    tr = np.linalg.qr(random.normal(size=(128, 128)))[0]
    psi = np.sort(random.uniform(0.1, 10, 128))[::-1]
    np.savez(folder / "plda.npz", mu=np.zeros(128), tr=tr, psi=psi)
