"""Subtitles people can read (SRT, WebVTT) and speaker turns that tools read (RTTM)."""

import re
from collections.abc import Iterable, Iterator
from html import escape

import pysubs2

from containers.common.documents.speakers import Diarization
from containers.common.documents.speech import Transcript
from tasks.outputs.cues import Cue, Name, Voice, list_cues
from tasks.outputs.word_parts import WordPart, cut_cue, lit_moments
from tasks.outputs.writing import AS_THE_GUIDE_SAYS, WritingOptions

# Players lay a line out from the right when it begins so; without it a full stop stands on the wrong side.
TO_THE_LEFT, POP = "\u202b", "\u202c"
RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# SubRip has no way to write a character that players take for markup, or a line that they take for times: one
# that is not seen parts it.
MARKUP = re.compile(r"[<{](?=[\\/\w]|$)|--(?=>)|(?<=:\d)[.,](?=\d)|(?<=:\d\d)[.,](?=\d)")
NUMBERED = re.compile(r"SPEAKER_\d+")
JOINER = "\u2060"
WORD_TIME = re.compile(r"<\d[\d:.]*>")


def to_srt(transcript: Transcript, chosen: WritingOptions = AS_THE_GUIDE_SAYS) -> str:
    """SubRip: numbered cues, the speaker in brackets before the first line.

    One who speaks alone is told only by name, unless labels are chosen.
    """
    return cues_to_srt(list_cues(transcript, namer(transcript, chosen), chosen), chosen.highlight_words)


def cues_to_srt(cues: Iterable[Cue], highlight: bool = False) -> str:
    """With `highlight` a cue is written once for each of its words, which is underlined, as by Whisper."""
    written = (
        (start, end, [_srt_line(parts, word) for voice in voices for parts in voice])
        for cue in cues
        for start, end, word, voices in _shown(cue, highlight)
    )
    return "\n".join(
        f"{number}\n{times(start, end, ',')}\n" + "".join(f"{directed(line)}\n" for line in lines)
        for number, (start, end, lines) in enumerate(written, start=1)
    )


def to_vtt(transcript: Transcript, chosen: WritingOptions = AS_THE_GUIDE_SAYS) -> str:
    """WebVTT: the speaker as a voice span, so that players can style or hide it."""
    return cues_to_vtt(
        list_cues(transcript, chosen=chosen), chosen.speaker_labels != "off", chosen.highlight_words
    )


def cues_to_vtt(cues: Iterable[Cue], labels: bool = True, highlight: bool = False) -> str:
    blocks = ["WEBVTT\n"]
    for cue in cues:
        for start, end, word, voices in _shown(cue, highlight):
            said = (
                spoken(voice, [_vtt_line(parts, word) for parts in lines], labels)
                for voice, lines in zip(cue.voices, voices, strict=True)
            )
            blocks.append(f"{times(start, end, '.')}\n" + "".join(f"{text}\n" for text in said))
    return "\n".join(blocks)


def read_subtitles(content: str, format_: str, keep_tags: bool = False) -> pysubs2.SSAFile:
    """Cues of `srt` or `vtt`; a word's own time inside a cue, as YouTube writes it too, is no cue's.

    With `keep_tags` a cue's `text` is as it is written.
    """
    timed = WORD_TIME.sub("", content)
    return pysubs2.SSAFile.from_string(timed, format_=format_, keep_html_tags=keep_tags)


def to_rttm(diarization: Diarization, uri: str) -> str:
    """NIST RTTM, one SPEAKER line a turn, overlap kept; white space in `uri` becomes underscores."""
    name = "_".join(uri.split())
    return "".join(
        f"SPEAKER {name} 1 {turn.start:.3f} {turn.end - turn.start:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in diarization.turns
    )


def namer(transcript: Transcript, chosen: WritingOptions) -> Name:
    """What is shown before what a speaker says."""
    speakers = {segment.speaker for segment in transcript.segments} - {None}

    def name(speaker: str) -> str:
        known = len(speakers) > 1 or not NUMBERED.fullmatch(speaker)
        told = chosen.speaker_labels == "on" or (chosen.speaker_labels == "auto" and known)
        return f"[{speaker}] " if told else ""

    return name


def _shown(
    cue: Cue, highlight: bool
) -> Iterator[tuple[float, float, int | None, list[list[list[WordPart]]]]]:
    """Start, end, the word that is lit, and the lines of each voice in parts."""
    words, voices = cut_cue(cue)
    moments = lit_moments(cue, words) if highlight else [(cue.start, cue.end, None)]
    yield from ((start, end, word, voices) for start, end, word in moments)


def _srt_line(parts: list[WordPart], lit: int | None) -> str:
    """Joined before markup is parted, unless a word is lit: a `<` may end one word and begin none."""
    if lit is None:
        return _parted("".join(part.text for part in parts))
    return "".join(f"<u>{_parted(text)}</u>" if word == lit else _parted(text) for text, word in parts)


def _parted(text: str) -> str:
    return MARKUP.sub(lambda found: found[0] + JOINER, text)


def _vtt_line(parts: list[WordPart], lit: int | None) -> str:
    escaped = ((escape(text, quote=False), word) for text, word in parts)
    return "".join(f"<u>{text}</u>" if lit is not None and word == lit else text for text, word in escaped)


def spoken(voice: Voice, lines: list[str], labels: bool) -> str:
    """WebVTT's text of a voice, from its escaped lines."""
    text = "\n".join(map(directed, lines))
    return f"<v {escape(voice.speaker)}>{text}</v>" if voice.speaker and labels else text


def directed(line: str) -> str:
    """The line with marks that keep it from being laid out from the wrong side."""
    return f"{TO_THE_LEFT}{line}{POP}" if RIGHT_TO_LEFT.search(line) else line


def times(start: float, end: float, point: str) -> str:
    return f"{clock_time(start, point)} --> {clock_time(end, point)}"


def clock_time(seconds: float, point: str) -> str:
    """00:00:01.500, with `point` before the milliseconds."""
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
