"""A long recording is cut where nobody speaks, and its pieces are one transcript again."""

import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile

from containers.common.contract import Answer, ModelRef
from containers.common.documents.speech import Dropped, Segment, Transcript, Word
from containers.common.errors import UserError
from containers.common.media.audio import load_audio
from containers.whisperx.contract import TranscribeRequest
from tasks.calls.invoke import through
from tasks.calls.pieces import cut_pieces, quietest
from tasks.calls.progress import listen
from tasks.stages.options import AnalyzeOptions
from tasks.stages.transcribe import run as stage

RATE = 16_000


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    """100 s of noise with a pause of half a second every ten seconds, from 7.0 s on."""
    samples = np.random.default_rng(0).normal(0, 0.1, 100 * RATE).astype(np.float32)
    for start in range(7, 100, 10):
        samples[start * RATE : start * RATE + RATE // 2] *= 0.001
    path = tmp_path_factory.mktemp("long") / "recording.wav"
    soundfile.write(path, samples, RATE)
    return path


def test_pieces_cover_the_recording_and_meet_in_pauses(recording):
    pieces = cut_pieces(recording.as_uri(), 20)
    assert len(pieces) == 5
    assert pieces[0].start == 0 and pieces[-1].end == 100
    assert all(before.end == after.start for before, after in pairwise(pieces))
    assert all(7.0 <= piece.start % 10 <= 7.5 for piece in pieces[1:])


@pytest.mark.parametrize("seconds", [0.01, 20.0, 29.9])
def test_what_is_not_much_longer_than_a_piece_stays_whole(tmp_path, seconds):
    path = tmp_path / "short.wav"
    soundfile.write(path, np.zeros(round(seconds * RATE), np.float32), RATE)
    (piece,) = cut_pieces(path.as_uri(), 20)
    assert (piece.start, piece.end) == (0, pytest.approx(seconds))


def test_silence_is_cut_in_its_middle():
    assert quietest(np.zeros(10 * RATE, np.float32)) == pytest.approx(5.0, abs=0.02)
    assert quietest(np.zeros(100, np.float32)) == 50 / RATE


@pytest.mark.parametrize("name", ["recording.wav", "recording.flac"])
def test_a_span_is_read_to_the_sample(recording, tmp_path, name):
    whole = load_audio(recording.as_uri(), RATE)
    copy = tmp_path / name
    soundfile.write(copy, whole, RATE)
    for start, end in ((0.0, 1.0), (12.3456, 13.0), (99.5, None), (99.5, 120.0), (101.0, None)):
        span = load_audio(copy.as_uri(), RATE, start, end)
        expected = whole[round(start * RATE) : None if end is None else round(end * RATE)]
        assert len(span) == len(expected)
        np.testing.assert_allclose(span, expected, atol=1e-4)


class Image:
    """In place of the whisperx image: two words at each piece's start, Korean in the last piece."""

    def __init__(self) -> None:
        self.requests: list[TranscribeRequest] = []
        self.at_once = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, image: str, request: TranscribeRequest, result_type: type) -> Answer:
        with self._lock:
            self.requests.append(request)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(0.05)
        with self._lock:
            self.at_once -= 1
        language = "ko" if request.end == 100 else "en"
        words = [
            Word(word="a", start=request.start + n, end=request.start + n + 0.5, score=1) for n in (0, 1)
        ]
        segment = Segment(start=words[0].start, end=words[1].end, text="a a", language=language, words=words)
        lost = Dropped(start=request.start, end=request.start + 1, text="a", reason="repeated 5 times")
        result = Transcript(
            segments=[segment], language=language, dropped=[lost], word_times={language: "whisper"}
        )
        model = ModelRef(id="whisper-base", revision="1", sha256="0")
        return Answer(result=result, models=[model], compute_seconds=1)


@pytest.fixture
def image(monkeypatch) -> Image:
    image = Image()
    monkeypatch.setattr(stage, "invoke", image)
    monkeypatch.setattr(stage, "cut_pieces", lambda audio: cut_pieces(audio, 20))
    return image


def test_pieces_are_transcribed_side_by_side_and_joined_in_order(image, recording, tmp_path):
    seen: list[float] = []
    undo = listen(lambda name, fraction: seen.append(fraction))
    options = AnalyzeOptions(pieces_at_once=2, beam_size=3, hotwords="Bain", language="en,ko")
    output = stage.transcribe.fn(recording.as_uri(), tmp_path, options)
    undo()
    assert image.most == 2
    assert {request.result_uri for request in image.requests} == {
        (tmp_path / f"transcript-{number}.json").as_uri() for number in range(5)
    }
    assert all((request.beam_size, request.hotwords) == (3, "Bain") for request in image.requests)
    starts = [segment.start for segment in output.transcript.segments]
    assert starts == sorted(starts) and len(starts) == 5
    assert output.transcript.language == "en"
    assert output.summary == "10 words, language en (ko too)"
    assert output.figures == {
        "whisper": "whisper-base",
        "word_times": "en: whisper, ko: whisper",
        "dropped": 5,
        "flagged": 0,
    }
    assert output.compute_seconds == 5 and len(output.models) == 1
    assert seen == sorted(seen) and seen[-1] == 1.0


def test_a_piece_that_fails_fails_the_stage(image, recording, tmp_path, monkeypatch):
    def fail(image: str, request: TranscribeRequest, result_type: type) -> Answer:
        raise UserError("There is no image 'whisperx' here.")

    monkeypatch.setattr(stage, "invoke", fail)
    with pytest.raises(UserError, match="no image"):
        stage.transcribe.fn(recording.as_uri(), tmp_path, AnalyzeOptions())


def test_languages_can_be_given_as_a_file(tmp_path):
    table = tmp_path / "languages.toml"
    table.write_text('[ko]\nmodel = "whisper-small"\n\n[cy]\naligner = "align-en"\n')
    options = AnalyzeOptions.model_validate({"languages": str(table)})
    assert options.languages["ko"].model == "whisper-small"
    assert options.languages["cy"].aligner == "align-en"
    with pytest.raises(ValueError, match="cannot be read"):
        AnalyzeOptions.model_validate({"languages": str(tmp_path / "none.toml")})
    table.write_text("[ko")
    with pytest.raises(ValueError, match="is not TOML"):
        AnalyzeOptions.model_validate({"languages": str(table)})


def test_pieces_go_where_the_run_s_images_are(recording, tmp_path):
    """To AWS with `--runtime aws`, although threads of their own send them."""

    class Elsewhere:
        def call(self, image: str, request: dict) -> dict:
            asked.append((image, request["start"]))
            return {"result": {"segments": [], "language": None}}

    asked: list[tuple[str, float]] = []
    with through(Elsewhere()):
        stage.transcribe.fn(recording.as_uri(), tmp_path, AnalyzeOptions())
    assert len(asked) == len(cut_pieces(recording.as_uri())) > 0
    assert {image for image, _ in asked} == {"whisperx"}
