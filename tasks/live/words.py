"""What is said in live sound: stretches of speech, cut as they end, and whose words are theirs."""

import queue
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from containers.common.documents.live import LiveSpeech, LiveTurn, LiveWords
from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript
from containers.common.media.audio import Waveform
from tasks.outputs.assign import assign_speakers

RATE = 16_000
MARGIN = 0.3  # seconds of the sound around speech: Whisper mishears a word that begins or ends with its audio
LONGEST = 28.0  # seconds of a stretch with both margins less than Whisper's window
CALM = 8.0  # seconds before that, in which the quietest moment is where long speech is cut
MOMENT = 0.2  # seconds of it
KEPT = 90.0  # seconds of sound: a stretch, and how far the sound may be ahead of what is known of it


class SpeechCut(NamedTuple):
    """Speech from `start` to `end` seconds of the stream, and its `samples` at 16 kHz with a margin, which
    begin at `first`."""

    start: float
    end: float
    first: float
    samples: Waveform


def joined(one: SpeechCut, other: SpeechCut) -> SpeechCut:
    """Both as one, with silence where neither has sound."""
    place = round((other.first - one.first) * RATE)
    samples = np.zeros(max(len(one.samples), place + len(other.samples)), np.float32)
    samples[: len(one.samples)] = one.samples
    samples[place : place + len(other.samples)] = other.samples
    return SpeechCut(one.start, other.end, one.first, samples)


def batches(stretches: queue.Queue[SpeechCut | None]) -> Iterator[SpeechCut]:
    """Stretches as they come, until None; those that waited are one as far as Whisper's window holds them."""
    waiting = stretches.get()
    while waiting is not None:
        one, waiting, ended = waiting, None, False
        while not stretches.empty():  # nobody else takes from it
            other = stretches.get()
            if other is None or other.end - one.start > LONGEST - 2 * MARGIN:
                waiting, ended = other, other is None
                break
            one = joined(one, other)
        yield one
        if ended:
            return
        waiting = waiting or stretches.get()


class Recorder:
    """The last sound of a stream, and the speech in it that has ended. Sound and events come from threads of
    their own. Grows with neither."""

    def __init__(self) -> None:
        self._blocks: deque[Waveform] = deque()
        self._first, self._end = 0, 0  # samples
        self._lock = threading.Lock()
        self._since: float | None = None  # where speech that goes on has not been cut yet

    def hear(self, samples: Waveform) -> None:
        """16 kHz mono."""
        with self._lock:
            self._blocks.append(samples)
            self._end += len(samples)
            while self._end - self._first - len(self._blocks[0]) > KEPT * RATE:
                self._first += len(self._blocks.popleft())

    def notice(self, event: LiveSpeech) -> list[SpeechCut]:
        """What may be transcribed now."""
        if event.end is None:
            self._since = event.start
            return []
        start = event.start if self._since is None else self._since
        self._since = None
        return [self._cut(start, event.end)] if event.end > start else []

    def go_on(self, heard: float) -> list[SpeechCut]:
        """The same while speech goes on and `heard` seconds of the stream are known to be speech."""
        if self._since is None or heard - self._since < LONGEST - 2 * MARGIN:
            return []
        end = self._calm_moment(heard - CALM, heard)
        found, self._since = self._cut(self._since, end), end
        return [found]

    def _calm_moment(self, first: float, last: float) -> float:
        _, samples = self._between(first, last)
        size = round(MOMENT * RATE)
        frames = samples[: len(samples) // size * size].reshape(-1, size)
        return first + (int(np.square(frames).mean(1).argmin()) + 0.5) * MOMENT if len(frames) else last

    def _cut(self, start: float, end: float) -> SpeechCut:
        first, samples = self._between(start - MARGIN, end + MARGIN)
        return SpeechCut(start, end, first, samples)

    def _between(self, start: float, end: float) -> tuple[float, Waveform]:
        with self._lock:
            blocks, begins = list(self._blocks), self._first
        first = max(round(start * RATE), begins)
        whole = np.concatenate([*blocks, np.zeros(0, np.float32)])
        samples = whole[first - begins : max(round(end * RATE) - begins, 0)]
        return first / RATE, np.asarray(samples, np.float32)


class Speakers:
    """Turns so far, and until when they are settled."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, float], Turn] = {}
        self._settled = 0.0
        self._changed = threading.Condition()

    def say(self, turn: LiveTurn) -> None:
        with self._changed:
            self._turns[turn.speaker, turn.start] = Turn(start=turn.start, end=turn.end, speaker=turn.speaker)

    def settle(self, until: float) -> None:
        with self._changed:
            self._settled = max(self._settled, until)
            self._changed.notify_all()

    def of(self, words: LiveWords) -> list[Segment]:
        """The segments with their speakers, as soon as these are settled; a segment is one person's."""
        with self._changed:
            self._changed.wait_for(lambda: self._settled >= words.end)
            turns = list(self._turns.values())
            for key, turn in list(self._turns.items()):  # what is long ago is asked for no more
                if turn.end < words.start - KEPT:
                    del self._turns[key]
        near = [turn for turn in turns if turn.end > words.start - 1 and turn.start < words.end + 1]
        found = Diarization(turns=near, exclusive_turns=list(_apart(near)), voice_activity=[], speakers=[])
        return assign_speakers(Transcript(segments=words.segments), found).segments


def _apart(turns: Iterable[Turn]) -> Iterable[Turn]:
    """Who began to speak has the word until the turn ends."""
    end = 0.0
    for turn in sorted(turns, key=lambda each: (each.start, each.end)):
        start = max(turn.start, end)
        if turn.end > start:
            yield turn.model_copy(update={"start": start})
            end = turn.end
