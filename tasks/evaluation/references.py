"""What people know of a recording, read from the field's own file formats."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pysubs2
from pydantic import ValidationError

from containers.common.documents.speakers import Turn
from containers.common.documents.speech import Transcript
from containers.common.errors import UserError
from tasks.evaluation.annotations import is_labels, read_eaf, read_labels, read_text, read_textgrid
from tasks.evaluation.nist import Utterance, read_ctm, read_stm, read_turns
from tasks.outputs.subtitles import read_subtitles

# A voice span and any tag of a cue (https://www.w3.org/TR/webvtt1/#webvtt-cue-text).
VOICE, TAG = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]*)>"), re.compile(r"<[^>]*>")
KINDS = ".txt, .stm, .ctm, .srt, .vtt, .TextGrid, .eaf or .json"


def read_transcript(path: Path, recording: str | None = None) -> list[Utterance]:
    """What was said, with times where the format has some.

    `.txt`: a text without times; `.stm`: an utterance a line; `.ctm`: a word a line; `.srt`, `.vtt`: a cue
    each, of WebVTT a voice; `.TextGrid`, `.eaf`: an annotation each; `.txt` of Audacity: a label each;
    `.json`: a transcript.json, a word each. `recording` chooses its rows where a file has those of several.
    Raises UserError.
    """
    if path.suffix == ".stm":
        return read_stm(path, recording)
    if path.suffix == ".ctm":
        return read_ctm(path, recording)
    if path.suffix.lower() == ".textgrid":
        return read_textgrid(path)
    if path.suffix == ".eaf":
        return read_eaf(path)
    content = read_text(path)
    if path.suffix == ".json":
        return _read_json(path, content)
    if path.suffix in {".srt", ".vtt"}:
        return _read_cues(path, content)
    if path.suffix == ".txt":
        if is_labels(content):
            return read_labels(path, content)
        return [Utterance(content, None, None)]
    raise UserError(f"{path.name} is of no known kind: {KINDS} is wanted.")


def read_who_speaks(path: Path, recording: str | None = None) -> list[Turn]:
    """Turns of RTTM, of the tiers of a TextGrid or EAF, of Audacity's labels, of WebVTT's voices, of a
    transcript's words.

    Audacity's labels are the speakers' names. Raises UserError.
    """
    if path.suffix.lower() not in {".textgrid", ".eaf", ".txt", ".json", ".vtt"}:
        return read_turns(path, recording)
    said = read_transcript(path, recording)
    labels = path.suffix == ".txt"
    turns = [
        Turn(start=one.start, end=one.end, speaker=one.text if labels else one.speaker or "")
        for one in said
        if one.start is not None and one.end is not None and one.end > one.start and (labels or one.speaker)
    ]
    if not turns:
        raise UserError(f"{path.name} does not say who speaks when.")
    return turns


def _read_json(path: Path, content: str) -> list[Utterance]:
    try:
        transcript = Transcript.model_validate_json(content)
    except ValidationError as error:
        raise UserError(f"{path.name} is no transcript: {error.errors()[0]['msg']}.") from None
    return [
        said
        for segment in transcript.segments
        for said in (
            [Utterance(word.word, word.start, word.end, word.speaker) for word in segment.words]
            or [Utterance(segment.text, segment.start, segment.end, segment.speaker)]
        )
    ]


def _read_cues(path: Path, content: str) -> list[Utterance]:
    try:
        cues = read_subtitles(content, path.suffix[1:], keep_tags=path.suffix == ".vtt")
    except (pysubs2.exceptions.Pysubs2Error, ValueError) as error:
        raise UserError(f"{path.name} cannot be read as subtitles: {error}.") from None
    if not cues:
        raise UserError(f"{path.name} has no cue.")
    return [
        Utterance(" ".join(text.split()), cue.start / 1000, cue.end / 1000, speaker)
        for cue in sorted(cues, key=lambda one: (one.start, one.end))
        for speaker, text in (_voices(cue.text) if path.suffix == ".vtt" else [(None, cue.plaintext)])
    ]


def _voices(text: str) -> Iterator[tuple[str | None, str]]:
    """Who speaks and what, of the text of a WebVTT cue; nobody is named outside a voice span."""
    before, *voiced = VOICE.split(text.replace(r"\N", "\n"))
    parts = [("", before), *zip(voiced[::2], voiced[1::2], strict=True)]
    told = [(unescape(name).strip() or None, unescape(TAG.sub("", words))) for name, words in parts]
    yield from [part for part in told if part[1].strip()] or told[:1]
