"""Subtitles people can read (SRT, WebVTT) and speaker turns that tools read (RTTM)."""

import textwrap
from collections.abc import Iterator
from html import escape
from typing import NamedTuple

from containers.pyannote.contract import Diarization
from containers.whisperx.contract import Segment, Transcript, Word

LINE = 42  # characters a line, and
LINES = 2  # lines a cue: what broadcasters' style guides ask for
LONGEST = 7.0  # seconds a cue stays at most


class Cue(NamedTuple):
    """One subtitle: seconds from and to, who speaks, what is shown."""

    start: float
    end: float
    speaker: str | None
    lines: list[str]


def to_srt(transcript: Transcript) -> str:
    """SubRip: numbered cues, the speaker in brackets before the first line."""
    blocks = []
    for number, cue in enumerate(list_cues(transcript), start=1):
        name = f"[{cue.speaker}] " if cue.speaker else ""
        text = "\n".join([name + cue.lines[0], *cue.lines[1:]])
        blocks.append(f"{number}\n{_clock(cue.start, ',')} --> {_clock(cue.end, ',')}\n{text}\n")
    return "\n".join(blocks)


def to_vtt(transcript: Transcript) -> str:
    """WebVTT: the speaker as a voice span, so that players can style or hide it."""
    blocks = ["WEBVTT\n"]
    for cue in list_cues(transcript):
        text = escape("\n".join(cue.lines), quote=False)
        voiced = f"<v {escape(cue.speaker)}>{text}</v>" if cue.speaker else text
        blocks.append(f"{_clock(cue.start, '.')} --> {_clock(cue.end, '.')}\n{voiced}\n")
    return "\n".join(blocks)


def to_rttm(diarization: Diarization, uri: str) -> str:
    """NIST RTTM, one SPEAKER line a turn, overlap kept; `uri` must not contain spaces."""
    return "".join(
        f"SPEAKER {uri} 1 {turn.start:.3f} {turn.end - turn.start:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in diarization.turns
    )


def list_cues(transcript: Transcript) -> Iterator[Cue]:
    """The transcript in pieces of at most two lines of 42 characters and seven seconds, split at words."""
    for segment in transcript.segments:
        for words in _pieces(segment):
            text = _join(words, spaced=" " in segment.text)
            yield Cue(words[0].start, words[-1].end, segment.speaker, _wrap(text))


def _pieces(segment: Segment) -> Iterator[list[Word]]:
    current: list[Word] = []
    spaced = " " in segment.text
    for word in segment.words:
        grown = [*current, word]
        fits = len(_wrap(_join(grown, spaced))) <= LINES and word.end - grown[0].start <= LONGEST
        if current and not fits:
            yield current
            grown = [word]
        current = grown
    if current:
        yield current


def _join(words: list[Word], spaced: bool) -> str:
    return (" " if spaced else "").join(word.word for word in words)


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(" ".join(text.split()), LINE, break_on_hyphens=False) or [""]


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
