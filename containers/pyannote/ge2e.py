"""GE2E speaker embedding as a pyannote model.

The network and its training: Wan et al., "Generalized End-to-End Loss for Speaker Verification", ICASSP 2018;
the weights and the input they expect (40 mel bands, 25 ms windows every 10 ms, partial utterances of 1.6 s
whose embeddings are averaged, quiet speech raised to -30 dBFS): Resemblyzer.
"""

from pathlib import Path

import numpy as np
import torch
import torchaudio
from pyannote.audio import Model
from pyannote.audio.core.task import Problem, Resolution, Specifications
from torch import Tensor, nn
from torch.nn.functional import interpolate

SAMPLE_RATE = 16_000
PARTIAL = 160  # frames of 10 ms: 1.6 s, what the network was trained on
STEP = 80
LEAST = 20  # frames: with less than 0.2 s of a speaker there is no embedding
LOUDNESS = 10 ** (-30 / 20)  # root mean square


class GE2E(Model):
    """Waveforms (batch, 1, samples) at 16 kHz and weights (batch, frames) in, (batch, 256) out.

    Embeddings are L2-normalised; NaN where a speaker is heard too little.
    """

    dimension = 256

    def __init__(self) -> None:
        super().__init__(sample_rate=SAMPLE_RATE, num_channels=1)
        self.lstm = nn.LSTM(40, 256, 3, batch_first=True)
        self.linear = nn.Linear(256, 256)
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
            problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=1.6
        )

    def forward(self, waveforms: Tensor, weights: Tensor | None = None) -> Tensor:
        mels = self.mel(waveforms[:, 0]).transpose(1, 2)  # (batch, frames, 40)
        active = torch.ones(mels.shape[:2]) if weights is None else _resize(weights, mels.shape[1])
        partials, owners = [], []
        for row in range(len(waveforms)):
            mask = active[row] > 0.5
            if mask.sum() < LEAST:
                continue
            heard = _resize(mask[None].float(), waveforms.shape[2])[0] > 0.5
            loudness = waveforms[row, 0][heard].square().mean().sqrt().clamp_min(1e-5)
            frames = mels[row][mask] * (LOUDNESS / loudness).clamp_min(1) ** 2
            for start in _starts(len(frames)):
                partials.append(frames[start : start + PARTIAL])
                owners.append(row)
        embeddings = torch.full((len(waveforms), self.dimension), torch.nan)
        if partials:
            _, (hidden, _) = self.lstm(nn.utils.rnn.pack_sequence(partials, enforce_sorted=False))
            found = nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)
            owner = torch.tensor(owners)
            for row in owner.unique():
                embeddings[row] = nn.functional.normalize(found[owner == row].mean(0), dim=0)
        return embeddings


def load_ge2e(checkpoint: Path) -> GE2E:
    """The network with Resemblyzer's weights."""
    model = GE2E()
    weights = torch.load(checkpoint, map_location="cpu", weights_only=True)["model_state"]
    own = {name: value for name, value in weights.items() if name.startswith(("lstm.", "linear."))}
    missing, unexpected = model.load_state_dict(own, strict=False)
    assert not unexpected and all(name.startswith("mel.") for name in missing)
    return model.eval()


def _resize(weights: Tensor, length: int) -> Tensor:
    return interpolate(weights[:, None].float(), size=length, mode="nearest")[:, 0]


def _starts(frames: int) -> list[int]:
    if frames <= PARTIAL:
        return [0]
    count = max(1, round((frames - PARTIAL) / STEP)) + 1
    return np.linspace(0, frames - PARTIAL, count).round().astype(int).tolist()
