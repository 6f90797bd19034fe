"""Who speaks when: a short recording is one call, a long one is heard in pieces and clustered once."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from containers.common.contract import Answer
from containers.common.documents.speakers import Diarization, Speaker, Turn
from containers.common.errors import UserError
from containers.common.storage import local_path
from containers.pyannote.contract import DiarizeRequest, GroupRequest, HearRequest, WindowScores
from tasks.calls.pieces import even_pieces
from tasks.calls.progress import listen
from tasks.stages.diarize import run as stage
from tasks.stages.options import AnalyzeOptions

RATE = 16_000


class Image:
    """In place of the pyannote image; it finds nobody."""

    def __init__(self) -> None:
        self.requests: list = []
        self.fails = False

    def __call__(self, image: str, request, result_type: type) -> Answer:
        assert image == "pyannote"
        self.requests.append(request)
        if isinstance(request, HearRequest):
            if self.fails:
                raise UserError("There is no image 'pyannote' here.")
            Path(str(local_path(request.windows_uri))).write_bytes(b"windows")
            return Answer(result=WindowScores(windows=1, diarizer="3.1"), compute_seconds=1)
        if isinstance(request, GroupRequest):
            assert all(Path(str(local_path(uri))).exists() for uri in request.windows)
        result = Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[])
        return Answer(result=result, compute_seconds=1)


@pytest.fixture
def image(monkeypatch) -> Image:
    image = Image()
    monkeypatch.setattr(stage, "invoke", image)
    monkeypatch.setattr(stage, "even_pieces", lambda duration: even_pieces(duration, 10))
    return image


def diarize(folder: Path, seconds: float, **options) -> stage.DiarizedAudio:
    soundfile.write(folder / "audio.wav", np.zeros(round(seconds * RATE)), RATE)
    return stage.diarize.fn((folder / "audio.wav").as_uri(), folder, AnalyzeOptions(**options))


def test_a_short_recording_is_one_call(image, tmp_path):
    diarize(tmp_path, 14, num_speakers=2, diarizer="community-1")
    (request,) = image.requests
    assert isinstance(request, DiarizeRequest) and request.num_speakers == 2
    assert request.diarizer == "community-1"


def test_a_long_one_is_heard_in_pieces_and_clustered_once(image, tmp_path):
    seen: list[float] = []
    undo = listen(lambda name, fraction: seen.append(fraction))
    output = diarize(tmp_path, 44, max_speakers=3)
    undo()
    *heard, group = image.requests
    heard.sort(key=lambda request: request.start)
    assert [(request.start, request.end) for request in heard] == [(0, 10), (10, 20), (20, 30), (30, None)]
    assert group.windows == [request.windows_uri for request in heard]
    assert (group.duration, group.max_speakers) == (44, 3)
    assert {request.diarizer for request in heard} == {"auto"}
    assert group.diarizer == "3.1", "the one that heard them"
    assert seen == sorted(seen) and len(seen) == 4
    assert output.compute_seconds == 5
    assert [path.name for path in tmp_path.iterdir()] == ["audio.wav"], "the pieces' files are gone"


def test_each_channel_is_one_speakers(monkeypatch, tmp_path):
    spans = {"one": [(0.0, 2.0), (5.0, 6.0)], "two": [(1.5, 3.0)]}

    def invoke(image: str, request, result_type: type) -> Answer:
        assert request.num_speakers == 1
        turns = [Turn(speaker="SPEAKER_00", start=start, end=end) for start, end in spans[request.audio]]
        speaker = Speaker(speaker="SPEAKER_00", model="made", embedding=[1.0])
        heard = Diarization(turns=turns, exclusive_turns=turns, voice_activity=turns, speakers=[speaker])
        return Answer(result=heard, compute_seconds=1)

    monkeypatch.setattr(stage, "invoke", invoke)
    monkeypatch.setattr(stage, "duration_of", lambda audio: 6.0)
    output = stage.diarize_channels.fn(["one", "two"], tmp_path, AnalyzeOptions(num_speakers=2))
    found = output.diarization
    said = [(turn.speaker, turn.start, turn.end) for turn in found.turns]
    assert said == [("SPEAKER_00", 0, 2), ("SPEAKER_01", 1.5, 3), ("SPEAKER_00", 5, 6)], "overlap is kept"
    one_each = [(turn.speaker, turn.start, turn.end) for turn in found.exclusive_turns]
    assert one_each == [("SPEAKER_00", 0, 2), ("SPEAKER_01", 2, 3), ("SPEAKER_00", 5, 6)]
    assert [(span.start, span.end) for span in found.voice_activity] == [(0, 3), (5, 6)]
    assert [speaker.speaker for speaker in found.speakers] == ["SPEAKER_00", "SPEAKER_01"]
    assert output.compute_seconds == 2
    assert found.note is None
    wanted = stage.diarize_channels.fn(["one", "two"], tmp_path, AnalyzeOptions(min_speakers=3))
    assert wanted.diarization.note == "asked for at least 3 speakers, heard 2"


def test_a_piece_that_fails_fails_the_stage_and_leaves_nothing(image, tmp_path):
    image.fails = True
    with pytest.raises(UserError, match="no image"):
        diarize(tmp_path, 44)
    assert [path.name for path in tmp_path.iterdir()] == ["audio.wav"]


@pytest.mark.parametrize(("seconds", "count"), [(0.01, 1), (899, 1), (901, 2), (36_000, 60), (36_299, 60)])
def test_pieces_are_even(seconds, count):
    pieces = even_pieces(seconds)
    assert len(pieces) == count
    assert (pieces[0].start, pieces[-1].end) == (0, seconds)
    assert all(before.end == after.start == 600 * n for n, (before, after) in enumerate(pairwise(pieces), 1))
    assert count == 1 or 300 <= pieces[-1].end - pieces[-1].start < 900


def test_what_was_asked_for_and_cannot_be_is_told():
    said = Diarization(
        turns=[], exclusive_turns=[], voice_activity=[], speakers=[], note="asked for 4 speakers, heard 2"
    )
    assert stage.DiarizedAudio(diarization=said).summary.endswith("(asked for 4 speakers, heard 2)")
    plain = stage.DiarizedAudio(diarization=said.model_copy(update={"note": None}))
    assert plain.summary == "0 speakers, 0 turns"
