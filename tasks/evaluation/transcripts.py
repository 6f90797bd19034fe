"""A transcript against all that is known of a recording: its words, its silence, and its subtitles' guide."""

from typing import Any

from containers.common.contract import Span
from containers.common.documents.speech import Transcript
from tasks.evaluation import silence, subtitling, words
from tasks.evaluation.dataset import Item

MEASURES = [*words.MEASURES, *silence.MEASURES, *subtitling.MEASURES]


def score_transcript(item: Item, found: Transcript, length: float) -> dict[str, Any]:
    """`score_words` of an item of `length` seconds, with words in silence and subtitles. Raises UserError."""
    said, scored = item.utterances(), item.scored()
    spoken = silence.spoken_spans(said, item.true_turns() if item.turns else None)
    ignored = [Span(start=one.start or 0.0, end=one.end or 0.0) for one in said if one.ignored]
    quiet = None if spoken is None else silence.silences([*spoken, *ignored], scored, length)
    return {
        **words.score_words(said, found, item.language, scored),
        **silence.score_silence(quiet, found),
        **subtitling.score_subtitles(found),
    }
