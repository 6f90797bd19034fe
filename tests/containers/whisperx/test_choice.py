"""Which Whisper `auto` is: the best that is stored and that the machine can run, with the reason."""

import pytest

from containers.whisperx.choice import (
    WHISPERS,
    Choice,
    Machine,
    best_whisper,
    task_machine,
    this_machine,
)
from containers.whisperx.contract import TranscribeRequest
from containers.whisperx.languages import best_of, first_model, models_of

LARGE = Machine(64_000, 16)


@pytest.fixture
def stored(monkeypatch):
    """`stored("whisper-small", ...)`: what the store has."""

    def have(*models: str) -> None:
        monkeypatch.setattr("containers.whisperx.choice.has_model", lambda model: model in models)

    return have


def test_every_whisper_of_the_catalogue_s_profiles_is_ranked():
    assert list(WHISPERS) == [
        "whisper-large-v3-turbo",
        "whisper-large-v3",
        "whisper-large-v2",
        "whisper-small",
        "whisper-base",
    ]


def test_the_best_that_is_stored(stored):
    stored("whisper-base", "whisper-small", "whisper-large-v3")
    assert best_whisper(LARGE) == Choice("whisper-large-v3", "")
    stored(*WHISPERS)
    assert best_whisper(LARGE).told == "whisper-large-v3-turbo"


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        (
            Machine(16_000, 2),
            "whisper-small (whisper-large-v3-turbo wants 4 processors or a GPU, there are 2)",
        ),
        (Machine(16_000, 2, gpu=True), "whisper-large-v3-turbo"),
        (Machine(2_500, 8), "whisper-small (whisper-large-v3-turbo wants 3200 MB of memory, there are 2500)"),
        (Machine(1_000, 1), "whisper-base (whisper-large-v3-turbo wants 3200 MB of memory, there are 1000)"),
    ],
)
def test_what_the_machine_cannot_run_is_left_out_with_the_reason(stored, machine, told):
    stored(*WHISPERS)
    assert best_whisper(machine).told == told


def test_what_was_not_trained_to_translate_is_not_chosen_for_it(stored):
    stored(*WHISPERS)
    assert best_whisper(LARGE, "translate").told == "whisper-large-v3"
    assert best_of(TranscribeRequest(audio="a.wav", task="translate")) != "whisper-large-v3-turbo"


def test_an_empty_store_names_the_smallest(stored):
    stored()
    assert best_whisper(LARGE) == Choice("whisper-base", "")


def test_the_machine_is_no_larger_than_its_limits(monkeypatch):
    assert this_machine(1).memory_mb == 1
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    assert this_machine().memory_mb == 128
    assert task_machine((4096, 8192)) == Machine(8192, 4)


def test_the_same_whisper_for_every_language_but_those_that_have_one(stored):
    stored(*WHISPERS)
    asked = TranscribeRequest(
        audio="file:///x", best="whisper-large-v3", languages={"ko": {"model": "whisper-small"}}
    )
    assert best_of(asked) == "whisper-large-v3"
    assert models_of("de", "auto", asked.languages, best_of(asked)).model == "whisper-large-v3"
    assert models_of("ko", "auto", asked.languages, best_of(asked)).model == "whisper-small"
    assert first_model(asked.model_copy(update={"language": "ko"})) == "whisper-small"
    assert first_model(asked) == "whisper-large-v3"
