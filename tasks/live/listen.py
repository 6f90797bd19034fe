"""Live sound through two images at once: sound without noise, voice activity and growing speaker turns."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

import av
import numpy as np

from containers.common.documents.live import LIVE_EVENT, LiveSpeech, LiveTurn
from containers.common.errors import UserError
from containers.common.media.audio import Waveform
from tasks.live.delays import Delays
from tasks.live.process import LiveProcess, live_process
from tasks.live.sound import BLOCK, RATE, frame_of
from tasks.stages.registry import STAGES

SPEECH_RATE = 16_000
LEAST_LATENCY, MOST_LATENCY = 0.5, 5.0  # seconds until a turn is settled
Event = LiveSpeech | LiveTurn


class Listening:
    """One stream. Iterate over it for its events; `seconds` of sound have come so far."""

    def __init__(self) -> None:
        self.delays = Delays(BLOCK / RATE)
        self.seconds = 0.0
        self._events: queue.Queue[Event | BaseException | None] = queue.Queue()

    def __iter__(self) -> Iterator[Event]:
        """Until the sound has ended. Raises UserError when it cannot be read or a model is missing."""
        while (event := self._events.get()) is not None:
            if isinstance(event, BaseException):
                raise event
            yield event


@contextmanager
def listening(
    sound: Iterable[Waveform], latency: float = 1.0, on_denoised: Callable[[Waveform], None] | None = None
) -> Iterator[Listening]:
    """Feeds 48 kHz mono, in blocks of BLOCK samples, to the images as it comes.

    A turn is settled `latency` seconds after it was spoken. `on_denoised` is given the sound without noise
    (48 kHz, aligned, as many samples), from a thread of its own. Both have ended when the block is left.
    Raises UserError when the latency is out of range or a model is missing.
    """
    if not LEAST_LATENCY <= latency <= MOST_LATENCY:
        raise UserError(f"The latency has to be between {LEAST_LATENCY:g} and {MOST_LATENCY:g} seconds.")
    stream = Listening()
    with ExitStack() as opened:
        speakers = opened.enter_context(live_process(str(STAGES["diarize"].image), "--latency", str(latency)))
        denoiser = opened.enter_context(live_process(str(STAGES["denoise"].image))) if on_denoised else None
        if not speakers.output.readline():  # "ready", or nothing
            speakers.check()
        processes = [process for process in (speakers, denoiser) if process]
        threads = [
            threading.Thread(target=stream_to, args=(_fed(sound, processes, stream), stream)),
            threading.Thread(target=stream_to, args=(_told(speakers, stream), stream)),
        ]
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
                speakers.send(frame.to_ndarray())
        for frame in resampler.resample(None):
            speakers.send(frame.to_ndarray())
    except BrokenPipeError:
        return  # a process has ended: the caller's `check` says why
    finally:
        for process in processes:
            process.end()
    yield from ()


def _told(speakers: LiveProcess, stream: Listening) -> Iterator[Event]:
    """The speaker process's events; the last thread's, so that the end of them is the end of the stream."""
    grown: dict[str, float] = {}
    try:
        for line in speakers.output:
            event = LIVE_EVENT.validate_json(line)
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
