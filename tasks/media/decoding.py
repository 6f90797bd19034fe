"""One pass over the media: sound at the two rates the models want, and sampled frames.

Everything is streamed to files, so memory does not grow with the media's length. It runs in a process of its
own (`tasks.media.bounded`), which is why nothing here knows of flows.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np

from containers.common.errors import MediaError
from tasks.media.budget import Meter, longest_believed
from tasks.media.channels import Channels
from tasks.media.decoded import Decoded, Frame
from tasks.media.fields import Deinterlacer
from tasks.media.mix import Mixer
from tasks.media.pictures import Shown
from tasks.media.reader import Heard, Reader
from tasks.media.sampler import FrameSampler
from tasks.media.stills import Stills, open_stills
from tasks.media.wav import GAP, WavCopies

Progress = Callable[[float], None]


def decode_media(
    path: Path,
    folder: Path,
    frame_rate: float,
    progress: Progress = lambda seconds: None,
    audio_track: str | None = None,
    pictures: bool = True,
    separate: bool = False,
) -> Decoded:
    """Decodes `path` once into `folder`: audio_48k.wav, audio_16k.wav (mono, 32-bit float), frames/*.jpg.

    `frame_rate` frames per second are kept, the first at or after each multiple of 1/frame_rate, and the
    first of every shot. `separate` writes each channel of the sound too, audio_16k_1.wav and so on. Damaged
    packets are skipped and counted. Raises MediaError when nothing at all can be decoded, or the file holds
    more than its size and its header make believable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stills = open_stills(path)
    if stills is not None:
        with stills:
            return _sample_stills(stills, folder, frame_rate, progress)
    with Reader(path, audio_track) as reader:
        if not pictures and reader.audio is None:
            raise MediaError(f"{path.name} has no sound in it.")
        return _Pass(reader, folder, frame_rate, progress, separate).run(pictures)


class _Pass:
    def __init__(
        self, reader: Reader, folder: Path, frame_rate: float, progress: Progress, separate: bool
    ) -> None:
        self._reader = reader
        self._folder = folder
        self._rate = frame_rate
        self._progress = progress
        self._mixer = Mixer()
        self._copies: WavCopies | None = None
        self._channels = Channels(folder) if separate else None
        longest = longest_believed(reader.path.stat().st_size, reader.duration)
        self._meter = Meter(reader.path.name, folder, longest)

    def run(self, pictures: bool) -> Decoded:
        reader = self._reader
        sampler = FrameSampler(self._folder / "frames", self._rate)
        reader.skim(self._rate)
        for each in reader.read(pictures=pictures):
            self._meter.check(each.time)
            if isinstance(each, Shown):
                sampler.offer(each)
            else:
                self._hear(each)
            self._progress(each.time)
        heard = self._close()
        channels = self._channels.close() if self._channels else []
        if not heard and not sampler.frames:
            raise MediaError(f"{reader.path.name} is damaged: no sound and no picture in it can be decoded.")
        return Decoded(
            duration=round(max(heard, reader.end if sampler.frames else 0.0), 3),
            audio_48k=(self._folder / "audio_48k.wav").as_uri() if heard else None,
            audio_16k=(self._folder / "audio_16k.wav").as_uri() if heard else None,
            channels_16k=channels,
            frames=[Frame(time=time, image=image.as_uri()) for time, image in sampler.frames],
            shots=sampler.shots,
            damaged_packets=reader.damaged,
            notes=[*reader.notes, *self._mixer.notes, *(self._channels.notes if self._channels else [])],
            seekable=reader.seekable,
        )

    def _hear(self, heard: Heard) -> None:
        """In step with the time: silence where it jumps, and nothing twice where recordings overlap."""
        self._copies = self._copies or WavCopies(self._folder)
        rate = heard.frame.sample_rate
        behind = heard.time - self._mixer.held - self._copies.seconds
        if behind > GAP:
            self._write(self._mixer.flush())
            jump = heard.time - self._copies.seconds
            self._copies.write_silence(jump)
            if self._channels:
                self._channels.write_silence(jump)
        elif behind < -GAP and heard.frame.samples / rate <= -behind:
            return
        if self._channels:
            self._channels.write(heard.frame)
        self._write(self._mixer.mix(heard.frame))

    def _write(self, blocks: Any) -> None:
        assert self._copies
        for samples, rate in blocks:
            self._copies.write(samples, rate)

    def _close(self) -> float:
        if self._copies is None:
            return 0.0
        self._write(self._mixer.flush())
        return self._copies.close()


def _sample_stills(stills: Stills, folder: Path, frame_rate: float, progress: Progress) -> Decoded:
    sampler = FrameSampler(folder / "frames", frame_rate)
    end, deinterlacer = 0.0, Deinterlacer()
    for still in stills:
        frame = av.VideoFrame.from_ndarray(np.asarray(still.picture), format="rgb24")
        sampler.offer(Shown(still.time, frame, None, None, None, deinterlacer))
        end = still.time + still.length
        progress(end)
    return Decoded(
        duration=round(end, 3),
        frames=[Frame(time=time, image=image.as_uri()) for time, image in sampler.frames],
        shots=sampler.shots,
        seekable=False,
    )
