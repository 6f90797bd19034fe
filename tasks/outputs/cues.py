"""Cues of subtitles: a transcript in pieces that people have the time to read."""

from collections import deque
from collections.abc import Callable, Iterator
from itertools import accumulate, zip_longest
from math import floor
from typing import NamedTuple

from containers.common.documents.speech import Segment, Transcript, Word
from tasks.outputs.lines import CLAUSE_ENDS, Limits, break_lines, count_columns, limits_of, phrase_ends
from tasks.outputs.wording import UNSPACED, cut_text
from tasks.outputs.writing import AS_THE_GUIDE_SAYS, LONGEST, WritingOptions

# Netflix's Timed Text Style Guide, General Requirements: two frames between cues (here of 24 a second), and
# no gap between cues that is shorter than half a second.
BETWEEN = 2 / 24  # seconds
SHORTEST_GAP = 0.5  # seconds

Name = Callable[[str], str]


class Style(NamedTuple):
    """How cues are laid out: `name` makes what is shown before a speaker's text."""

    name: Name
    chosen: WritingOptions

    def limits(self, language: str | None) -> Limits:
        return limits_of(language, self.chosen)

    def lines(self, text: str, language: str | None, speaker: str | None, dash: str = "") -> list[str]:
        first = dash + (self.name(speaker) if speaker else "")
        return break_lines(text, language, first, self.limits(language))


class Voice(NamedTuple):
    """What one speaker says in a cue."""

    speaker: str | None
    lines: list[str]
    text: str
    words: tuple[Word, ...] = ()


class Cue(NamedTuple):
    """One subtitle: seconds from and to, and who says what; two speakers have a line each, with a dash."""

    start: float
    end: float
    voices: list[Voice]
    language: str | None = None

    @property
    def lines(self) -> list[str]:
        return [line for voice in self.voices for line in voice.lines]


def list_cues(
    transcript: Transcript, name: Name = lambda speaker: "", chosen: WritingOptions = AS_THE_GUIDE_SAYS
) -> Iterator[Cue]:
    """The transcript in pieces of so many lines and seconds that can be read, split at words.

    `name` makes what is shown before a speaker's text; it counts as part of the first line. A cue stays
    longer than its words last, as long as reading it takes and until the next one comes; what is too short
    for that is shown with what follows. Nothing is shown after the sound's end.
    """
    style = Style(name, chosen)
    waiting = sorted(_all_cues(transcript, style), key=lambda cue: cue.start)
    yield from close_gaps(list(_shown(waiting, style, transcript.duration)))


def close_gaps(shown: list[Cue]) -> Iterator[Cue]:
    """The same cues, one that ends shortly before the next staying until then: else the picture flashes."""
    for cue, following in zip_longest(shown, shown[1:]):
        gap = following.start - cue.end if following else 0.0
        closed = cue.end + gap - BETWEEN
        if BETWEEN < gap < SHORTEST_GAP and closed - cue.start <= LONGEST:
            cue = cue._replace(end=round(closed, 3))
        yield cue


def _shown(waiting: list[Cue], style: Style, until: float | None) -> Iterator[Cue]:
    free = 0.0  # seconds from which the screen is free
    left = deque(waiting)
    while left:
        cue = left.popleft()
        while left and _is_short(cue, left[0], style) and (both := _together(cue, left[0], style)):
            cue = both
            left.popleft()
        cue = _timed(cue, free, left[0].start if left else None, until, style)
        if cue.start < cue.end:
            free = cue.end + BETWEEN
            yield cue


