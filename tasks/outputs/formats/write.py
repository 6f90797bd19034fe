"""All files of what was said, in the formats that are chosen."""

import re
from collections.abc import Callable
from typing import NamedTuple

from containers.common.documents.sounds import Tags
from containers.common.documents.speech import Transcript
from tasks.outputs.cues import Cue, list_cues
from tasks.outputs.formats.paragraphs import to_docx, to_txt
from tasks.outputs.formats.players import to_ass, to_ttml, to_word_vtt
from tasks.outputs.formats.sounds import add_sounds
from tasks.outputs.formats.tables import to_ctm, to_stm, to_tsv, to_whisperx
from tasks.outputs.subtitles import cues_to_srt, cues_to_vtt, namer, to_srt, to_vtt
from tasks.outputs.writing import Format, WritingOptions

# Characters that XML 1.0 forbids or terminals obey.
UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


ALWAYS: tuple[Format, ...] = ("srt", "vtt")


class Speech(NamedTuple):
    """What a format may write down."""

    transcript: Transcript  # with the names of those who are known
    tags: Tags
    asset: str
    chosen: WritingOptions


def write_speech(speech: Speech) -> dict[str, bytes]:
    """File name to content: SRT and WebVTT, and every other format that is chosen."""
    speech = speech._replace(transcript=plain(speech.transcript))
    wanted: list[Format] = list(dict.fromkeys([*ALWAYS, *speech.chosen.formats]))
    return {name: content for format_ in wanted for name, content in WRITERS[format_](speech).items()}


def plain(transcript: Transcript) -> Transcript:
    """Every text in one line and without what no format can hold: media and people may say anything."""
    return transcript.model_copy(
        update={
            "segments": [
                segment.model_copy(
                    update={
                        "text": _line(segment.text),
                        "speaker": segment.speaker and _line(segment.speaker),
                        "words": [
                            word.model_copy(
                                update={
                                    "word": _line(word.word),
                                    "speaker": word.speaker and _line(word.speaker),
                                }
                            )
                            for word in segment.words
                        ],
                    }
                )
                for segment in transcript.segments
            ]
        }
    )


def _line(text: str) -> str:
    return " ".join(UNSEEN.sub("", text).split())


def _named(name: str, write: Callable[[Speech], bytes]) -> Callable[[Speech], dict[str, bytes]]:
    return lambda speech: {name: write(speech)}


def _with_sounds(speech: Speech) -> dict[str, bytes]:
    transcript, tags, _, chosen = speech
    labels = chosen.speaker_labels != "off"

    def cues(named: bool) -> list[Cue]:
        said = list_cues(transcript, namer(transcript, chosen) if named else lambda speaker: "", chosen)
        return add_sounds(said, tags, transcript.language, transcript.duration, chosen)

    return {
        "transcript.sdh.srt": cues_to_srt(cues(named=True), chosen.highlight_words).encode(),
        "transcript.sdh.vtt": cues_to_vtt(cues(named=False), labels, chosen.highlight_words).encode(),
    }


WRITERS: dict[Format, Callable[[Speech], dict[str, bytes]]] = {
    "srt": _named("transcript.srt", lambda speech: to_srt(speech.transcript, speech.chosen).encode()),
    "vtt": _named("transcript.vtt", lambda speech: to_vtt(speech.transcript, speech.chosen).encode()),
    "txt": _named("transcript.txt", lambda speech: to_txt(speech.transcript, speech.chosen)),
    "docx": _named("transcript.docx", lambda speech: to_docx(speech.transcript, speech.chosen)),
    "tsv": _named("transcript.tsv", lambda speech: to_tsv(speech.transcript)),
    "ctm": _named("transcript.ctm", lambda speech: to_ctm(speech.transcript, speech.asset)),
    "stm": _named("transcript.stm", lambda speech: to_stm(speech.transcript, speech.asset)),
    "ttml": _named("transcript.ttml", lambda speech: to_ttml(speech.transcript, speech.chosen)),
    "ass": _named("transcript.ass", lambda speech: to_ass(speech.transcript, speech.chosen)),
    "words": _named("transcript.words.vtt", lambda speech: to_word_vtt(speech.transcript, speech.chosen)),
    "whisperx": _named("transcript.whisperx.json", lambda speech: to_whisperx(speech.transcript)),
    "sdh": _with_sounds,
}
