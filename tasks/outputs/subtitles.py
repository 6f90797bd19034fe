"""Subtitles people can read (SRT, WebVTT) and speaker turns that tools read (RTTM)."""

from collections.abc import Callable, Iterator
from html import escape
from itertools import zip_longest
from typing import NamedTuple
from unicodedata import category, east_asian_width

from containers.pyannote.contract import Diarization
from containers.whisperx.contract import Segment, Transcript, Word
from tasks.outputs.wording import cut_text

LINES = 2  # lines a cue: what broadcasters' style guides ask for
LONGEST = 7.0  # seconds a cue stays at most, and
SHORTEST = 5 / 6  # seconds it stays at least, where nothing follows sooner


class Limits(NamedTuple):
    """Columns: a letter takes one, a Korean, Chinese or Japanese character two."""

    line: int  # columns a line
    speed: float  # columns a second that people can read


# Netflix's Timed Text Style Guides: 42 letters and 17 letters a second; in Korean 16 characters and 12 a
# second, in Japanese 13 and 4, in Chinese 16 and 9.
LIMITS = {"ko": Limits(32, 24), "ja": Limits(26, 8), "zh": Limits(32, 18), "yue": Limits(32, 18)}
USUAL = Limits(42, 17)

Name = Callable[[str], str]


class Cue(NamedTuple):
    """One subtitle: seconds from and to, who speaks, what is shown."""

    start: float
    end: float
    speaker: str | None
    lines: list[str]
    language: str | None = None


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
    """The transcript in pieces of at most two lines and seconds that can be read, split at words.

    `name` makes what is shown before a speaker's text; it counts as part of the first line. A cue stays
    longer than its words last, as long as reading it takes and until the next one comes.
    """
    cues = list(_all_cues(transcript, name))
    for cue, following in zip_longest(cues, cues[1:]):
        limits = LIMITS.get(cue.language or "", USUAL)
        needed = max(sum(map(count_columns, cue.lines)) / limits.speed, SHORTEST)
        until = cue.start + min(needed, LONGEST)
        if following:
            until = min(until, following.start)
        yield cue._replace(end=round(max(cue.end, until), 3))


def count_columns(text: str) -> int:
    """Marks that stand above or below a letter (Thai, Hindi, decomposed accents) take none of their own."""
    shown = (char for char in text if category(char) not in {"Mn", "Me", "Cf"})
    return sum(2 if east_asian_width(char) in "WF" else 1 for char in shown)


def _all_cues(transcript: Transcript, name: Name) -> Iterator[Cue]:
    for segment in transcript.segments:
        shown = name(segment.speaker) if segment.speaker else ""
        language = segment.language or transcript.language
        if segment.words:
            yield from _cues(segment, shown, language)
        elif segment.text:  # from a transcriber without word times: it cannot be split
            lines = _wrap(shown, segment.text, language)
            yield Cue(segment.start, segment.end, segment.speaker, lines, language)


def _cues(segment: Segment, shown: str, language: str | None) -> Iterator[Cue]:
    held: list[tuple[Word, str]] = []

    def cue() -> Cue:
        text = "".join(piece for _, piece in held)
        lines = _wrap(shown, text, language)
        return Cue(held[0][0].start, held[-1][0].end, segment.speaker, lines, language)

    for word, piece in zip(segment.words, cut_text(segment.text, segment.words), strict=True):
        grown = "".join(earlier for _, earlier in held) + piece
        too_much = len(_wrap(shown, grown, language)) > LINES
        if held and (too_much or word.end - held[0][0].start > LONGEST):
            yield cue()
            held.clear()
        held.append((word, piece))
    yield cue()


def _wrap(shown: str, text: str, language: str | None) -> list[str]:
    """Lines of at most the language's columns, broken at spaces, or anywhere in what has none."""
    columns = LIMITS.get(language or "", USUAL).line
    lines = [""]
    for chunk in (shown + " ".join(text.split())).split(" "):
        joined = f"{lines[-1]} {chunk}" if lines[-1] else chunk
        if count_columns(joined) <= columns:
            lines[-1] = joined
            continue
        # A chunk that no line can hold begins on the line that is there.
        if count_columns(chunk) <= columns:
            lines.append(chunk)
            continue
        lines[-1] += " " if lines[-1] else ""
        for char in chunk:
            if count_columns(lines[-1] + char) > columns:
                lines.append("")
            lines[-1] += char
    return [line for line in lines if line]


def _times(cue: Cue, point: str) -> str:
    return f"{_clock(cue.start, point)} --> {_clock(cue.end, point)}"


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
