"""Subtitles people can read (SRT, WebVTT) and speaker turns that tools read (RTTM)."""

import textwrap
from collections.abc import Callable, Iterator
from html import escape
from typing import NamedTuple

from containers.pyannote.contract import Diarization
from containers.whisperx.contract import Segment, Transcript, Word
from tasks.wording import cut_text

LINE = 42  # characters a line, and
LINES = 2  # lines a cue: what broadcasters' style guides ask for
LONGEST = 7.0  # seconds a cue stays at most

Name = Callable[[str], str]


class Cue(NamedTuple):
    """One subtitle: seconds from and to, who speaks, what is shown."""

    start: float
    end: float
    speaker: str | None
    lines: list[str]


def to_srt(transcript: Transcript) -> str:
    """SubRip: numbered cues, the speaker in brackets before the first line."""
    cues = list_cues(transcript, name=lambda speaker: f"[{speaker}] ")
    blocks = [
        f"{number}\n{_times(cue, ',')}\n{chr(10).join(cue.lines)}\n"
        for number, cue in enumerate(cues, start=1)
    ]
    return "\n".join(blocks)


def to_vtt(transcript: Transcript) -> str:
    """WebVTT: the speaker as a voice span, so that players can style or hide it."""
    blocks = ["WEBVTT\n"]
    for cue in list_cues(transcript):
        text = escape("\n".join(cue.lines), quote=False)
        voiced = f"<v {escape(cue.speaker)}>{text}</v>" if cue.speaker else text
        blocks.append(f"{_times(cue, '.')}\n{voiced}\n")
    return "\n".join(blocks)


def to_rttm(diarization: Diarization, uri: str) -> str:
    """NIST RTTM, one SPEAKER line a turn, overlap kept; white space in `uri` becomes underscores."""
    name = "_".join(uri.split())
    return "".join(
        f"SPEAKER {name} 1 {turn.start:.3f} {turn.end - turn.start:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in diarization.turns
    )


def list_cues(transcript: Transcript, name: Name = lambda speaker: "") -> Iterator[Cue]:
    """The transcript in pieces of at most two lines of 42 characters and seven seconds, split at words.

    `name` makes what is shown before a speaker's text; it counts as part of the first line.
    """
    for segment in transcript.segments:
        shown = name(segment.speaker) if segment.speaker else ""
        if segment.words:
            yield from _cues(segment, shown)
        elif segment.text:  # from a transcriber without word times: it cannot be split
            yield Cue(segment.start, segment.end, segment.speaker, _wrap(shown, segment.text))


def _cues(segment: Segment, shown: str) -> Iterator[Cue]:
    held: list[tuple[Word, str]] = []

    def cue() -> Cue:
        text = "".join(piece for _, piece in held)
        return Cue(held[0][0].start, held[-1][0].end, segment.speaker, _wrap(shown, text))

    for word, piece in zip(segment.words, cut_text(segment.text, segment.words), strict=True):
        grown = "".join(earlier for _, earlier in held) + piece
        if held and (len(_wrap(shown, grown)) > LINES or word.end - held[0][0].start > LONGEST):
            yield cue()
            held.clear()
        held.append((word, piece))
    yield cue()


def _wrap(shown: str, text: str) -> list[str]:
    return textwrap.wrap(shown + " ".join(text.split()), LINE, break_on_hyphens=False)


def _times(cue: Cue, point: str) -> str:
    return f"{_clock(cue.start, point)} --> {_clock(cue.end, point)}"


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
