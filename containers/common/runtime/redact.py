"""What no log may hold, taken out of text: signed URLs, passwords in URLs, tokens, this process's secrets."""

import os
import re

HIDDEN = "[hidden]"
# Whatever ends a URL in a sentence or in JSON.
_URL = r"[^\s\"'<>\\]"
_PATTERNS = (
    (re.compile(rf"(https?://[^\s\"'<>\\?#]+)\?{_URL}*"), rf"\1?{HIDDEN}"),  # signed URLs are all query
    (re.compile(r"(\w+://)[^\s\"'/@\\]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?i)\b(x-amz-(?:signature|security-token|credential)\W{1,3})[^\s\"'&\\]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b(bearer|basic) +[^\s\"'\\]+"), rf"\1 {HIDDEN}"),
    (re.compile(r"\bhf_[A-Za-z0-9]{8,}"), HIDDEN),
    (re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,}"), HIDDEN),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), HIDDEN),
)
_SECRETS = ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_LEAST = 8  # characters; a shorter value would take words out of sentences


def redact(text: str) -> str:
    """The text with `[hidden]` in place of secrets; JSON stays JSON."""
    for name in _SECRETS:
        secret = os.environ.get(name, "")
        if len(secret) >= _LEAST:
            text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redacted(error: Exception) -> Exception:
    """The error, or, where its text holds a secret, one of the same type without it.

    Lambda's runtime logs what a handler raises, and the caller keeps it.
    """
    text = redact(str(error))
    if text == str(error):
        return error
    error.args = (text,)
    return error if str(error) == text else RuntimeError(text)
