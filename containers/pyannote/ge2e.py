"""GE2E speaker embedding as a pyannote.audio model. Imports torch: imported when a pipeline is loaded.

Method: Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018. Network,
features and weights: Resemblyzer 0.1.4 (https://github.com/resemble-ai/Resemblyzer, Apache-2.0).
"""

from pathlib import Path
from typing import Any

import torch
import torchaudio
from pyannote.audio import Model
from pyannote.audio.core.task import Problem, Resolution, Specifications
from torch import Tensor, nn

from containers.common.models.checkpoints import load_checkpoint

SAMPLE_RATE = 16_000
WINDOW, STEP = 160, 80  # mel frames of 10 ms: the network was trained on 1.6 s
MIN_FRAMES = 5
LEVEL = 10 ** (-30 / 20)  # RMS to which quieter speech is raised: -30 dBFS


class GE2E(Model):
    """Waveforms (batch, 1, samples) at 16 kHz and weights (batch, frames) in, (batch, 256) out.

    Only what `weights` marks as the speaker's is listened to. Embeddings are L2-normalised; a row is NaN
    where the speaker is heard for less than 50 ms.
    """

    dimension = 256

    def __init__(self) -> None:
        super().__init__(sample_rate=SAMPLE_RATE, num_channels=1)
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)
        # librosa.feature.melspectrogram's: power, not decibels
        self.mel = torchaudio.transforms.MelSpectrogram(
            SAMPLE_RATE,
            n_fft=400,
            hop_length=160,
            n_mels=40,
            norm="slaney",
            mel_scale="slaney",
            pad_mode="constant",
        )
        self.specifications = Specifications(
            problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=WINDOW / 100
        )

    def forward(self, waveforms: Tensor, weights: Tensor | None = None, **kwargs: Any) -> Tensor:
        sound = waveforms[:, 0]
        mels = self.mel(sound).transpose(1, 2)
        if weights is None:
            weights = torch.ones(len(sound), 1, device=sound.device)
        spoken = _stretch(weights, mels.shape[1]) > 0.5
        gains = _gains(sound, _stretch(weights, sound.shape[1]) > 0.5)
        windows, owners = [], []
        for row, (mel, mask) in enumerate(zip(mels, spoken, strict=True)):
            if mask.sum() >= MIN_FRAMES:
                cut = _windows(mel[mask] * gains[row] ** 2)
                windows += cut
                owners += [row] * len(cut)
        embeddings = torch.full((len(sound), self.dimension), torch.nan, device=sound.device)
        if windows:
            _, (hidden, _) = self.lstm(nn.utils.rnn.pack_sequence(windows, enforce_sorted=False))
            partial = nn.functional.normalize(torch.relu(self.linear(hidden[-1])))
            for row in sorted(set(owners)):
                mean = partial[torch.tensor(owners) == row].mean(0)
                embeddings[row] = nn.functional.normalize(mean, dim=0)
        return embeddings


def _stretch(weights: Tensor, size: int) -> Tensor:
    """(batch, frames) to (batch, size)."""
    return nn.functional.interpolate(weights[:, None], size=size, mode="nearest")[:, 0]


def _gains(sound: Tensor, mask: Tensor) -> Tensor:
    """What raises each row's marked speech to LEVEL, at least 1, shape (batch,)."""
    power = (sound.square() * mask).sum(1) / mask.sum(1).clamp_min(1)
    return (LEVEL / power.sqrt().clamp_min(1e-5)).clamp_min(1)


def _windows(mel: Tensor) -> list[Tensor]:
    """Windows of 1.6 s, evenly laid about 0.8 s apart so that the last one ends with the speech."""
    room = len(mel) - WINDOW
    if room <= 0:
        return [mel]
    starts = torch.linspace(0, room, max(2, round(room / STEP) + 1)).round().int().tolist()
    return [mel[start : start + WINDOW] for start in starts]


def load_ge2e(path: Path) -> GE2E:
    """The network with the weights of Resemblyzer's `pretrained.pt`."""
    network = GE2E()
    weights = load_checkpoint(path)["model_state"]
    missing, _ = network.load_state_dict(weights, strict=False)  # the loss has two weights of its own
    assert all(name.startswith("mel.") for name in missing), missing
    return network.eval()
