"""Subtitles with more than SRT can say: TTML (IMSC text), ASS with karaoke, WebVTT with word times."""

from functools import cache
from html import escape

import pysubs2
from jinja2 import Template

from containers.common.documents.speech import Transcript, Word
from tasks.outputs.cues import Cue, list_cues
from tasks.outputs.environment import page_environment
from tasks.outputs.subtitles import RIGHT_TO_LEFT, clock_time, directed, namer, spoken, times
from tasks.outputs.word_parts import WordPart, cut_cue
from tasks.outputs.writing import WritingOptions

# In ASS braces hold commands and cannot be escaped in every player: their wide forms are text everywhere. A
# backslash begins commands too, unless something that is not seen follows.
ASS_TEXT = str.maketrans({"{": "\uff5b", "}": "\uff5d", "\\": "\\\u2060"})
TO_COME = pysubs2.Color(170, 170, 170)
# Words that are still to come are dimmed.
VTT_STYLE = "STYLE\n::cue(:future) {\n  color: #aaaaaa;\n}\n"


def to_ttml(transcript: Transcript, chosen: WritingOptions) -> bytes:
    """TTML 2 in the profile IMSC 1.1 Text (https://www.w3.org/TR/ttml-imsc1.1/); speakers are agents."""
    cues = list(list_cues(transcript, namer(transcript, chosen), chosen))
    speakers = sorted({voice.speaker for cue in cues for voice in cue.voices if voice.speaker})
    agents = {} if chosen.speaker_labels == "off" else {name: f"agent{n}" for n, name in enumerate(speakers)}
    text = _template().render(cues=cues, language=transcript.language or "", agents=agents)
    return text.encode()


def to_ass(transcript: Transcript, chosen: WritingOptions) -> bytes:
    """Advanced SubStation Alpha: each word lights up when it is said (`\\k`)."""
    subtitles = pysubs2.SSAFile()
    subtitles.styles["Default"].secondarycolor = TO_COME
    for cue in list_cues(transcript, namer(transcript, chosen), chosen):
        event = pysubs2.SSAEvent(round(cue.start * 1000), round(cue.end * 1000), _karaoke(cue))
        if chosen.speaker_labels != "off":
            event.name = " & ".join(voice.speaker for voice in cue.voices if voice.speaker).replace(",", ";")
        subtitles.append(event)
    return subtitles.to_string("ass").encode()


def to_word_vtt(transcript: Transcript, chosen: WritingOptions) -> bytes:
    """WebVTT whose words have their times: `<00:00:01.500>`, a cue's own text being as in transcript.vtt."""
    blocks = ["WEBVTT\n", VTT_STYLE]
    for cue in list_cues(transcript, chosen=chosen):
        words, voices = cut_cue(cue)
        latest, said = cue.start, []
        for voice, lines in zip(cue.voices, voices, strict=True):
            written = []
            for parts in lines:
                line, latest = _stamped(parts, words, latest, cue.end)
                written.append(line)
            said.append(spoken(voice, written, chosen.speaker_labels != "off"))
        blocks.append(f"{times(cue.start, cue.end, '.')}\n" + "".join(f"{text}\n" for text in said))
    return "\n".join(blocks).encode()


def _stamped(parts: list[WordPart], words: list[Word], latest: float, end: float) -> tuple[str, float]:
    """A line with a time before each word, rising and inside the cue as WebVTT wants it; and the last one."""
    line = ""
    for text, word in parts:
        if word is not None and latest + 0.0005 < words[word].start < end - 0.0005:
            latest = words[word].start
            line += f"<{clock_time(latest, '.')}>"
        line += escape(text, quote=False)
    return line, latest


def _karaoke(cue: Cue) -> str:
    """Parts of the cue, each with the hundredths of a second that it lasts after the one before."""
    words, voices = cut_cue(cue)
    reached = 0  # hundredths since the cue's start
    lines = []
    for parts in (line for voice in voices for line in voice):
        text = ""
        for piece, number in parts:
            shown = piece.translate(ASS_TEXT)
            if number is None:
                text += shown
                continue
            start, end = (
                round((time - cue.start) * 100) for time in (words[number].start, words[number].end)
            )
            if start > reached:
                text += f"{{\\k{start - reached}}}"
                reached = start
            text += f"{{\\k{max(end - reached, 0)}}}{shown}"
            reached = max(end, reached)
        lines.append(directed(text))
    return "\\N".join(lines)


@cache
def _template() -> Template:
    return page_environment(
        clock=lambda seconds: clock_time(seconds, "."),
        rtl=lambda line: bool(RIGHT_TO_LEFT.search(line)),
    ).get_template("transcript.ttml.j2")
