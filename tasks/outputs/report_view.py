"""What the report page draws, derived from results: lanes, rows, tiles and words with their gaps."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from containers.common.documents.sounds import Prediction, Tags
from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from tasks.media.tracks import Track as Stream
from tasks.outputs.labels import clock as clock
from tasks.outputs.labels import speaker_name as speaker_name
from tasks.stages.detect.track import Track

MOST_PEOPLE = 60  # crops are inside the page, about 8 kB each
MOST_BARS = 1200  # of the faces' timeline
MOST_APPEARANCES = 4  # of one person, as links
COLOURS = 8  # speakers beyond share a colour
UNSURE = 0.5  # words scored below are marked


class Speaker(NamedTuple):
    label: str
    colour: int
    turns: list[Turn]
    seconds: float  # talking, overlapped speech included


class Token(NamedTuple):
    """A word of a segment's text and the characters before it (spaces, or none in some languages)."""

    gap: str
    word: Word
    unsure: bool


class Utterance(NamedTuple):
    segment: Segment
    tokens: list[Token]
    rest: str  # the text after the last word
    new_speaker: bool


class Sound(NamedTuple):
    label: str
    events: list[Prediction]
    seconds: float  # covered by at least one event
    best: float


class Presence(NamedTuple):
    """How many faces are on screen from `time` until the next sampled frame."""

    time: float
    seconds: float
    faces: int


class PersonTile(NamedTuple):
    tracks: list[Track]
    crop: str | None

    @property
    def best(self) -> Track:
        """The appearance in which the person is seen best."""
        return max(self.tracks, key=lambda track: track.best[0].quality.overall)

    @property
    def expression(self) -> tuple[str, float]:
        """The likeliest one there and its mean score."""
        scores = [(label, spread.mean) for label, spread in self.best.expressions.items()]
        return max(scores, key=lambda item: item[1], default=("unknown", 0.0))

    @property
    def samples(self) -> int:
        return sum(len(track.seen) for track in self.tracks)


# How stages say what they found, and how people say it: names of models are in the table of models.
PLAIN = (
    (re.compile(r"^0 of (\d+) turns spoken by a face on screen$"), "of nobody who speaks the face was found"),
    (re.compile(r"^(\d+) of (\d+) turns spoken by a face on screen$"), r"\1 times of \2 the speaker is seen"),
    (re.compile(r"^the model store has no [\w.-]+$"), "its model was not fetched"),
    (re.compile(r",? ?\d+ vectors by [\w.-]+(?:, [\w.-]+)*$"), ""),
    (re.compile(r" by [a-z]+[\w.]*-[\w.-]+(?:, [\w.-]+)*$"), ""),
)
VECTORS = re.compile(r"(\d+) vectors of [\w.-]+")


def plainly(found: str) -> str:
    """What a stage found, in words that need no model's name."""
    if counts := VECTORS.findall(found):  # one number a model
        return f"{sum(map(int, counts)):,} faces, voices, pictures or sounds that can be searched"
    for pattern, words in PLAIN:
        found = pattern.sub(words, found)
    return found


def list_speakers(diarization: Diarization, transcript: Transcript) -> list[Speaker]:
    """By who is heard first; the transcript's labels too, so that each has its colour."""
    turns: dict[str, list[Turn]] = {}
    for turn in sorted(diarization.turns, key=lambda turn: turn.start):
        turns.setdefault(turn.speaker, []).append(turn)
    for segment in transcript.segments:
        if segment.speaker:
            turns.setdefault(segment.speaker, [])
    return [
        Speaker(label, number % COLOURS, spoken, _covered([(turn.start, turn.end) for turn in spoken]))
        for number, (label, spoken) in enumerate(turns.items())
    ]


def list_utterances(transcript: Transcript) -> list[Utterance]:
    utterances: list[Utterance] = []
    for segment in transcript.segments:
        tokens, rest = _tokens(segment)
        before = utterances[-1].segment.speaker if utterances else None
        changed = not utterances or segment.speaker != before
        utterances.append(Utterance(segment, tokens, rest, changed and segment.speaker is not None))
    return utterances


