"""Which language is spoken where, and which models it has."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.switching import Spoken, heard_language
from containers.common.contract import Span
from containers.common.errors import UserError
from containers.common.models.store import catalogue
from containers.whisperx.contract import LanguageModels
from containers.whisperx.languages import (
    TABLE,
    agree,
    choose_languages,
    cut_utterances,
    join_runs,
    language_of_rest,
    models_of,
    possible_models,
    spoken_most,
)
from containers.whisperx.speech import SAMPLE_RATE, Stretch

MEDIA = Path(__file__).parents[2] / "media"


def voice(*loud: tuple[float, float]) -> tuple[np.ndarray, Stretch]:
    """Sound with pauses in it, all of which voice activity took for speech."""
    audio = np.zeros(round((loud[-1][1] + 1) * SAMPLE_RATE), np.float32)
    for start, end in loud:
        audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 0.1
    whole = Span(start=loud[0][0], end=loud[-1][1])
    return audio, Stretch(whole, [whole])


def test_speech_is_cut_at_pauses():
    found = cut_utterances(*voice((0, 4), (4.1, 6), (7, 11)))
    assert [(part.span.start, part.span.end) for part in found] == [(0, 6), (7, 11)]
    assert [len(part.voiced) for part in found] == [2, 1]
    deaf = Stretch(Span(start=0, end=11), [Span(start=0, end=5), Span(start=7, end=11)])
    assert [part.span.start for part in cut_utterances(np.zeros(0, np.float32), deaf)] == [0, 7]


def test_what_is_too_short_to_tell_stays_with_its_nearer_neighbour():
    found = cut_utterances(*voice((0, 4), (5, 5.5), (6.5, 11)))
    assert [(part.span.start, part.span.end) for part in found] == [(0, 5.5), (6.5, 11)]
    assert len(cut_utterances(*voice((0, 1), (2, 3)))) == 1


def test_a_sure_answer_stands_against_the_mix():
    found = [{"en": 0.97, "de": 0.03}, {"en": 0.02, "de": 0.98}, {"en": 0.97, "de": 0.03}]
    assert choose_languages(found, [6, 6, 6]) == ["en", "de", "en"]


def test_an_unsure_one_follows_the_rest():
    found = [{"ko": 0.9, "ja": 0.1}, {"ko": 0.4, "ja": 0.6}, {"ko": 0.9, "ja": 0.1}]
    assert choose_languages(found, [6, 2, 6]) == ["ko", "ko", "ko"]


def test_only_expected_languages_are_chosen():
    found = [{"th": 0.7, "ko": 0.1, "en": 0.05}, {"en": 0.9, "ko": 0.01, "th": 0.01}]
    assert choose_languages(found, [6, 6]) == ["th", "en"]
    assert choose_languages(found, [6, 6], ["ko", "en"])[1] == "en"
    assert choose_languages(found, [6, 6], ["ko"]) == ["ko", "ko"]
    assert choose_languages([], []) == []


def test_a_stretch_is_looked_at_more_closely_only_where_its_parts_disagree():
    english, german = {"en": 0.8, "de": 0.2}, {"en": 0.3, "de": 0.7}
    assert agree(english, [english, english])
    assert not agree(english, [english, german])
    assert not agree({"en": 0.4, "de": 0.3, "nl": 0.3}, [english])


def test_neighbours_of_one_language_are_decoded_together_with_a_little_of_what_surrounds_them():
    parts = cut_utterances(*voice((0, 4), (5, 9), (9.3, 14)))
    runs = join_runs(parts, ["en", "en", "de"], Span(start=0, end=14.1))
    assert [(part.span.start, part.span.end, language) for part, language in runs] == [
        (0, pytest.approx(9.15), "en"),
        (pytest.approx(9.15), 14.1, "de"),
    ]


def test_a_rest_is_in_the_language_beside_it_unless_it_is_surely_another():
    assert language_of_rest({"ko": 0.9, "en": 0.05}, "en") == "ko"
    assert language_of_rest({"ko": 0.6, "en": 0.3}, "en") == "en"
    assert language_of_rest({"ko": 0.9, "de": 0.08}, "en", ["de", "en"]) == "en"
    assert language_of_rest({"ko": 0.9, "en": 0.05}, "en", ["ko", "en"]) == "ko"


def test_the_language_spoken_most():
    assert spoken_most([("en", 2.0), ("ko", 3.0), ("en", 2.0)]) == "en"
    assert spoken_most([]) is None


def test_every_model_of_the_table_is_in_the_catalogue():
    tasks = {model.id: model.task for model in catalogue().values()}
    for pair in TABLE.values():
        assert pair.model is None or tasks[pair.model] == "transcribe"
        assert pair.aligner is None or tasks[pair.aligner] == "align"
    assert TABLE["ko"] == LanguageModels(model=None, aligner="align-ko")  # its fine-tunes are a choice


def test_models_that_the_store_lacks_are_not_chosen():
    assert models_of("ko", "auto", {}, "whisper-base") == LanguageModels(model="whisper-base", aligner=None)
    assert possible_models("auto", {}, "whisper-base") == ["whisper-base"]


def test_what_has_no_aligner_of_its_own_takes_the_one_for_all(monkeypatch):
    stored = {"align-mms", "align-en"}
    monkeypatch.setattr("containers.whisperx.languages.has_model", stored.__contains__)
    assert models_of("en", "auto", {}, "whisper-base").aligner == "align-en"
    assert models_of("th", "auto", {}, "whisper-base").aligner == "align-mms", "whisperX has none"
    assert models_of("ko", "auto", {}, "whisper-base").aligner == "align-mms", "its own is not stored"
    own = {"ko": LanguageModels(aligner="align-ja")}
    assert models_of("ko", "auto", own, "whisper-base").aligner == "align-ja"
    assert possible_models("auto", {}, "whisper-base") == ["align-en", "align-mms", "whisper-base"]


def test_a_user_s_own_models_come_first():
    own = {"ko": LanguageModels(model="whisper-small"), "xx": LanguageModels(aligner="align-en")}
    assert models_of("ko", "auto", own, "whisper-base").model == "whisper-small"
    assert models_of("ko", "whisper-large-v2", own, "whisper-base").model == "whisper-large-v2"
    assert possible_models("auto", own, "whisper-base") == ["align-en", "whisper-base", "whisper-small"]


@pytest.mark.slow
def test_a_recording_in_three_languages_keeps_each_one_s_words(transcribe):
    """Korean, English and German by espeak-ng (benchmarks/switching.py)."""
    samples, _ = soundfile.read(MEDIA / "switching.flac", dtype="float32")
    truth = [
        Spoken(**spoken) for spoken in json.loads((MEDIA / "switching.json").read_text(encoding="utf-8"))
    ]
    result = transcribe(samples, language="ko,en,de")
    right = [heard_language(result["segments"], spoken) == spoken.language for spoken in truth]
    assert sum(right) >= 0.9 * len(right)
    assert {segment["language"] for segment in result["segments"]} == {"ko", "en", "de"}
    text = {
        code: " ".join(s["text"] for s in result["segments"] if s["language"] == code)
        for code in ("ko", "en", "de")
    }
    assert any("가" <= char <= "힣" for char in text["ko"])
    assert result["language"] in {"ko", "en", "de"}


@pytest.mark.slow
def test_languages_that_are_expected_and_unknown(transcribe, sentence):
    assert transcribe(sentence, language="en,de")["language"] == "en"
    with pytest.raises(UserError, match="does not know the language 'xx'"):
        transcribe(sentence, language="ko,xx")


@pytest.mark.slow
def test_models_of_a_language_that_are_none(transcribe, sentence):
    with pytest.raises(UserError, match="'ge2e-speaker' is no aligner of the catalogue"):
        transcribe(sentence, languages={"en": {"aligner": "ge2e-speaker"}})
