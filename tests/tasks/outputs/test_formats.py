"""What was said, for readers, players, spreadsheets and evaluations; read back by others' tools."""

import csv
import io
import json
import re
import zipfile
from itertools import pairwise
from xml.etree import ElementTree

import av
import docx
import pysubs2
import pytest

from containers.common.documents.sounds import Prediction, Tags
from containers.common.documents.speech import Segment, Transcript, Word
from tasks.evaluation.references import read_transcript
from tasks.outputs.cues import BETWEEN
from tasks.outputs.formats.write import WRITERS, Speech, write_speech
from tasks.outputs.writing import Format, WritingOptions
from tests.tasks.outputs.guide import faults, read
from tests.tasks.outputs.test_subtitle_guide import SAID, spoken

TT, TTM = "{http://www.w3.org/ns/ttml}", "{http://www.w3.org/ns/ttml#metadata}"
XML = "{http://www.w3.org/XML/1998/namespace}"
NO_TAGS = Tags(predictions=[])
ALL = WritingOptions.model_validate({"formats": "all"})


def said(*parts: tuple[str, float, str | None]) -> Transcript:
    """Segments of (text, start, speaker), a word each 0.4 s."""
    segments = []
    for text, start, speaker in parts:
        words = [
            Word(word=word, start=start + 0.4 * n, end=start + 0.4 * n + 0.3, score=0.9, speaker=speaker)
            for n, word in enumerate(text.split())
        ]
        segments.append(
            Segment(start=start, end=words[-1].end, text=text, speaker=speaker, language="en", words=words)
        )
    return Transcript(segments=segments, language="en", duration=60.0)


def write(
    transcript: Transcript, *formats: Format, tags: Tags = NO_TAGS, **chosen: object
) -> dict[str, bytes]:
    options = WritingOptions.model_validate({"formats": list(formats), **chosen})
    return write_speech(Speech(transcript, tags, "a1b2", options))


TALK = said(
    ("Good evening, and welcome.", 1.0, "SPEAKER_00"),
    ("Tonight we talk.", 3.5, "SPEAKER_00"),
    ("Thank you!", 6.0, "Kate"),
    ("Much later.", 30.0, "Kate"),
)


def test_names_of_files_are_a_contract():
    assert set(write(TALK)) == {"transcript.srt", "transcript.vtt"}
    assert set(write_speech(Speech(TALK, NO_TAGS, "a", ALL))) == {
        "transcript.srt", "transcript.vtt", "transcript.txt", "transcript.docx", "transcript.tsv",
        "transcript.ctm", "transcript.stm", "transcript.ttml", "transcript.ass", "transcript.words.vtt",
        "transcript.whisperx.json", "transcript.sdh.srt", "transcript.sdh.vtt",
    }  # fmt: skip


def test_formats_are_named_with_commas_and_a_wrong_one_is_refused():
    assert WritingOptions.model_validate({"formats": "txt, DOCX"}).formats == ["txt", "docx"]
    assert ALL.formats == list(WRITERS)
    with pytest.raises(ValueError, match="'txt', 'docx'"):
        WritingOptions.model_validate({"formats": "pdf"})


def test_text_has_a_paragraph_for_each_speaker_and_after_a_long_pause():
    assert write(TALK, "txt")["transcript.txt"].decode() == (
        "[0:01] Speaker 1: Good evening, and welcome. Tonight we talk.\n\n"
        "[0:06] Kate: Thank you!\n\n"
        "[0:30] Kate: Much later.\n"
    )
    unnamed = write(TALK, "txt", speaker_labels="off")["transcript.txt"].decode()
    assert unnamed.startswith("[0:01] Good evening") and "Kate" not in unnamed


def test_a_word_processor_opens_the_same_paragraphs():
    document = docx.Document(io.BytesIO(write(TALK, "docx")["transcript.docx"]))
    assert [paragraph.text for paragraph in document.paragraphs] == [
        "Speaker 1  0:01\nGood evening, and welcome. Tonight we talk.",
        "Kate  0:06\nThank you!",
        "Kate  0:30\nMuch later.",
    ]
    arabic, _, _ = spoken("ar", 0, 0)
    content = write(arabic, "docx")["transcript.docx"]
    assert b"<w:bidi/>" in zipfile.ZipFile(io.BytesIO(content)).read("word/document.xml")