def _timed(cue: Cue, free: float, following: float | None, until: float | None, style: Style) -> Cue:
    """The cue with the time it is shown: after the one before, before the next one and the media's end."""
    speed, shortest = style.limits(cue.language).speed, style.chosen.min_duration
    needed = min(max(sum(map(count_columns, cue.lines)) / speed, shortest), LONGEST)
    latest = min(
        following - BETWEEN if following is not None else float("inf"),
        until if until is not None else float("inf"),
    )
    start = max(cue.start, free)
    end = min(max(cue.end, start + needed), start + LONGEST, latest)
    if end - start < shortest:  # earlier than its words, and at the worst later
        start = max(free, min(start, end - shortest), 0.0)
        end = max(end, start + shortest)
    end = min(round(end, 3), floor(until * 1000) / 1000) if until is not None else round(end, 3)
    return cue._replace(start=round(start, 3), end=end)


def _is_short(cue: Cue, following: Cue, style: Style) -> bool:
    """Whether there is no time to read a cue before the next one comes."""
    return following.start - BETWEEN - cue.start < style.chosen.min_duration


def _together(cue: Cue, following: Cue, style: Style) -> Cue | None:
    """Both in one cue, where they fit: the text of one speaker goes on, two have a line each."""
    if max(cue.end, following.end) - cue.start > LONGEST or cue.language != following.language:
        return None
    if not len(cue.voices) == len(following.voices) == 1:
        return None
    one, other = cue.voices[0], following.voices[0]
    if one.speaker == other.speaker:
        text = _glued(one.text, other.text, cue.language)
        lines = style.lines(text, cue.language, one.speaker)
        voices = [Voice(one.speaker, lines, text, one.words + other.words)]
    else:
        voices = [
            voice._replace(lines=style.lines(voice.text, cue.language, voice.speaker, "- "))
            for voice in (one, other)
        ]
    if sum(len(voice.lines) for voice in voices) > style.chosen.max_line_count:
        return None
    return Cue(cue.start, max(cue.end, following.end), voices, cue.language)


def _glued(text: str, more: str, language: str | None) -> str:
    return text + ("" if language in UNSPACED else " ") + more


def _all_cues(transcript: Transcript, style: Style) -> Iterator[Cue]:
    for segment in transcript.segments:
        language = segment.language or transcript.language
        if segment.words:
            pieces = list(zip(segment.words, cut_text(segment.text, segment.words), strict=True))
            yield from _cues(segment, pieces, language, style)
        elif segment.text:  # from a transcriber without word times: it cannot be split
            lines = style.lines(segment.text, language, segment.speaker)
            yield Cue(segment.start, segment.end, [Voice(segment.speaker, lines, segment.text)], language)


def _cues(
    segment: Segment, pieces: list[tuple[Word, str]], language: str | None, style: Style
) -> Iterator[Cue]:
    """One cue where all fits, else two parts of it, cut where people make a break."""
    text = "".join(piece for _, piece in pieces).strip()
    lines = style.lines(text, language, segment.speaker)
    start, end = pieces[0][0].start, pieces[-1][0].end
    if len(pieces) == 1 or (len(lines) <= style.chosen.max_line_count and end - start <= LONGEST):
        words = tuple(word for word, _ in pieces)
        yield Cue(start, end, [Voice(segment.speaker, lines, text, words)], language)
        return
    whole = phrase_ends(text, language)
    ends = accumulate(len(piece) for _, piece in pieces)
    spare = len(pieces[0][1]) - len(pieces[0][1].lstrip())  # white space before the text
    places = [place for place, end in enumerate(ends, 1) if end - spare in whole and place < len(pieces)]
    cut = min(places or range(1, len(pieces)), key=lambda place: _cost(pieces, place))
    yield from _cues(segment, pieces[:cut], language, style)
    yield from _cues(segment, pieces[cut:], language, style)


def _cost(pieces: list[tuple[Word, str]], place: int) -> float:
    """How far from the middle, in text; a clause's end and a pause are worth some way."""
    before, after = (
        count_columns("".join(piece for _, piece in part)) for part in (pieces[:place], pieces[place:])
    )
    pause = pieces[place][0].start - pieces[place - 1][0].end
    clause = pieces[place - 1][1].endswith(CLAUSE_ENDS)
    return abs(before - after) / (before + after) - 0.4 * clause - min(pause, 2.0) / 2
