"""A recording that is heard in pieces has the same speakers and turns as one that is heard at once."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from containers.common.errors import StorageError, UserError
from containers.pyannote.windows import Windows, read_windows, write_windows

RATE = 16_000


@pytest.fixture
def handler():
    from containers.pyannote.app import handler

    return lambda **request: handler(request, None)["result"]


@pytest.fixture
def recording(speech, tmp_path) -> Path:
    """The call one and a half times, 44.9 s: its last window is not full."""
    path = tmp_path / "recording.wav"
    soundfile.write(path, np.concatenate([speech, speech])[: round(44.9 * RATE)], RATE, subtype="FLOAT")
    return path


@pytest.mark.slow
def test_pieces_are_the_whole_to_the_last_frame(handler, recording, tmp_path, monkeypatch):
    whole = handler(audio=recording.as_uri())
    assert [speaker["speaker"] for speaker in whole["speakers"]] == ["SPEAKER_00", "SPEAKER_01"]
    from containers.pyannote import pipeline

    monkeypatch.setattr(pipeline, "BLOCK", pipeline.PERIOD)  # else turns of nine minutes are made at once
    pieces = [(0, 20), (20, 33.5), (33.5, None)]
    files = [(tmp_path / f"{number}.npz").as_uri() for number in range(len(pieces))]
    heard = [
        handler(audio=recording.as_uri(), start=start, end=end, windows_uri=file)["windows"]
        for (start, end), file in zip(pieces, files, strict=True)
    ]
    assert heard == [40, 27, 14], "a window every half second; the last one is filled up with silence"
    joined = handler(windows=files, duration=44.9)
    # Sums over other batches round otherwise in the voices' last digits.
    for speaker, same in zip(joined.pop("speakers"), whole.pop("speakers"), strict=True):
        assert speaker.pop("embedding") == pytest.approx(same.pop("embedding"), abs=1e-4)
        assert speaker == pytest.approx(same, abs=1e-4)
    assert joined == whole
    assert len(handler(windows=files, duration=44.9, num_speakers=1)["speakers"]) == 1


@pytest.mark.slow
def test_pieces_of_silence_have_no_speakers(handler, tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(20 * RATE), RATE)
    file = (tmp_path / "0.npz").as_uri()
    handler(audio=(tmp_path / "silence.wav").as_uri(), start=0, windows_uri=file)
    nothing = {"turns": [], "exclusive_turns": [], "voice_activity": [], "speakers": []}
    assert handler(windows=[file], duration=20) == nothing


@pytest.mark.slow
def test_a_long_break_is_no_error(handler, speech, tmp_path, monkeypatch):
    from containers.pyannote import pipeline

    monkeypatch.setattr(pipeline, "BLOCK", pipeline.PERIOD)
    said = speech[: 10 * RATE]
    soundfile.write(
        tmp_path / "break.wav", np.concatenate([said, np.zeros(60 * RATE, np.float32), said]), RATE
    )
    turns = handler(audio=(tmp_path / "break.wav").as_uri())["turns"]
    assert turns[0]["start"] < 10 and turns[-1]["end"] > 70
    assert not [turn for turn in turns if turn["end"] > 11 and turn["start"] < 69]


@pytest.mark.slow
def test_a_piece_begins_with_a_window(handler, recording, tmp_path):
    with pytest.raises(UserError, match=r"^start and end have to be multiples of 0\.5 seconds\.$"):
        handler(audio=recording.as_uri(), start=0.3, windows_uri=(tmp_path / "0.npz").as_uri())


def test_a_file_of_windows_keeps_them(tmp_path):
    random = np.random.default_rng(0)
    parts = [
        Windows(random.random((n, 5, 3)).astype(np.float16), random.random((n, 3, 4)).astype(np.float32))
        for n in (2, 3)
    ]
    parts[0].embeddings[0] = np.nan
    files = [(tmp_path / f"{number}.npz").as_uri() for number in (0, 1)]
    for file, part in zip(files, parts, strict=True):
        write_windows(file, part)
    found = read_windows(files)
    assert (found.scores.dtype, found.embeddings.dtype) == (np.float16, np.float32)
    np.testing.assert_array_equal(found.scores, np.concatenate([part.scores for part in parts]))
    np.testing.assert_array_equal(found.embeddings, np.concatenate([part.embeddings for part in parts]))
    with pytest.raises(StorageError):
        read_windows([(tmp_path / "none.npz").as_uri()])
