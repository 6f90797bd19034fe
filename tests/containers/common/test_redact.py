"""What must never reach a log, and what has to stay readable."""

import json

import pytest

from containers.common.runtime.redact import redact, redacted

SIGNED = (
    "https://bucket.s3.amazonaws.com/talk.mp4?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE"
    "&X-Amz-Security-Token=FwoGZXIvYXdzEBYaD&X-Amz-Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82"
)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (f"{SIGNED} cannot be read.", "https://bucket.s3.amazonaws.com/talk.mp4?[hidden] cannot be read."),
        ("https://kim:geheim@host/x", "https://[hidden]@host/x"),
        ("Authorization: Bearer eyJhbGciOi.J9", "Authorization: Bearer [hidden]"),
        ("the token hf_abcdefghijklmnop is refused", "the token [hidden] is refused"),
        ("key AKIAIOSFODNN7EXAMPLE", "key [hidden]"),
        ("header X-Amz-Security-Token: FwoGZXIvYXdzEBYaD", "header X-Amz-Security-Token: [hidden]"),
        ("s3://bucket/a b?.mp4 cannot be read", "s3://bucket/a b?.mp4 cannot be read"),
        ("Is a hop of 2 s too long? Yes.", "Is a hop of 2 s too long? Yes."),
    ],
)
def test_secrets_go_and_sentences_stay(text: str, cleaned: str) -> None:
    assert redact(text) == cleaned


def test_this_process_s_own_secrets_go_whatever_they_look_like(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG")
    assert redact("signed with wJalrXUtnFEMI/K7MDENG.") == "signed with [hidden]."


def test_json_stays_json() -> None:
    record = {"reason": f'"{SIGNED}"\n', "url": SIGNED, "n": 1}
    cleaned = json.loads(redact(json.dumps(record)))
    assert cleaned == {
        "reason": '"https://bucket.s3.amazonaws.com/talk.mp4?[hidden]"\n',
        "url": "https://bucket.s3.amazonaws.com/talk.mp4?[hidden]",
        "n": 1,
    }


def test_an_error_keeps_its_type_without_the_secret() -> None:
    error = redacted(ValueError(f"{SIGNED} is wrong"))
    assert isinstance(error, ValueError)
    assert str(error) == "https://bucket.s3.amazonaws.com/talk.mp4?[hidden] is wrong"


def test_an_error_whose_text_cannot_be_changed_becomes_another() -> None:
    error = redacted(FileNotFoundError(2, "no such file", SIGNED))
    assert "Signature" not in str(error)


def test_an_error_without_a_secret_is_itself() -> None:
    error = KeyError("name")
    assert redacted(error) is error