def test_tsv_has_whisper_s_columns_and_the_speaker():
    rows = list(csv.DictReader(io.StringIO(write(TALK, "tsv")["transcript.tsv"].decode()), delimiter="\t"))
    assert rows[2] == {"start": "6000", "end": "6700", "text": "Thank you!", "speaker": "Kate"}


@pytest.mark.parametrize("format_", ["ctm", "stm", "whisperx", "words", "txt"])
def test_evaluations_read_what_was_written(tmp_path, format_):
    ((name, content),) = ((n, c) for n, c in write(TALK, format_).items() if n not in write(TALK))
    if format_ == "whisperx":
        given = json.loads(content)
        words = [word["word"] for word in given["word_segments"]]
        assert given.keys() == {"segments", "word_segments", "language"}
        assert given["word_segments"][0].keys() == {"word", "start", "end", "score", "speaker"}
    else:
        path = tmp_path / name
        path.write_bytes(content)
        found = read_transcript(path)
        words = " ".join(utterance.text for utterance in found).split()
        if format_ == "stm":
            assert (found[2].start, found[2].end, found[2].speaker) == (6.0, 6.7, "Kate")
        if format_ == "ctm":
            assert (found[0].start, found[0].end) == (1.0, 1.3)
    for word in ("Good", "evening,", "welcome.", "Tonight", "talk.", "Thank", "you!", "Much", "later."):
        assert any(word in other for other in words), word


@pytest.mark.parametrize("language", SAID)
def test_ttml_says_what_srt_says_at_the_same_times(language):
    transcript, _, _ = spoken(language, 1, 2)
    written = write(transcript, "ttml")
    root = ElementTree.fromstring(written["transcript.ttml"])
    shown = read(written["transcript.srt"].decode())
    paragraphs = root.findall(f".//{TT}p")
    assert ["".join("".join(p.itertext()).split()) for p in paragraphs] == [
        "".join("".join(cue.lines).split()) for cue in shown
    ]
    clocks = pysubs2.SSAFile.from_string(written["transcript.ttml"].decode(), format_="ttml")
    assert [(cue.start, cue.end) for cue in clocks] == [
        (round(cue.start * 1000), round(cue.end * 1000)) for cue in shown
    ]
    assert len(root.findall(f".//{TT}br")) >= sum(len(cue.lines) > 1 for cue in shown)
    agents = {agent.attrib[f"{XML}id"] for agent in root.findall(f".//{TTM}agent")}
    assert {span.attrib[f"{TTM}agent"] for span in root.findall(f".//{TT}span")} == agents
    assert len(agents) == 2
    assert ("rtl" in written["transcript.ttml"].decode()) == (language == "ar")


@pytest.mark.parametrize("language", SAID)
def test_words_light_up_when_they_are_said(language):
    """ASS: each word's time is the sum of what comes before it. VTT: times rise inside the cue."""
    transcript, words, _ = spoken(language, 1, 1)
    written = write(transcript, "ass", "words")
    starts = {round(word.start, 2) for segment in transcript.segments for word in segment.words}
    lit = 0
    for cue in pysubs2.SSAFile.from_string(written["transcript.ass"].decode()):
        time = cue.start / 1000
        for piece in cue.text.split("{\\k")[1:]:
            length, _, text = piece.partition("}")
            if text.strip(" \\N\u202b\u202c"):
                lit += 1
                assert min(abs(time - start) for start in starts) < 0.03
            time += int(length) / 100
    assert lit == len(words)
    vtt = written["transcript.words.vtt"].decode()
    plain = vtt.partition("-->")[2]
    assert plain.count("<00:") > len(words) / 2
    assert [cue.lines for cue in read(re.sub(r"<[\d:.]+>", "", vtt))] == [
        cue.lines for cue in read(written["transcript.vtt"].decode())
    ]


def test_ffmpeg_plays_ass_and_the_words_of_vtt(tmp_path):
    for name, content in write(TALK, "ass", "words").items():
        (tmp_path / name).write_bytes(content)
        with av.open(str(tmp_path / name)) as container:
            packets = [bytes(packet).decode() for packet in container.demux(subtitles=0) if packet.size]
        assert len(packets) == 4 and "STYLE" not in packets[0], name


MUSIC = Prediction(label="Music", score=0.8, start_time=8.0, end_time=20.0, family="music")
LAUGHTER = Prediction(label="Laughter", score=0.6, start_time=6.1, end_time=6.6, parents=["Human voice"])


