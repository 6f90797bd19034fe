"""What is evaluated is what runs: the analysis' own stages, with its own options."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from containers.common.errors import UserError
from flows.runs.images import running_images
from tasks.evaluation import analysis
from tasks.evaluation.analysis import attribute_item, diarize_item, options_of, transcribe_item
from tasks.evaluation.dataset import Item
from tasks.media.demo import sample_speech


def test_options_are_the_analysis_own() -> None:
    chosen = options_of("transcription", "whisper-base", {"denoise": "on", "beam_size": 3})
    assert (chosen.whisper_model, chosen.denoise, chosen.beam_size) == ("whisper-base", "on", 3)
    assert options_of("diarization", "community-1", {}).diarizer == "community-1"


@pytest.mark.parametrize(
    ("kind", "model", "given", "sentence"),
    [
        (
            "transcription",
            "auto",
            {"num_speakers": 2},
            "transcription does not use the option 'num_speakers'",
        ),
        ("diarization", "auto", {"denoise": "on"}, "diarization does not use the option 'denoise'"),
        ("diarization", "large-v3", {}, "diarization: diarizer: Input should be 'auto', 'community-1'"),
        ("diarization", "auto", {"min_speakers": 3, "max_speakers": 2}, "min_speakers is larger"),
    ],
)
def test_what_a_kind_cannot_use_is_refused(kind, model: str, given: dict, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        options_of(kind, model, given)


def test_who_says_what_takes_one_decoding_of_the_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def decode(*_: object, **given: object) -> SimpleNamespace:
        asked.append(given)
        return SimpleNamespace(audio_48k="file:///full", audio_16k="file:///speech")

    stages = {
        "decode": decode,
        "transcribe": lambda *_: SimpleNamespace(models=[], transcript="said"),
        "diarize": lambda *_: SimpleNamespace(models=["a voice's"], diarization="turns"),
    }
    for name, stage in stages.items():
        monkeypatch.setattr(analysis, name, SimpleNamespace(fn=stage))
    monkeypatch.setattr(analysis, "assign_speakers", lambda said, turns: f"{said} by {turns}")
    item = Item(media=sample_speech(), id="call")
    options = options_of("attribution", "auto", {"denoise": "off"})
    found = attribute_item(item, tmp_path, options)
    assert (found.transcript, found.models) == ("said by turns", ["a voice's"])
    assert asked == [{"pictures": False}]


@pytest.mark.slow
def test_denoising_is_evaluated_where_the_analysis_denoises(tmp_path: Path) -> None:
    """The same item with and without: each is heard, and each says which models took part."""
    item = Item(media=sample_speech(), id="call", language="en")
    with running_images():
        ran = {
            mode: transcribe_item(
                item, tmp_path / mode, options_of("transcription", "auto", {"denoise": mode})
            )
            for mode in ("on", "off")
        }
        turns = diarize_item(item, tmp_path / "turns", options_of("diarization", "starter", {}))
    models = {mode: {model.id for model in one.models} for mode, one in ran.items()}
    assert models["on"] - models["off"] == {"deepfilternet3"}
    assert ran["on"].transcript != ran["off"].transcript
    assert len({turn.speaker for turn in turns.diarization.turns}) == 2
