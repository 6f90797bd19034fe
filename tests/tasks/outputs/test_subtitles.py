"""What a video player is given: SRT and WebVTT that FFmpeg reads, RTTM that pyannote reads."""

import html
import re
from itertools import pairwise
from pathlib import Path

import av
import pytest

from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from tasks.outputs.cues import BETWEEN, list_cues
from tasks.outputs.lines import LIMITS, USUAL, count_columns
from tasks.outputs.subtitles import to_rttm, to_srt, to_vtt
from tasks.outputs.writing import LINES, LONGEST

SENTENCE = "At least, you know, they all call me a Yankee down here, so what can I possibly say about it?"


def spoken(text: str, start: float = 0.0, speaker: str | None = None, step: float = 0.3) -> Segment:
    said = [
        Word(word=word, start=round(start + n * step, 3), end=round(start + n * step + 0.25, 3), score=1)
        for n, word in enumerate(text.split())
    ]
    return Segment(start=said[0].start, end=said[-1].end, text=text, speaker=speaker, words=said)


def transcript(*segments: Segment) -> Transcript:
    return Transcript(segments=list(segments), language="en")


def read_back(folder: Path, name: str, content: str) -> list[tuple[float, float, str]]:
    """Start, end and text of each cue as FFmpeg's own reader finds them."""
    path = folder / name
    path.write_text(content, encoding="utf-8")
    with av.open(str(path)) as container:
        return [
            (
                float(packet.pts * packet.time_base),
                float((packet.pts + packet.duration) * packet.time_base),
                bytes(packet).decode(),
            )
            for packet in container.demux(subtitles=0)
            if packet.size
        ]


TWO_SPEAKERS = transcript(
    spoken("Hello?", 6.69, "SPEAKER_00"),
    spoken(SENTENCE, 24.06, "SPEAKER_01"),
)


def test_a_short_transcript_as_srt():
    assert to_srt(TWO_SPEAKERS).split("\n\n")[0] == "1\n00:00:06,690 --> 00:00:07,808\n[SPEAKER_00] Hello?"


def test_a_short_transcript_as_vtt():
    first = to_vtt(TWO_SPEAKERS).split("\n\n")[:2]
    assert first == ["WEBVTT", "00:00:06.690 --> 00:00:07.523\n<v SPEAKER_00>Hello?</v>"]


@pytest.mark.parametrize(("name", "write"), [("a.srt", to_srt), ("a.vtt", to_vtt)])
def test_ffmpeg_reads_every_cue_with_its_times_and_all_text(tmp_path, name, write):
    cues = read_back(tmp_path, name, write(TWO_SPEAKERS))
    assert cues[0][:2] == pytest.approx((6.69, 7.808 if name == "a.srt" else 7.523))
    assert all(start < end for start, end, _ in cues)
    assert all(before[1] <= after[0] for before, after in pairwise(cues))
    text = " ".join(re.sub(r"</?v[^>]*>|\[SPEAKER_\d+\] ", "", text) for _, _, text in cues)
    assert " ".join(text.split()) == f"Hello? {SENTENCE}"


@pytest.mark.parametrize("write", [to_srt, to_vtt])
def test_cues_have_at_most_two_short_lines_and_begin_and_end_with_a_word(write):
    blocks = [block for block in write(TWO_SPEAKERS).split("\n\n") if "-->" in block]
    assert len(blocks) > 2
    for block in blocks:
        lines = block.strip().split("-->")[1].splitlines()[1:]
        shown = [re.sub(r"</?v[^>]*>", "", line) for line in lines]
        assert 1 <= len(shown) <= LINES
        assert all(len(line) <= USUAL.line for line in shown)


def test_slow_speech_is_cut_after_seven_seconds(tmp_path):
    slow = transcript(spoken("one two three four five six", step=3.0))
    cues = read_back(tmp_path, "slow.srt", to_srt(slow))
    assert [text for *_, text in cues] == ["one two three", "four five six"]
    assert all(end - start <= LONGEST for start, end, _ in cues)


