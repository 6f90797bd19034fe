"""Voice that Whisper left without words: it ends some stretches early and passes over others' middles."""

from typing import NamedTuple

from containers.common.contract import Span
from containers.whisperx.segments import longest_usual
from containers.whisperx.sentences import HeardWord
from containers.whisperx.speech import Stretch, widen, without
from containers.whisperx.words import UNLIKELY, Hypothesis

REST = 1.5  # seconds of voice in a row without a word: a phrase,
BURST = 0.6  # or a cry between two pauses
TOUCH = 0.1  # seconds of a voice at the end of a word that need not be the word's
REACH = 0.3  # seconds beside a word that may still be its voice
SURE, SURER = 0.4, 0.6  # mean probability of the words of a phrase, and of a cry, that are believed


class Rest(NamedTuple):
    """What to decode again, and the seconds from which its words are new."""

    stretch: Stretch
    since: float


def find_rests(words: list[HeardWord], stretch: Stretch) -> list[Rest]:
    """What to hear again: voice of a stretch between two of its words, or beside them, that is long enough.

    A cry comes with the voice before it, without which Whisper makes little of it. Empty where there are no
    words at all: then Whisper takes the whole stretch for silence.
    """
    if not words:
        return []
    said = [(word.start, min(word.end, word.start + longest_usual(word.word))) for word in words]
    runs: list[list[Span]] = []
    for voice in stretch.voiced:
        for piece in without(voice, _covered(voice, said, stretch.voiced)):
            if runs and not any(runs[-1][-1].end <= start < piece.start for start, _ in said):
                runs[-1].append(piece)
            else:
                runs.append([piece])
    return [rest for run in runs for rest in _rest(run, stretch)]


def believe(hypothesis: Hypothesis, rest: Rest) -> Hypothesis | None:
    """What is new in what was heard in the second try, or None: of short sounds Whisper makes up words."""
    if hypothesis.is_silence or hypothesis.logprob < UNLIKELY:
        return None
    new = [word for word in hypothesis.words if (word.start + word.end) / 2 > rest.since]
    voice = sum(max(0.0, voice.end - max(voice.start, rest.since)) for voice in rest.stretch.voiced)
    least = SURE if voice >= REST else SURER
    if not new or sum(word.probability for word in new) < least * len(new):
        return None
    return hypothesis._replace(words=new, text="".join(word.word for word in new))


def _covered(voice: Span, said: list[tuple[float, float]], voiced: list[Span]) -> list[tuple[float, float]]:
    """Where words lie in a voice, in their order: its own words, and those that lie in no voice at all."""
    reach = []
    for start, end in said:
        own = [other for other in voiced if start < other.end and end - TOUCH > other.start]
        if voice in own or not own:
            reach.append((start - REACH, end + REACH))
    return sorted(reach)


def _rest(run: list[Span], stretch: Stretch) -> list[Rest]:
    before: list[Span] = []
    if _seconds(run) < REST:
        if not any(piece in stretch.voiced and piece.end - piece.start >= BURST for piece in run):
            return []
        before = [voice for voice in stretch.voiced if voice.end <= run[0].start][-1:]
    (span,) = widen([Span(start=(before or run)[0].start, end=run[-1].end)], stretch.span)
    return [Rest(Stretch(span, before + run), run[0].start)]


def _seconds(spans: list[Span]) -> float:
    return sum(span.end - span.start for span in spans)
