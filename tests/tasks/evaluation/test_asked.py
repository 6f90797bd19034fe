"""A wrong model or option of an evaluation is one sentence before anything is started."""

from typing import get_args

import pytest

from containers.common.errors import UserError
from tasks.evaluation.asked import check_asked
from tasks.evaluation.run import Kind


@pytest.mark.parametrize("kind", get_args(Kind))
def test_what_is_asked_by_itself_is_right(kind: Kind) -> None:
    check_asked(kind, "auto", {})


@pytest.mark.parametrize(
    ("kind", "model", "sentence"),
    [
        (
            "transcription",
            "whisper-huge",
            "'whisper-huge' is no Whisper of the catalogue: choose whisper-base",
        ),
        ("attribution", "firered-aed", "'firered-aed' is no Whisper of the catalogue"),
        ("speed", "whisper-huge", "'whisper-huge' is no Whisper of the catalogue"),
        ("diarization", "4.0", "diarizer: Input should be"),
        ("video", "large", "detector: Input should be"),
        ("faces", "large", "detector: Input should be"),
        ("denoising", "rust", "engine: Input should be"),
        ("tagging", "panns", "'panns' is no sound tagger for mode clip: choose"),
    ],
)
def test_a_model_that_is_none_is_refused(kind: Kind, model: str, sentence: str) -> None:
    with pytest.raises(UserError) as told:
        check_asked(kind, model, {})
    assert sentence in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("kind", get_args(Kind))
def test_an_option_that_no_model_of_the_kind_has_is_refused(kind: Kind) -> None:
    with pytest.raises(UserError, match="windou"):
        check_asked(kind, "auto", {"windou": 3})


def test_options_are_those_that_the_notebooks_take() -> None:
    check_asked("faces", "tiny", {"face_model": "auto", "min_confidence": 0.5, "input_size": 608})
    check_asked("transcription", "whisper-small", {"beam_size": 8, "denoise": "off"})
    check_asked("tagging", "firered-aed", {"window": 5.0, "hop": 2.0})
    check_asked("speed", "whisper-small", {"items": 1, "images": ["audioset"]})
    with pytest.raises(UserError, match="'pyanote' is not timed here"):
        check_asked("speed", "auto", {"images": ["pyanote"]})
    with pytest.raises(UserError, match="embeds no faces"):
        check_asked("faces", "auto", {"face_model": "insight"})
