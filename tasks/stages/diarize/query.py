"""A voice that is searched for, heard and embedded as those of an analysis are."""

from pathlib import Path

from containers.common.documents.speakers import Diarization, Speaker
from containers.pyannote.contract import DiarizeRequest
from containers.pyannote.diarizers import DIARIZERS, diarizer_of
from tasks.calls.invoke import invoke

VOICES = [weights.voice for weights in DIARIZERS.values()]  # what may have made an index, the better first


def hear_voices(audio: str, model: str, folder: Path) -> list[Speaker]:
    """Of the sound at `audio`, as first heard; `folder` takes the answer. Raises UserError."""
    result = (folder / "voices.json").as_uri()
    request = DiarizeRequest(audio=audio, diarizer=diarizer_of(model), result_uri=result)
    return invoke("pyannote", request, Diarization).value.speakers
