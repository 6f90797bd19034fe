"""One pass over the media: audio at the two rates the models want, and sampled frames.

Everything is streamed to files, so memory does not grow with the media's length.
"""

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import av.error
import numpy as np
from prefect import task

from containers.common.errors import MediaError
from containers.common.media.container import open_media
from tasks.asset.folder import explain_disk
from tasks.calls.progress import advance
from tasks.media.cuts import CutDetector
from tasks.media.decoded import Decoded, Frame
from tasks.media.pictures import to_picture
from tasks.media.probe import is_moving

SPEECH_RATE = 16_000  # Hz: Whisper and pyannote
FULL_RATE = 48_000  # Hz: DeepFilterNet and the taggers
GAP = 0.1  # seconds: timestamps that jump further than this are filled with silence
JPEG_QUALITY = 92


@task
def decode(path: Path, folder: Path, frame_rate: float, expected: float | None) -> Decoded:
    """Decodes into an emptied `folder`; `expected` seconds, where known, make the progress true."""
    with explain_disk(folder):
        shutil.rmtree(folder, ignore_errors=True)
        decoded = decode_media(
            path, folder, frame_rate, lambda seconds: advance("decode", seconds / (expected or seconds or 1))
        )
        complete_mark(folder).touch()
    return decoded


def complete_mark(folder: Path) -> Path:
    """The file that says that everything else in `folder` is whole."""
    return folder / "complete"


def decode_media(
    path: Path, folder: Path, frame_rate: float, progress: Callable[[float], None] = lambda seconds: None
) -> Decoded:
    """Decodes `path` once into `folder`: audio_48k.wav, audio_16k.wav (mono, 16 bit) and frames/*.jpg.

    `frame_rate` frames per second are kept, the first at or after each multiple of 1/frame_rate, and the
    first of every shot. Damaged packets are skipped and counted. Raises MediaError when nothing at all can
    be decoded.
    """
    folder.mkdir(parents=True, exist_ok=True)
    damaged = 0
    with open_media(path) as container:
        origin = (container.start_time or 0) / 1e6
        audio = next(iter(container.streams.audio), None)
        video = next((stream for stream in container.streams.video if is_moving(stream)), None)
        if video is not None:
            video.thread_type = "AUTO"
            if video.average_rate and video.average_rate > 4 * frame_rate:
                video.codec_context.skip_frame = "NONREF"  # half the work, and no sample is missed
        limit = (container.duration or 0) / 1e6 + 60
        track = _AudioTrack(folder, limit) if audio else None
        sampler = _FrameSampler(folder / "frames", frame_rate)
        packets = container.demux([stream for stream in (audio, video) if stream])
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                for frame in packet.decode():
                    if isinstance(frame, av.AudioFrame) and track:
                        track.write(frame, (frame.time or 0.0) - origin)
                    elif isinstance(frame, av.VideoFrame) and video:
                        sampler.offer(frame, (frame.time or 0.0) - origin, video.sample_aspect_ratio)
                        progress(sampler.last_time)
            except av.error.EOFError:
                break
            except (av.error.InvalidDataError, av.error.PatchWelcomeError) as error:
                damaged += 1
                if damaged > 1000 and not (sampler.frames or (track and track.duration)):
                    raise MediaError(f"{path.name} cannot be decoded: {error.strerror}.") from None
        heard = track.close() if track else 0.0
    if not heard and not sampler.frames:
        raise MediaError(f"{path.name} is damaged: no sound and no picture in it can be decoded.")
    return Decoded(
        duration=round(max(heard, sampler.last_time), 3),
        audio_48k=(folder / "audio_48k.wav").as_uri() if heard else None,
        audio_16k=(folder / "audio_16k.wav").as_uri() if heard else None,
        frames=sampler.frames,
        shots=sampler.shots,
        damaged_packets=damaged,
    )


class _AudioTrack:
    """Writes one audio stream at both rates, with silence where timestamps jump."""

    def __init__(self, folder: Path, limit: float) -> None:
        self.duration = 0.0
        self._limit = limit
        self._writers = [
            _WavWriter(folder / "audio_48k.wav", FULL_RATE),
            _WavWriter(folder / "audio_16k.wav", SPEECH_RATE),
        ]

    def write(self, frame: av.AudioFrame, seconds: float) -> None:
        gap = seconds - self.duration
        if gap > GAP and seconds < self._limit:
            for writer in self._writers:
                writer.write_silence(gap)
            self.duration += gap
        for writer in sorted(self._writers, key=lambda writer: writer.rate == frame.sample_rate):
            writer.write(frame)  # the one that takes the frame itself, not a copy, comes last
        self.duration += frame.samples / frame.sample_rate

    def close(self) -> float:
        """Seconds written."""
        return max([writer.close() for writer in self._writers])


class _WavWriter:
    def __init__(self, path: Path, rate: int) -> None:
        self.rate = rate
        self._samples = 0
        self._file = av.open(str(path), "w", format="wav", options={"rf64": "auto"})
        self._stream = self._file.add_stream("pcm_s16le", rate=rate, layout="mono")
        self._resampler = self._new_resampler()

    def _new_resampler(self) -> av.AudioResampler:
        return av.AudioResampler(format="s16", layout="mono", rate=self.rate)

    def write(self, frame: av.AudioFrame) -> None:
        frame.pts = None  # gaps are handled by the caller; the resampler must not see jumps
        try:
            blocks = self._resampler.resample(frame)
        except ValueError:  # the stream changed its rate or layout half-way
            self._flush()
            blocks = self._resampler.resample(frame)
        self._encode(blocks)

    def write_silence(self, seconds: float) -> None:
        left = round(seconds * self.rate)
        while left > 0:
            count = min(left, self.rate * 60)
            silence = av.AudioFrame.from_ndarray(np.zeros((1, count), np.int16), format="s16", layout="mono")
            silence.sample_rate = self.rate
            self._encode([silence])
            left -= count

    def close(self) -> float:
        self._flush()
        self._file.mux(self._stream.encode(None))
        self._file.close()
        return self._samples / self.rate

    def _flush(self) -> None:
        self._encode(self._resampler.resample(None))
        self._resampler = self._new_resampler()

    def _encode(self, blocks: list[av.AudioFrame]) -> None:
        for block in blocks:
            block.pts = self._samples
            block.time_base = Fraction(1, self.rate)
            self._samples += block.samples
            self._file.mux(self._stream.encode(block))


class _FrameSampler:
    """Keeps the first frame at or after each multiple of 1/rate seconds, and the first of every shot."""

    def __init__(self, folder: Path, rate: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.frames: list[Frame] = []
        self.shots: list[float] = []
        self.last_time = 0.0
        self._folder = folder
        self._rate = rate
        self._next = 0
        self._cuts = CutDetector()

    def offer(self, frame: av.VideoFrame, seconds: float, aspect: Fraction | None) -> None:
        seconds = max(seconds, 0.0)
        self.last_time = max(self.last_time, seconds)
        starts = self._cuts.is_cut(frame, seconds)
        due = seconds * self._rate >= self._next - 1e-3
        if starts:
            self.shots.append(round(seconds, 3))
        if due:
            self._next = int(seconds * self._rate + 1e-3) + 1
        if not (due or starts):
            return
        path = self._folder / f"{len(self.frames):06d}.jpg"
        to_picture(frame, aspect).save(path, quality=JPEG_QUALITY)
        self.frames.append(Frame(time=round(seconds, 3), image=path.as_uri()))