def _tokens(segment: Segment) -> tuple[list[Token], str]:
    """Words laid over the segment's text, which knows where spaces belong; a word it lacks gets its own."""
    text, at = segment.text.strip(), 0
    tokens: list[Token] = []
    for word in segment.words:
        bare = word.word.strip()
        found = text.find(bare, at)
        if found < 0:
            tokens.append(Token(" " if tokens else "", word, word.score < UNSURE))
            continue
        tokens.append(Token(text[at:found], word, word.score < UNSURE))
        at = found + len(bare)
    return tokens, text[at:]


def list_sounds(tags: Tags) -> list[Sound]:
    """One entry a label, what is heard longest first."""
    events: dict[str, list[Prediction]] = {}
    for event in tags.predictions:
        events.setdefault(event.label, []).append(event)
    sounds = [
        Sound(
            label,
            sorted(predictions, key=lambda event: event.start_time),
            _covered([(event.start_time, event.end_time) for event in predictions]),
            max(event.score for event in predictions),
        )
        for label, predictions in events.items()
    ]
    return sorted(sounds, key=lambda sound: (-sound.seconds, sound.label))


def face_presence(frames: Sequence[tuple[float, int]]) -> list[Presence]:
    """From (time, number of faces) of every sampled frame, equal neighbours joined.

    Of long media the most faces of a stretch stand for it: nobody sees more bars than a screen has pixels.
    """
    ordered = _coarse(sorted(frames))
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(ordered)]
    step = min(gaps, default=1.0)
    joined: list[Presence] = []
    for time, faces in ordered:
        last = joined[-1] if joined else None
        if last and last.faces == faces and time - (last.time + last.seconds) < step / 2:
            joined[-1] = Presence(last.time, time + step - last.time, faces)
        elif faces:
            joined.append(Presence(time, step, faces))
    return joined


def _coarse(frames: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """At most MOST_BARS frames, each the start of equally many with the most faces among them."""
    every = -(-len(frames) // MOST_BARS)
    return [
        (frames[first][0], max(faces for _, faces in frames[first : first + every]))
        for first in range(0, len(frames), max(1, every))
    ]


def longest_seen(people: Sequence[PersonTile], most: int) -> list[PersonTile]:
    """At most `most` of the people, those in the most sampled frames, by first appearance."""
    chosen = sorted(people, key=lambda person: -person.samples)[:most]
    return sorted(chosen, key=lambda person: person.tracks[0].start)


def axis_ticks(duration: float, start: float = 0.0) -> list[float]:
    """Round times of at most seven intervals, in `duration` seconds from `start` on."""
    steps = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
    step = next((step for step in steps if duration / step <= 7), 86400)
    first = -(-int(start) // step) * step if start == int(start) else (int(start) // step + 1) * step
    return [float(tick) for tick in range(first, int(start + duration) + 1, step)]


def what_it_is(track: Stream) -> str:
    """A stream in a few words: h264, 1920 by 1080, de, Commentary, default."""
    size = f"{track.width} by {track.height}" if track.width else None
    channels = f"{track.channels} channel{'s' * (track.channels != 1)}" if track.channels else None
    rate = f"{track.sample_rate / 1000:g} kHz" if track.sample_rate else None
    said = (
        track.codec,
        size,
        channels,
        rate,
        track.language,
        track.title,
        "default" if track.default else None,
    )
    return ", ".join(each for each in said if each)


def span(seconds: float) -> str:
    """A duration for people: 4.2 s, 3 min 20 s, 12 min, 1 h 05 min."""
    whole = round(seconds)
    if seconds < 60:
        return f"{seconds:.1f} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _covered(spans: list[tuple[float, float]]) -> float:
    """Seconds inside at least one of the spans."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
