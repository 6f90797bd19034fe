"""Sentences to find others of their meaning by."""

from collections.abc import Sequence
from typing import Any

from tasks.stages.meaning.run import SentenceVector


def sentence_rows(sentences: Sequence[SentenceVector]) -> list[dict[str, Any]]:
    """One for each segment of the transcript."""
    return [
        {
            "model": each.model,
            "vector": each.vector,
            "metadata": {"kind": "text", "time": each.start, "end": each.end},
        }
        for each in sentences
    ]
