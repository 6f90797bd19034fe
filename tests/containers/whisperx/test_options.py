"""whisperX's options, with the starter models."""

from dataclasses import replace

import jiwer
import pytest

from benchmarks.switching import speak
from containers.common.contract import Span
from containers.whisperx import transcript, words
from containers.whisperx.speech import Stretch
from containers.whisperx.transcript import Before, Passage


def text(result: dict) -> str:
    return " ".join(segment["text"] for segment in result["segments"])


def hypothesis(said: str, **changes: float) -> words.Hypothesis:
    return words.Hypothesis([], said, -0.2, 0.1, 1.0)._replace(**changes)


def test_a_text_goes_on_in_its_own_language_and_after_no_loop():
    part, before = Passage(Stretch(Span(start=0, end=1), []), "ko"), Before()
    before.follow(part, hypothesis("하나"))
    before.follow(part, hypothesis("둘"))
    assert (before.of("ko"), before.of("en")) == (" 하나 둘", "")
    before.follow(part._replace(language="en"), hypothesis("three"))
    assert (before.of("ko"), before.of("en")) == ("", " three")
    before.follow(part._replace(language="en"), hypothesis("la la la", compression=9.0))
    assert before.of("en") == ""
    assert replace(before, text="x").of("en") == "x"


@pytest.mark.slow
def test_numbers_are_written_as_words(transcribe):
    said = speak("en", "The house number is forty seven, and the price is two hundred dollars.")
    usual, spelled = text(transcribe(said)), text(transcribe(said, suppress_numerals=True))
    assert any(char.isdigit() for char in usual)
    assert not any(char in "0123456789$%" for char in spelled)
    assert "forty" in spelled.lower()


@pytest.mark.slow
def test_what_is_said_is_translated_into_english(transcribe):
    said = speak("de", "Guten Morgen. Heute ist das Wetter sehr schön und wir gehen in den Wald.")
    found = transcribe(said, task="translate", language="de")
    assert "good morning" in text(found).lower()
    assert found["language"] == "en"
    assert {(each["language"], each["translated_from"]) for each in found["segments"]} == {("en", "de")}
    assert found["word_times"] == {"en": "whisper"}


@pytest.mark.slow
def test_each_stretch_goes_on_with_what_was_said_before(transcribe, speech, written, plain, monkeypatch):
    given = []
    decode = words.decode

    def spy(*args, **options):
        given.append(options.get("before", ""))
        return decode(*args, **options)

    monkeypatch.setattr(transcript.words, "decode", spy)
    found = transcribe(speech, condition_on_previous_text=True, chunk_size=8)
    said = " ".join(line for *_, line in written)
    assert jiwer.wer(plain(said), plain(text(found))) < 0.25
    assert given[0] == "" and max(map(len, given)) > 50
    starts = [segment["start"] for segment in found["segments"]]
    assert starts == sorted(starts)


@pytest.mark.slow
def test_a_text_that_fails_is_sampled_and_the_same_every_time(transcribe, sentence, plain):
    """A threshold that no text reaches: each temperature is tried, and the likeliest text taken."""
    options = {"logprob_threshold": 0, "temperature_increment_on_fallback": 0.5}
    one, other = (text(transcribe(sentence, **options)) for _ in range(2))
    assert one == other
    assert (
        jiwer.wer(
            plain("Okay then I thought you know I heard a beep this is Diane in New Jersey"), plain(one)
        )
        < 0.5
    )
