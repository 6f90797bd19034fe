"""Live sound through three images at once: sound without noise, voice activity, growing turns, and words."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

import av
import numpy as np

from containers.common.documents.live import (
    LIVE_EVENT,
    LiveSettled,
    LiveSpeech,
    LiveStretch,
    LiveTurn,
    LiveWords,
)
from containers.common.errors import UserError
from containers.common.media.audio import Waveform
from tasks.live.delays import Delays
from tasks.live.process import LiveProcess, live_process
from tasks.live.sound import BLOCK, RATE, frame_of
from tasks.live.words import Recorder, Speakers, SpeechCut, batches
from tasks.stages.registry import STAGES

SPEECH_RATE = 16_000
LEAST_LATENCY, MOST_LATENCY = 0.5, 5.0  # seconds until a turn is settled
Event = LiveSpeech | LiveTurn | LiveWords


class Listening:
    """One stream. Iterate over it for its events; `seconds` of sound have come so far."""

    def __init__(self) -> None:
        self.delays = Delays(BLOCK / RATE)
        self.seconds = 0.0
        self._events: queue.Queue[Event | BaseException | None] = queue.Queue()
        self._recorder, self._speakers = Recorder(), Speakers()
        self._stretches: queue.Queue[SpeechCut | None] = queue.Queue()

    def __iter__(self) -> Iterator[Event]:
        """Until the sound has ended. Raises UserError when it cannot be read or a model is missing."""
        while (event := self._events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event


@contextmanager
def listening(
    sound: Iterable[Waveform],
    latency: float = 1.0,
    on_denoised: Callable[[Waveform], None] | None = None,
    words: bool = False,
    language: str | None = None,
) -> Iterator[Listening]:
    """Feeds 48 kHz mono, in blocks of BLOCK samples, to the images as it comes.

    A turn is settled `latency` seconds after it was spoken. `on_denoised` is given the sound without noise
    (48 kHz, aligned, as many samples), from a thread of its own. With `words` what is said is written down,
    stretch by stretch as each ends, in `language` if that is given. All have ended when the block is left.
    Raises UserError when the latency is out of range or a model is missing.
    """
    if not LEAST_LATENCY <= latency <= MOST_LATENCY:
        raise UserError(f"The latency has to be between {LEAST_LATENCY:g} and {MOST_LATENCY:g} seconds.")
    stream = Listening()
    with ExitStack() as opened:
        speakers = opened.enter_context(live_process(str(STAGES["diarize"].image), "--latency", str(latency)))
        denoiser = opened.enter_context(live_process(str(STAGES["denoise"].image))) if on_denoised else None
        given = ("--language", language) if language else ()
        writer = (
            opened.enter_context(live_process(str(STAGES["transcribe"].image), *given)) if words else None
        )
        for process in filter(None, (speakers, writer)):
            if not process.output.readline():  # "ready", or nothing
                process.check()
        fed = [process for process in (speakers, denoiser) if process]
        processes = [*fed, *filter(None, [writer])]
        threads = [
            threading.Thread(target=stream_to, args=(_fed(sound, fed, stream), stream)),
            threading.Thread(target=stream_to, args=(_told(speakers, stream, words), stream)),
        ]
        if writer:
            threads.append(threading.Thread(target=stream_to, args=(_written(writer, stream), stream)))
        if denoiser and on_denoised:
            threads.append(
                threading.Thread(target=stream_to, args=(_cleaned(denoiser, on_denoised, stream), stream))
            )
        for thread in threads:
            thread.start()
        try:
            yield stream
        finally:
            for thread in threads:
                thread.join()
        for process in processes:
            process.check()


def stream_to(events: Iterator[Event], stream: Listening) -> None:
    """A thread of the stream: its events, and what it fails of, go where they are read."""
    try:
        for event in events:
            stream._events.put(event)
    except BaseException as error:  # noqa: BLE001 - raised where the events are read
        stream._events.put(error)


def _fed(sound: Iterable[Waveform], processes: list[LiveProcess], stream: Listening) -> Iterator[Event]:
    """Gives the sound to the processes; there are no events of its own."""
    speakers, *denoisers = processes
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SPEECH_RATE)
    try:
        for block in sound:
            stream.delays.arrived()
            stream.seconds += len(block) / RATE
            for denoiser in denoisers:
                denoiser.send(block)
            for frame in resampler.resample(frame_of(block[None], RATE, "flt")):
                _hear(np.asarray(frame.to_ndarray(), np.float32), speakers, stream)
        for frame in resampler.resample(None):
            _hear(np.asarray(frame.to_ndarray(), np.float32), speakers, stream)
    except BrokenPipeError:
        return  # a process has ended: the caller's `check` says why
    finally:
        for process in processes:
            process.end()
    yield from ()


def _hear(samples: Waveform, speakers: LiveProcess, stream: Listening) -> None:
    stream._recorder.hear(samples.reshape(-1))
    speakers.send(samples)


def _told(speakers: LiveProcess, stream: Listening, words: bool) -> Iterator[Event]:
    """The speaker process's events; without words their end is that of the stream."""
    grown: dict[str, float] = {}
    try:
        for line in speakers.output:
            event = LIVE_EVENT.validate_json(line)
            if words:
                _note(event, stream)
            if isinstance(event, LiveSpeech):
                stream.delays.note(
                    "speech begins" if event.end is None else "speech ends", event.end or event.start
                )
                yield event
            elif isinstance(event, LiveTurn):
                if event.open and event.end > grown.get(event.speaker, 0.0):
                    grown[event.speaker] = event.end
                    stream.delays.note("turns", event.end)
                yield event
    finally:
        stream._speakers.settle(float("inf"))
        stream._stretches.put(None)
        if not words:
            stream._events.put(None)


def _note(event: object, stream: Listening) -> None:
    """What the words need: stretches of speech, and who speaks."""
    if isinstance(event, LiveSpeech):
        for stretch in stream._recorder.notice(event):
            stream._stretches.put(stretch)
    elif isinstance(event, LiveSettled):
        for stretch in stream._recorder.go_on(event.until):
            stream._stretches.put(stretch)
        stream._speakers.settle(event.until)
    elif isinstance(event, LiveTurn):
        stream._speakers.say(event)


def _written(writer: LiveProcess, stream: Listening) -> Iterator[Event]:
    """Words with their speakers; stretches that have waited meanwhile are written together."""
    try:
        for one in batches(stream._stretches):
            start, end, first, samples = one.start, one.end, one.first, one.samples
            told = LiveStretch(start=start, end=end, first=first, samples=len(samples))
            writer.tell(told.model_dump_json())
            writer.send(samples)
            line = writer.output.readline()
            if not line:
                return  # it has ended: the caller's `check` says why
            event = LIVE_EVENT.validate_json(line)
            if isinstance(event, LiveWords) and event.segments:
                stream.delays.note("words", event.end)
                yield event.model_copy(update={"segments": stream._speakers.of(event)})
    except BrokenPipeError:
        return
    finally:
        writer.end()
        stream._events.put(None)


def _cleaned(
    denoiser: LiveProcess, on_denoised: Callable[[Waveform], None], stream: Listening
) -> Iterator[Event]:
    seconds = 0.0
    while data := denoiser.output.read(4 * BLOCK):
        samples = np.frombuffer(data, np.float32)
        seconds += len(samples) / RATE
        stream.delays.note("denoised sound", seconds)
        on_denoised(samples)
    yield from ()
