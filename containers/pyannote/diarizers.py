"""Who tells the speakers apart, and the models of each."""

from typing import NamedTuple

from containers.common.models.pyannet import SEGMENTATION
from containers.common.models.store import has_model
from containers.pyannote.contract import DiarizerName


class Weights(NamedTuple):
    models: tuple[str, ...]  # catalogue ids
    voice: str  # the one of them that holds the embedding network


COMMUNITY = "pyannote-community-1"
# The better first, by their publisher's own error rates.
DIARIZERS: dict[DiarizerName, Weights] = {
    "community-1": Weights((COMMUNITY,), COMMUNITY),
    "3.1": Weights(
        ("pyannote-diarization-3.1", "pyannote-segmentation-3.0", "pyannote-wespeaker"), "pyannote-wespeaker"
    ),
    "starter": Weights((SEGMENTATION, "ge2e-speaker"), "ge2e-speaker"),
}


def choose_diarizer(asked: DiarizerName) -> DiarizerName:
    """`auto` is the best of which the store holds every model, else the starter one."""
    if asked != "auto":
        return asked
    for name, weights in DIARIZERS.items():
        if all(map(has_model, weights.models)):
            return name
    return "starter"


def diarizer_of(voice: str) -> DiarizerName:
    """Whose embeddings are made by the model `voice`."""
    for name, weights in DIARIZERS.items():
        if weights.voice == voice:
            return name
    return "auto"
