"""Each channel of a recording by itself: calls and interviews with one person a channel."""

from pathlib import Path
from typing import Any, Literal

import av
import numpy as np

from tasks.media.crosstalk import Crosstalk
from tasks.media.mix import Samples, planes_of
from tasks.media.wav import SPEECH_RATE, WavCopies

Channelled = Literal["mixed", "separate", "auto"]
MOST = 8
# What of a channel's power the first channel, scaled, does not explain. One sound twice leaves at most 1e-4
# (MP2 at 64 kbit/s), with one copy quieter 4e-3 (AAC); of ten stereo recordings a train far away leaves 3e-3,
# the others 0.1 and more.
SAME = 0.01


class Channels:
    """Files of a stream's channels, 16 kHz mono, in step with the time of the media."""

    def __init__(self, folder: Path, auto: bool = False) -> None:
        """`auto`: only where two channels hold two people."""
        self.notes: list[str] = []
        self._auto = auto
        self.cut: dict[str, Any] = {}  # `skip` and `most` of WavCopies
        self._folder = folder
        self._copies: list[WavCopies] = []
        self._resampler: av.AudioResampler | None = None
        self._kind: tuple[object, ...] = ()
        self._powers = self._with_first = np.zeros(0)

    def write(self, frame: av.AudioFrame) -> None:
        """The frame's channels follow what was written; where their number changes there is silence."""
        planes = self._planes(frame)
        if not self._copies:
            most = 2 if self._auto else MOST
            count = len(planes) if len(planes) <= most else 0
            names = [f"audio_16k_{number + 1}.wav" for number in range(count)]
            self._powers, self._with_first = np.zeros(count), np.zeros(count)
            self._copies = [WavCopies(self._folder, {name: SPEECH_RATE}, **self.cut) for name in names]
            if count != len(planes) and not self._auto:
                self.notes.append(f"The sound has {len(planes)} channels: too many to be told apart.")
        if len(planes) != len(self._copies):
            self.write_silence(planes.shape[1] / frame.sample_rate)
            return
        self._powers += np.einsum("cs,cs->c", planes, planes)
        self._with_first += planes @ planes[0]
        for copy, plane in zip(self._copies, planes, strict=True):
            copy.write(plane, frame.sample_rate)

    def write_silence(self, seconds: float) -> None:
        for copy in self._copies:
            copy.write_silence(seconds)

    def close(self) -> list[str]:
        """URIs of the files, in the order of the channels; none where there is one sound alone, or where it
        was to be found out whether there are two people, and there are not.

        What one channel has of another's sound is turned down.
        """
        for copy in self._copies:
            copy.close()
        if not self._copies:
            return []
        both = self._powers[0] * self._powers  # a silent channel is not the same as one that is none
        if len(self._copies) == 1 or ((self._with_first**2 >= (1 - SAME) * both).all() and both.all()):
            return self._mixed("Every channel has the same sound: there is nothing to tell apart.")
        crosstalk = Crosstalk([copy.files[0] for copy in self._copies])
        if self._auto and not (len(self._copies) == 2 and crosstalk.seconds().two_people):
            return self._mixed("")
        if self._auto:
            self.notes.append("Each of the two channels is another person's: they are heard one by one.")
        if (seconds := crosstalk.turn_down()) >= 0.5:
            self.notes.append(f"In {seconds:.0f} s a channel has what another says; there it is turned down.")
        return [copy.files[0].as_uri() for copy in self._copies]

    def _mixed(self, why: str) -> list[str]:
        """Nothing is told apart; what was written for it goes."""
        for copy in self._copies:
            copy.files[0].unlink(missing_ok=True)
        if why and not self._auto:
            self.notes.append(why)
        return []

    def _planes(self, frame: av.AudioFrame) -> Samples:
        """(channels, samples), and 0 where there is no number."""
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            self._kind, self._resampler = kind, av.AudioResampler("flt", frame.layout)
        assert self._resampler
        return np.nan_to_num(planes_of(frame, self._resampler), nan=0.0, posinf=0.0, neginf=0.0)


def voice_of(channel: int) -> str:
    """The speaker of a channel, as diarization calls speakers."""
    return f"SPEAKER_{channel:02d}"