def test_what_vtt_takes_for_markup_is_escaped():
    vtt = to_vtt(transcript(spoken("<b>Tom</b> & Jerry --> cheese", speaker="A&B")))
    payload = vtt.split("\n", 3)[3].strip()
    assert payload == "<v A&amp;B>&lt;b&gt;Tom&lt;/b&gt; &amp; Jerry --&gt; cheese</v>"
    assert html.unescape(payload) == "<v A&B><b>Tom</b> & Jerry --> cheese</v>"


def test_languages_without_spaces_get_none():
    said = [Word(word=word, start=n, end=n + 0.9, score=1) for n, word in enumerate(["こんにちは", "元気"])]
    segment = Segment(start=0, end=1.9, text="こんにちは元気", words=said)
    assert "こんにちは元気" in to_srt(transcript(segment))


@pytest.mark.parametrize("language", ["ko", "ja", "zh"])
def test_wide_characters_have_shorter_lines(language):
    said = [Word(word="말씀드리겠습니다", start=n, end=n + 0.9, score=1) for n in range(12)]
    text = ("" if language != "ko" else " ").join(word.word for word in said)
    wide = Segment(start=0, end=12, text=text, language=language, words=said)
    cues = list(list_cues(transcript(wide)))
    assert len(cues) > 2
    assert max(count_columns(line) for cue in cues for line in cue.lines) <= LIMITS[language].line
    assert all(len(cue.lines) <= LINES for cue in cues)


def test_marks_take_no_column_and_stay_with_their_letter():
    """Thai writes vowels and tones above and below its letters."""
    thai = "ที่นี่" * 20  # two letters each, with two marks on either
    assert count_columns(thai) == 40
    thai *= 2
    said = Segment(start=0, end=5, text=thai, language="th")
    (cue,) = list_cues(Transcript(segments=[said], language="th"))
    assert [count_columns(line) for line in cue.lines] == [40, 40]
    assert "".join(cue.lines) == thai and cue.lines[1][0] in "ทน"


def test_a_cue_stays_until_it_is_read_or_the_next_one_comes():
    quick = spoken("Thirty letters in half a second.", step=0.1)
    alone, followed = transcript(quick), transcript(quick, spoken("Yes.", start=1.0))
    assert [cue.end for cue in list_cues(alone)] == [pytest.approx(32 / USUAL.speed, abs=0.001)]
    assert next(list_cues(followed)).end == pytest.approx(1.0 - BETWEEN, abs=0.001)
    assert all(cue.end - cue.start <= LONGEST for cue in list_cues(alone))


def test_a_segment_without_word_times_is_shown_whole():
    assert "no word times" in to_vtt(transcript(Segment(start=1, end=2, text="no word times")))


def test_hours_are_counted(tmp_path):
    late = transcript(spoken("Late.", 3 * 3600 + 59 * 60 + 59.75))
    assert "03:59:59,750 --> 04:00:00,583" in to_srt(late)


def test_silence_gives_files_without_cues(tmp_path):
    assert to_srt(transcript()) == ""
    assert to_vtt(transcript()) == "WEBVTT\n"


def test_rttm_is_what_pyannote_reads(tmp_path):
    from pyannote.database.util import load_rttm

    turns = [Turn(speaker="SPEAKER_00", start=1.0, end=2.5), Turn(speaker="SPEAKER_01", start=2.0, end=3.0)]
    heard = Diarization(turns=turns, exclusive_turns=[], voice_activity=[], speakers=[])
    path = tmp_path / "a.rttm"
    path.write_text(to_rttm(heard, "my call"))
    read = load_rttm(path)["my_call"]
    assert [(turn.start, turn.end, label) for turn, _, label in read.itertracks(yield_label=True)] == [
        (1.0, 2.5, "SPEAKER_00"),
        (2.0, 3.0, "SPEAKER_01"),
    ]
    nobody = Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[])
    assert to_rttm(nobody, "a") == ""
