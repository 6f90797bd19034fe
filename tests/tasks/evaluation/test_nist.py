"""References as the field writes them: other recordings, overlaps, what is not scored, what may be said."""

from pathlib import Path

import pytest
from pyannote.core import Annotation, Segment
from pyannote.metrics.diarization import DiarizationErrorRate

from containers.common.contract import Span
from containers.common.documents.speakers import Turn
from containers.common.documents.speech import Segment as Said
from containers.common.documents.speech import Transcript, Word
from containers.common.errors import UserError
from tasks.evaluation.nist import Utterance, choices, read_ctm, read_stm, read_turns, read_uem
from tasks.evaluation.references import read_transcript, read_who_speaks
from tasks.evaluation.speakers import score_turns
from tasks.evaluation.words import score_words

STM = """;; both
rec1 1 A 0.0 2.0 hello there
rec1 1 A 2.0 6.0 IGNORE_TIME_SEGMENT_IN_SCORING
rec1 1 B 6.0 8.0 <o,f0> goodbye
"""


def heard(*words: tuple[str, float, float]) -> Transcript:
    found = [Word(word=word, start=start, end=end, score=1) for word, start, end in words]
    text = " ".join(word.word for word in found)
    return Transcript(segments=[Said(start=0, end=9, text=text, words=found)])


def write(folder: Path, name: str, *lines: str) -> Path:
    (folder / name).write_text("\n".join(lines))
    return folder / name


def test_only_the_rows_of_the_recording_count(tmp_path: Path) -> None:
    rttm = write(
        tmp_path,
        "all.rttm",
        "SPKR-INFO a 1 <NA> <NA> <NA> unknown A <NA> <NA>",
        "SPEAKER a 1 0 2 <NA> <NA> A <NA> <NA>",
        "SPEAKER b 1 1 5 <NA> <NA> B <NA> <NA>",
    )
    assert [turn.speaker for turn in read_turns(rttm, "b")] == ["B"]
    stm = write(tmp_path, "all.stm", "a 1 A 0 1 hello", "b 1 B 0 1 good bye")
    assert [said.text for said in read_stm(stm, "a")] == ["hello"]
    ctm = write(tmp_path, "all.ctm", "a 1 0.5 0.25 hello 0.9", "b 1 0 1 no")
    assert read_ctm(ctm, "a") == [Utterance("hello", 0.5, 0.75)]
    uem = write(tmp_path, "all.uem", "a 1 0 5", "b 1 0 7")
    assert read_uem(uem, "b") == [Span(start=0, end=7)]
    with pytest.raises(UserError, match=r"all\.rttm is about several recordings \(a, b\), none is 'c'"):
        read_turns(rttm, "c")


def test_a_file_of_one_recording_is_this_one_s_whatever_it_is_called_there(tmp_path: Path) -> None:
    rttm = write(tmp_path, "x.rttm", "SPEAKER iaaa 1 0 2 <NA> <NA> A <NA> <NA>")
    assert len(read_turns(rttm, "x")) == 1


