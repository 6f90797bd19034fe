"""The speaker embedding: Resemblyzer's features and weights inside pyannote."""

import numpy as np
import pytest

from containers.common.models.pyannet import quiet_loading
from containers.common.models.store import open_model

RATE = 16_000
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def embed():
    """`embed(samples, mask)`: the embedding, shape (256,)."""
    import torch

    with quiet_loading():
        from containers.pyannote.ge2e import load_ge2e

    network = load_ge2e(open_model("ge2e-speaker")[0] / "pretrained.pt")

    def call(samples: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
        weights = None if mask is None else torch.from_numpy(mask.astype(np.float32))[None]
        with torch.inference_mode():
            return network(torch.from_numpy(samples)[None, None], weights)[0].numpy()

    return call


def test_one_voice_is_nearer_to_itself_than_to_another(embed, alone):
    one, other = alone.values()
    halves = [embed(part) for voice in (one, other) for part in np.array_split(voice, 2)]
    same = min(halves[0] @ halves[1], halves[2] @ halves[3])
    assert same > max(halves[0] @ halves[2], halves[0] @ halves[3], halves[1] @ halves[2])
    assert all(np.linalg.norm(half) == pytest.approx(1, abs=1e-5) for half in halves)


def test_how_loud_a_quiet_voice_is_does_not_matter(embed, alone):
    voice = next(iter(alone.values())) * 0.1
    assert embed(voice) @ embed(voice * 0.1) > 0.999


def test_only_the_marked_part_is_listened_to(embed, alone):
    one, other = (voice[: 2 * RATE] for voice in alone.values())
    mask = np.array([1] * 50 + [0] * 50)
    assert embed(np.concatenate([one, other]), mask) @ embed(one) > 0.99


def test_too_little_of_a_voice_has_no_embedding(embed, alone):
    voice = next(iter(alone.values()))[:RATE]
    assert np.isnan(embed(voice, np.zeros(50))).all()
    assert np.isfinite(embed(voice[: RATE // 10])).all()


def test_the_features_are_librosa_s(embed, speech):
    import librosa
    import torch

    from containers.pyannote.ge2e import GE2E

    mine = GE2E().mel(torch.from_numpy(speech)).numpy()
    theirs = librosa.feature.melspectrogram(y=speech, sr=RATE, n_fft=400, hop_length=160, n_mels=40)
    np.testing.assert_allclose(mine, theirs, atol=1e-5)
