"""Numerals, and what is decoded again."""

import pytest

from containers.whisperx import words
from containers.whisperx.contract import TranscribeRequest


class Vocabulary:
    """Byte-level tokens, as Whisper's: a space is `Ġ`, a pound sign two bytes."""

    texts = ("Ġforty", "Ġ43", "$", "ÂŁ", "\u00c2\u00a3", "%", "ê°Ģ", "ë\u00a3", "<|0.00|>", "9")

    @property
    def hf_tokenizer(self):
        return self

    def get_vocab(self):
        return {text: number for number, text in enumerate(self.texts)}


def test_digits_and_signs_are_numerals_and_half_a_korean_letter_is_none():
    assert words.numerals(Vocabulary(), 8) == {1, 2, 4, 5}


def hypothesis(text, logprob=-0.2, compression=1.0, no_speech=0.1):
    return words.Hypothesis([], text, logprob, no_speech, compression)


@pytest.fixture
def decoded(monkeypatch):
    """`decoded({heat: texts})`: what the decoder says at each temperature; returns what it was asked for."""

    def answers(by_heat):
        asked = []

        def decode(model, encoded, spans, spoken, request, no_repeat=0, before="", temperature=None):
            asked.append((round(temperature, 2), spoken, before))
            return [by_heat[round(temperature, 2)][row] for row in spoken]

        monkeypatch.setattr(words, "decode", decode)
        monkeypatch.setattr(words, "rows", lambda encoded, chosen: encoded)
        return asked

    return answers


def test_what_fails_is_decoded_hotter_until_it_does_not(decoded):
    request = TranscribeRequest(audio="a.wav", temperature_increment_on_fallback=0.4)
    asked = decoded(
        {
            0.4: {"b": hypothesis("loop", compression=3), "c": hypothesis("fine")},
            0.8: {"b": hypothesis("better", logprob=-1.5)},
        }
    )
    first = [hypothesis("good"), hypothesis("loop loop", compression=4), hypothesis("unlikely", logprob=-1.2)]
    found = words.fall_back(None, None, [0, 0, 0], ["a", "b", "c"], request, first, "before")
    assert [each.text for each in found] == ["good", "better", "fine"]
    assert asked == [(0.4, ["b", "c"], "before"), (0.8, ["b"], "")]


def test_silence_does_not_fail_and_without_a_step_nothing_is_tried(decoded):
    silence = hypothesis("Thank you.", logprob=-1.5, no_speech=0.9)
    asked = decoded({})
    request = TranscribeRequest(audio="a.wav", temperature_increment_on_fallback=0.2)
    assert words.fall_back(None, None, [0], ["a"], request, [silence]) == [silence]
    loop = hypothesis("loop", compression=9)
    assert words.fall_back(None, None, [0], ["a"], TranscribeRequest(audio="a.wav"), [loop]) == [loop]
    assert asked == []


def test_the_thresholds_are_the_request_s():
    strict = hypothesis("x", logprob=-0.5, no_speech=0.4)._replace(limits=words.Limits(0.9, -0.4, 0.3))
    assert strict.repeats and strict.is_silence
    assert not hypothesis("x", logprob=-0.5, no_speech=0.4).fails
