"""A transcript for readers: paragraphs of one speaker, as plain text and for a word processor."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from containers.common.documents.speech import Segment, Transcript
from tasks.outputs.report_view import clock, speaker_name
from tasks.outputs.subtitles import NUMBERED, RIGHT_TO_LEFT
from tasks.outputs.wording import UNSPACED
from tasks.outputs.writing import WritingOptions

PAUSE = 4.0  # seconds without a word, after which what the same speaker says is a new paragraph
LONGEST = 60.0  # seconds of speech, after which the next sentence is one


class Paragraph(NamedTuple):
    """What one speaker says without a long pause; `speaker` is what readers are told, None where nothing."""

    speaker: str | None
    start: float
    text: str


def list_paragraphs(transcript: Transcript, chosen: WritingOptions) -> list[Paragraph]:
    groups: list[list[Segment]] = []
    for segment in transcript.segments:
        if not segment.text.strip():
            continue
        if groups and _goes_on(groups[-1], segment):
            groups[-1].append(segment)
        else:
            groups.append([segment])
    name = _namer(transcript, chosen)
    return [Paragraph(name(group[0].speaker), group[0].start, _joined(group, transcript)) for group in groups]


def to_txt(transcript: Transcript, chosen: WritingOptions) -> bytes:
    """`[time] speaker: text`, an empty line between paragraphs."""
    paragraphs = (
        f"[{clock(start)}] " + (f"{speaker}: " if speaker else "") + f"{text}\n"
        for speaker, start, text in list_paragraphs(transcript, chosen)
    )
    return "\n".join(paragraphs).encode()


def to_docx(transcript: Transcript, chosen: WritingOptions) -> bytes:
    """Office Open XML: a heading line of speaker and time, and the text below it."""
    from docx import Document
    from docx.oxml import OxmlElement
    from docx.shared import Pt

    document = Document()
    about = document.core_properties
    about.author, about.title, about.comments = "", "Transcript", ""
    about.created = about.modified = datetime.now(UTC)
    about.language = transcript.language or ""
    for speaker, start, text in list_paragraphs(transcript, chosen):
        paragraph = document.add_paragraph()
        who = paragraph.add_run(speaker or "")
        who.bold = True
        when = paragraph.add_run(f"{'  ' if speaker else ''}{clock(start)}")
        when.font.size = Pt(9)
        when.add_break()
        said = paragraph.add_run(text)
        if RIGHT_TO_LEFT.search(text):
            paragraph._p.get_or_add_pPr().append(OxmlElement("w:bidi"))
            said.font.rtl = True
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def _goes_on(group: list[Segment], segment: Segment) -> bool:
    before = group[-1]
    return (
        segment.speaker == before.speaker
        and segment.start - before.end <= PAUSE
        and segment.end - group[0].start <= LONGEST
    )


def _namer(transcript: Transcript, chosen: WritingOptions) -> Callable[[str | None], str | None]:
    several = len({segment.speaker for segment in transcript.segments} - {None}) > 1

    def name(speaker: str | None) -> str | None:
        if speaker is None or chosen.speaker_labels == "off":
            return None
        told = several or chosen.speaker_labels == "on" or not NUMBERED.fullmatch(speaker)
        return speaker_name(speaker) if told else None

    return name


def _joined(group: list[Segment], transcript: Transcript) -> str:
    text = ""
    for segment in group:
        spaced = text and (segment.language or transcript.language) not in UNSPACED
        text += (" " if spaced else "") + segment.text.strip()
    return text