def test_sounds_are_told_where_the_screen_is_free_or_above_what_is_said():
    tags = Tags(predictions=[
        Prediction(label="Speech", score=0.9, start_time=0, end_time=60, family="speech"),
        LAUGHTER,
        MUSIC,
        MUSIC.model_copy(update={"start_time": 21.0, "end_time": 25.0}),
    ])  # fmt: skip
    written = write(TALK, "sdh", tags=tags, speaker_labels="off")
    cues = read(written["transcript.sdh.srt"].decode())
    assert [(cue.lines, cue.start) for cue in cues if "[" in cue.lines[0]] == [
        (["[laughter]", "Thank you!"], 6.0),
        (["[music]"], 8.0),
    ]
    assert all(one.end + BETWEEN <= other.start + 0.002 for one, other in pairwise(cues))
    assert "[music]" in written["transcript.sdh.vtt"].decode()
    assert (
        "[음악]"
        in write(TALK.model_copy(update={"language": "ko"}), "sdh", tags=tags)["transcript.sdh.srt"].decode()
    )


def test_of_a_sound_and_its_class_the_surer_is_told_and_the_room_is_not():
    guitar = Prediction(label="Guitar", score=0.4, start_time=9, end_time=19, parents=["Music"])
    room = Prediction(
        label="Inside, small room",
        score=0.9,
        start_time=8,
        end_time=19,
        parents=["Acoustic environment", "Channel, environment and background"],
    )
    shown = write(TALK, "sdh", tags=Tags(predictions=[MUSIC, guitar, room]))["transcript.sdh.srt"].decode()
    assert shown.count("[music]") == 1 and "guitar" not in shown and "inside" not in shown


@pytest.mark.parametrize("seed", range(3))
def test_the_guide_holds_with_sounds(seed):
    transcript, words, duration = spoken("en", seed, 0)
    tags = Tags(predictions=[
        MUSIC.model_copy(update={"start_time": float(n), "end_time": n + 2.0, "label": f"Noise{n}"})
        for n in range(0, 40, 5)
    ])  # fmt: skip
    written = write(transcript, "sdh", tags=tags)
    for name in ("transcript.sdh.srt", "transcript.sdh.vtt"):
        assert faults(written[name].decode(), "en", words, duration) == []


HOSTILE = "<script>alert(1)</script> {\\an8} =cmd|' /C calc'!A0 \\N\x07\x1b[2J ]]> & \ud800 --> 00:00:09,000"


def test_hostile_text_is_text_in_every_format(tmp_path):
    name = "=A,B\n\n1\n00:00:01,000 --> 00:00:02,000 <v X>\t{\\b1}"
    words = [Word(word=word, start=n, end=n + 0.5, score=1) for n, word in enumerate(HOSTILE.split())]
    segments = [
        Segment(start=0, end=9, text=HOSTILE, speaker=name, words=words),
        Segment(start=10, end=11, text="=1+1", speaker="B"),
    ]
    written = write_speech(Speech(Transcript(segments=segments, duration=12), NO_TAGS, "a b\n;;", ALL))
    for file, content in written.items():
        if not file.endswith(".docx"):
            assert not set(content.decode()) & set("\x07\x1b"), file
    ElementTree.fromstring(written["transcript.ttml"])
    assert "alert(1)" in docx.Document(io.BytesIO(written["transcript.docx"])).paragraphs[0].text
    rows = [line.split("\t") for line in written["transcript.tsv"].decode().splitlines()]
    assert {len(row) for row in rows} == {4}
    assert rows[2][2] == "'=1+1" and all(row[3].startswith(("'=", "B", "speaker")) for row in rows)
    assert len(written["transcript.ctm"].decode().splitlines()) == len(words) - 1  # half a character is none
    assert all(line.split()[1] == "1" for line in written["transcript.stm"].decode().splitlines())
    events = pysubs2.SSAFile.from_string(written["transcript.ass"].decode())
    assert "alert(1)" in "".join("".join(event.plaintext.split()) for event in events)
    assert all(0 <= event.start < event.end <= 12_000 for event in events)
    assert "{\\an8}" not in written["transcript.ass"].decode()
    for file in ("transcript.srt", "transcript.sdh.srt"):
        cues = pysubs2.SSAFile.from_string(written[file].decode(), format_="srt")
        assert written[file].decode().count(" --> ") == len(cues)
    for file in ("transcript.vtt", "transcript.words.vtt"):
        assert "<script>" not in written[file].decode()