@pytest.mark.parametrize(
    ("name", "line", "sentence"),
    [
        ("a.rttm", "SPEAKER a 1 nan 2 <NA> <NA> A <NA> <NA>", "a.rttm, line 1: start, duration and speaker"),
        ("a.rttm", "SPEAKER a 1 0 -2 <NA> <NA> A <NA> <NA>", "a.rttm, line 1: start, duration and speaker"),
        ("a.stm", "a 1 A 3 2 hello", "a.stm, line 1: file channel speaker start end text"),
        ("a.ctm", "a 1 0.5 0.25", "a.ctm, line 1: file channel start duration word"),
        ("a.uem", "a 1 5", "a.uem, line 1: file channel start end"),
        ("a.uem", "", "a.uem names nothing"),
        ("a.srt", "hello", "a.srt"),
        ("a.doc", "hello", "a.doc is of no known kind"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, line: str, sentence: str) -> None:
    read = {".rttm": read_turns, ".uem": read_uem}.get(Path(name).suffix, read_transcript)
    with pytest.raises(UserError, match=sentence.replace(".", r"\.")) as told:
        read(write(tmp_path, name, line))
    assert "\n" not in str(told.value)


def test_a_speaker_s_overlapping_turns_are_one_turn() -> None:
    """As pyannote's own metric has it of the joined turns, on either side, also where they lie inside."""
    twice = [
        Turn(start=0, end=10, speaker="A"),
        Turn(start=2, end=4, speaker="A"),
        Turn(start=5, end=15, speaker="A"),
        Turn(start=14, end=20, speaker="B"),
    ]
    whole = Annotation()
    whole[Segment(0, 15), 0], whole[Segment(14, 20), 1] = "A", "B"
    found = [Turn(start=0, end=15, speaker="x"), Turn(start=16, end=20, speaker="y")]
    other = Annotation()
    other[Segment(0, 15), 0], other[Segment(16, 20), 1] = "x", "y"
    theirs = DiarizationErrorRate()(whole, other, uem=Segment(0, 20), detailed=True)
    row = score_turns(twice, found, 20)
    assert row["speech_seconds"] == theirs["total"] == 21
    assert row["missed_seconds"] == pytest.approx(theirs["missed detection"])
    assert score_turns([Turn(start=0, end=15, speaker="A")], twice[:3], 15)["error_seconds"] == 0


def test_only_what_a_uem_names_is_scored() -> None:
    true, found = [Turn(start=0, end=10, speaker="A")], [Turn(start=5, end=15, speaker="x")]
    row = score_turns(true, found, 20, [Span(start=4, end=8), Span(start=12, end=float("inf"))])
    assert (row["speech_seconds"], row["missed_seconds"], row["false_alarm_seconds"]) == (4, 1, 3)


def test_words_in_time_that_is_ignored_do_not_count(tmp_path: Path) -> None:
    stm = write(tmp_path, "a.stm", STM)
    before = [("hello", 0, 1), ("there", 1, 2)]
    ignored = [("one", 2.1, 3), ("two", 3, 4), ("three", 5, 5.9)]
    row = score_words(read_stm(stm), heard(*before, *ignored, ("goodbye", 6, 7)), "en")
    assert (row["words"], row["errors"]) == (3, 0)
    assert score_words(read_stm(stm), heard(*before), "en")["deletions"] == 1


def test_only_words_of_the_part_that_is_scored_count() -> None:
    reference = [Utterance("hello there", 0, 2), Utterance("goodbye", 6, 8)]
    found = heard(("hello", 0, 1), ("their", 1, 2), ("goodbye", 6, 7))
    row = score_words(reference, found, "en", [Span(start=5, end=9)])
    assert (row["said"], row["heard"], row["errors"]) == ("goodbye", "goodbye", 0)


@pytest.mark.parametrize(
    ("text", "found", "errors"),
    [
        ("well (uh) stop", "well stop", 0),
        ("well (uh) stop", "well uh stop", 0),
        ("well (uh) stop", "well no stop", 1),
        ("(uh) the end", "a end", 1),
        ("I { am going to / am gonna / @ } stop", "I am gonna stop", 0),
        ("I { am going to / am gonna / @ } stop", "I stop", 0),
        ("I { am going to / am gonna } stop", "I stop", 2),
    ],
)
def test_of_what_may_be_said_the_best_counts(text: str, found: str, errors: int) -> None:
    words = heard(*((word, place, place + 1) for place, word in enumerate(found.split())))
    assert score_words([Utterance(text, 0, 9, marked=True)], words, "de")["errors"] == errors


def test_a_plain_text_has_no_choices() -> None:
    assert choices("f(x) is {") == [["f(x) is {"]]
    assert choices("") == [[""]]


def test_subtitles_are_references_with_times(tmp_path: Path) -> None:
    srt = write(tmp_path, "a.srt", "1", "00:00:01,500 --> 00:00:02,000", "<i>Hello</i>", "there", "")
    assert read_transcript(srt) == [Utterance("Hello there", 1.5, 2.0)]
    vtt = write(tmp_path, "a.vtt", "WEBVTT", "", "00:01.500 --> 00:02.000", "Hello there", "")
    assert read_transcript(vtt) == [Utterance("Hello there", 1.5, 2.0)]


def test_voices_of_webvtt_are_speakers(tmp_path: Path) -> None:
    lines = ["<v Kate>Hello <i>there</i>,</v> <v.loud Tom>2 &lt; 3.</v>", "00:03.000 --> 00:04.000"]
    more = ["<v Kate &amp; Tom>We <c.yellow>both</c>", "agree.", "", "00:05.000 --> 00:06.000", "Who?", ""]
    vtt = write(tmp_path, "a.vtt", "WEBVTT", "", "00:01.500 --> 00:02.000", lines[0], "", lines[1], *more)
    assert read_transcript(vtt) == [
        Utterance("Hello there,", 1.5, 2.0, "Kate"),
        Utterance("2 < 3.", 1.5, 2.0, "Tom"),
        Utterance("We both agree.", 3.0, 4.0, "Kate & Tom"),
        Utterance("Who?", 5.0, 6.0),
    ]
    assert [(turn.speaker, turn.start) for turn in read_who_speaks(vtt)] == [
        ("Kate", 1.5),
        ("Tom", 1.5),
        ("Kate & Tom", 3.0),
    ]
    silent = write(tmp_path, "b.vtt", "WEBVTT", "", "00:05.000 --> 00:06.000", "Who?", "")
    with pytest.raises(UserError, match="does not say who speaks when"):
        read_who_speaks(silent)
