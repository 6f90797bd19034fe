"""A clip's voice is embedded by the diarizer whose voices the index holds, not by the best in the store."""

from pathlib import Path

import pytest

from containers.common.contract import Answer
from containers.common.documents.speakers import Diarization, Speaker
from containers.common.errors import UserError
from containers.pyannote.contract import DiarizeRequest
from tasks.search import query
from tasks.search.library import MODELS


@pytest.mark.parametrize(
    ("model", "diarizer"),
    [("pyannote-community-1", "community-1"), ("pyannote-wespeaker", "3.1"), ("ge2e-speaker", "starter")],
)
def test_the_index_s_model_decides_who_embeds_the_clip(monkeypatch, tmp_path, model, diarizer):
    assert model in MODELS["voice"]
    asked: list[DiarizeRequest] = []

    def invoke(image: str, request: DiarizeRequest, result_type: type) -> Answer:
        asked.append(request)
        speaker = Speaker(speaker="SPEAKER_00", model=model, embedding=[1.0])
        found = Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[speaker])
        return Answer(result=found, compute_seconds=0)

    monkeypatch.setattr("tasks.stages.diarize.query.invoke", invoke)
    monkeypatch.setattr(query, "read_sound", lambda path, folder: (folder / "sound.wav").as_uri())
    assert query._voice(Path("clip.wav"), None, model, tmp_path).tolist() == [[1.0]]
    assert asked[0].diarizer == diarizer
    with pytest.raises(UserError, match="analyse the media again"):
        query._voice(Path("clip.wav"), None, "another", tmp_path)
