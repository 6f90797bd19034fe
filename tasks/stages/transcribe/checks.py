"""What a plausible transcript looks like."""

from typing import TYPE_CHECKING, Any

from tasks.checks.table import Rows, Table, in_order

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

FASTEST = 45  # characters a second; fast speakers reach 25, and short interjections look faster
UNSURE = 0.16  # seconds that a segment may really be longer: its edges are words' times, right to 80 ms
# The languages of Whisper's tokenizer (openai/whisper, whisper/tokenizer.py, LANGUAGES).
_LANGUAGES = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht "
    "hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl "
    "ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
)
LANGUAGES = _LANGUAGES.split()


def segments(transcript: dict[str, Any]) -> Rows:
    def seconds(segment: dict[str, Any]) -> float:
        return max(segment["end"] - segment["start"], 0) + UNSURE

    return [
        {
            **segment,
            "language": segment.get("language") or transcript["language"],
            "most_spoken": transcript["language"],
            "said": _letters(segment["text"]) == _letters(_joined(segment)),
            "characters_per_second": len(segment["text"])
            / (max(segment["end"] - segment["start"], 0) + UNSURE),
        }
        for segment in in_order(transcript["segments"])
    ]


def _joined(segment: dict[str, Any]) -> str:
    return "".join(word["word"] for word in segment.get("words", []))


def _letters(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def words(transcript: dict[str, Any]) -> Rows:
    return [
        {**word, "segment_start": segment["start"], "segment_end": segment["end"]}
        for segment in transcript["segments"]
        for word in in_order(segment.get("words", []))
    ]


def _segment_rules() -> "list[Expectation]":
    from tasks.checks import expect

    return [
        *expect.within_media("segment"),
        expect.not_before("Segments are in the order of their starts.", "start", "before"),
        expect.one_of("The language is one that Whisper knows.", "language", LANGUAGES, "warning"),
        expect.there("A segment has a language.", "language", "warning"),
        expect.there("A transcript with segments has a language.", "most_spoken", "warning"),
        expect.one_of(
            "The transcript's language is one that Whisper knows.", "most_spoken", LANGUAGES, "warning"
        ),
        expect.unique_together(
            "A segment is there once.", ["asset", "start", "end", "speaker", "text"], "warning"
        ),
        expect.true("A segment's words are its text.", "said", "warning"),
        expect.between("Nobody speaks that fast.", "characters_per_second", 0, FASTEST, "warning"),
    ]


def _word_rules() -> "list[Expectation]":
    from tasks.checks import expect

    return [
        expect.not_before("A word ends after it starts.", "end", "start"),
        expect.not_before("A word starts inside its segment.", "start", "segment_start"),
        expect.not_before("A word ends inside its segment.", "segment_end", "end"),
        expect.not_before("Words are in the order of their starts.", "start", "before", "warning"),
        expect.between("A word's score is a probability.", "score", 0, 1, "warning"),
    ]


TABLES = (
    Table(
        "segments",
        "transcript.json",
        (
            "start",
            "end",
            "before",
            "latest",
            "language",
            "most_spoken",
            "speaker",
            "text",
            "said",
            "characters_per_second",
        ),
        segments,
        _segment_rules,
    ),
    Table(
        "words",
        "transcript.json",
        ("start", "end", "before", "score", "segment_start", "segment_end"),
        words,
        _word_rules,
    ),
)
