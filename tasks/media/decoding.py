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
from tasks.media.channels import Channelled, Channels
from tasks.media.decoded import Decoded, Frame
from tasks.media.fields import Deinterlacer
from tasks.media.mix import Mixer
from tasks.media.part import WHOLE, Part, told
from tasks.media.pictures import Shown
from tasks.media.reader import Reader, SoundBlock
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
    channels: Channelled = "mixed",
    part: Part = WHOLE,
) -> Decoded:
    """Decodes `path` once into `folder`: audio_48k.wav, audio_16k.wav (mono, 32-bit float), frames/*.jpg.

    `frame_rate` frames per second are kept, the first at or after each multiple of 1/frame_rate, and the
    first of every shot. `channels` says whether each channel of the sound is written too, audio_16k_1.wav
    and so on: with auto where two channels hold two people. Of `part` the sound begins with its start; times
    of frames and shots are those of the whole. Damaged packets are skipped and counted. Raises MediaError
    when nothing at all can be decoded, or the file holds more than its size and its header make believable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stills = open_stills(path)
    if stills is not None:
        with stills:
            return _sample_stills(stills, folder, frame_rate, progress, part)
    with Reader(path, audio_track) as reader:
        if not pictures and reader.audio is None:
            raise MediaError(f"{path.name} has no sound in it.")
        return _Pass(reader, folder, frame_rate, progress, channels, part).run(pictures)


class _Pass:
    def __init__(
        self,
        reader: Reader,
        folder: Path,
        frame_rate: float,
        progress: Progress,
        channels: Channelled,
        part: Part,
    ) -> None:
        self._reader = reader
        self._folder = folder
        self._rate = frame_rate
        self._progress = progress
        self._mixer = Mixer()
        self._part = part
        self._begins = part.start  # seconds of the media at the first sample given to the copies
        self._copies: WavCopies | None = None
        self._channels = None if channels == "mixed" else Channels(folder, channels == "auto")
        longest = longest_believed(reader.path.stat().st_size, reader.duration)
        self._meter = Meter(reader.path.name, folder, longest)

    def run(self, pictures: bool) -> Decoded:
        reader, part = self._reader, self._part
        sampler = FrameSampler(self._folder / "frames", self._rate, part)
        reader.skim(self._rate)
        if part.start:
            reader.go_to(part.start, lambda: self._progress(0.0))
        for each in reader.read(pictures=pictures, until=part.end):
            self._meter.check(each.time)
            if isinstance(each, Shown):
                sampler.offer(each)
            else:
                self._hear(each)
            self._progress(max(each.time - part.start, 0.0))
        sampler.close(reader.end)
        sound_seconds = self._close()
        channels = self._channels.close() if self._channels else []
        if not sound_seconds and not sampler.frames:
            if part != WHOLE and reader.end:
                raise _nothing(reader.path.name, part, reader.end)
            raise MediaError(f"{reader.path.name} is damaged: no sound and no picture in it can be decoded.")
        seen = min(reader.end, part.end or reader.end) - part.start if sampler.frames else 0.0
        if part == WHOLE and (pictures or reader.video is None):
            reader.compare_length(max(sound_seconds, seen))
        return Decoded(
            start=part.start,
            duration=round(max(sound_seconds, seen), 3),
            audio_48k=(self._folder / "audio_48k.wav").as_uri() if sound_seconds else None,
            audio_16k=(self._folder / "audio_16k.wav").as_uri() if sound_seconds else None,
            channels_16k=channels,
            frames=[Frame(time=time, image=image.as_uri()) for time, image in sampler.frames],
            shots=sampler.shots,
            damaged_packets=reader.damaged + sampler.damaged,
            notes=[*reader.notes, *self._mixer.notes, *(self._channels.notes if self._channels else [])],
            seekable=reader.seekable,
        )

    def _hear(self, block: SoundBlock) -> None:
        """In step with the time: silence where it jumps, and nothing twice where recordings overlap."""
        rate = block.frame.sample_rate
        if self._copies is None:
            if not self._reaches(block):
                return
            self._begins = min(block.time, self._part.start) if self._part.start else 0.0
            cut = {"skip": self._part.start - self._begins, "most": self._part.length(None)}
            self._copies = WavCopies(self._folder, **cut)
            if self._channels:
                self._channels.cut = cut
        time = block.time - self._begins
        behind = time - self._mixer.held - self._copies.seconds
        if behind > GAP:
            self._write(self._mixer.flush())
            jump = time - self._copies.seconds
            self._copies.write_silence(jump)
            if self._channels:
                self._channels.write_silence(jump)
        elif behind < -GAP and block.frame.samples / rate <= -behind:
            return
        if self._channels:
            self._channels.write(block.frame)
        self._write(self._mixer.mix(block.frame))

    def _reaches(self, block: SoundBlock) -> bool:
        """Whether a first frame belongs to the part, with at least a sample."""
        ends = block.time + block.frame.samples / block.frame.sample_rate
        return ends > self._part.start and (self._part.end is None or block.time < self._part.end)

    def _write(self, blocks: Any) -> None:
        assert self._copies
        for samples, rate in blocks:
            self._copies.write(samples, rate)

    def _close(self) -> float:
        if self._copies is None:
            return 0.0
        self._write(self._mixer.flush())
        return self._copies.close()


def _sample_stills(
    stills: Stills, folder: Path, frame_rate: float, progress: Progress, part: Part
) -> Decoded:
    sampler = FrameSampler(folder / "frames", frame_rate, part)
    end, deinterlacer = 0.0, Deinterlacer()
    for still in stills:
        if part.end is not None and still.time >= part.end:
            break
        end = still.time + still.length
        if stills.animated and end <= part.start:
            continue
        frame = av.VideoFrame.from_ndarray(np.asarray(still.picture), format="rgb24")
        sampler.offer(Shown(still.time, frame, None, None, None, deinterlacer))
        progress(max(end - part.start, 0.0))
    sampler.close(end)
    if not sampler.frames:
        raise _nothing(stills.name, part, end)
    return Decoded(
        start=part.start,
        duration=round(min(end, part.end or end) - part.start, 3),
        frames=[Frame(time=time, image=image.as_uri()) for time, image in sampler.frames],
        shots=sampler.shots,
        seekable=False,
    )


def _nothing(name: str, part: Part, end: float) -> MediaError:
    return MediaError(f"{name} has nothing {part}: it ends at {told(round(end, 1))}.")
