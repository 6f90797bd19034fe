"""Sound of any rate and up to 8 channels, in and out in blocks of shape (samples, channels)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import cast

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from containers.common.errors import MediaError, UserError
from containers.common.media.container import open_media

RATE = 48_000  # Hz, inside
FORMATS = {"wav": ("wav", "pcm_s16le"), "flac": ("flac", "flac"), "opus": ("ogg", "libopus")}
SUFFIXES = {".wav": "wav", ".flac": "flac", ".opus": "opus", ".ogg": "opus"}
OPUS_RATES = (8_000, 12_000, 16_000, 24_000, 48_000)
MOST_CHANNELS = 8
LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
# The model takes quiet speech for noise; with the 95th percentile of the 10 ms frames' RMS here, it does not.
LEVEL = 10 ** (-15 / 20)
MOST_GAIN = 10 ** (60 / 20)
HEADROOM = 8  # 18 dB: speech peaks are 12 to 20 dB above its loud parts, which are at LEVEL
SCALE = 2**15 - 1

Block = NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """What a first pass over a file finds."""

    rate: int
    layout: str
    channels: int
    samples: int  # per channel
    gain: float  # brings it to LEVEL

    @property
    def duration(self) -> float:
        return self.samples / self.rate

    @property
    def quiet(self) -> bool:
        """Whether 16 bits would leave out words: the loud parts lie more than 20 dB below LEVEL."""
        return self.gain > 10

    @property
    def lift(self) -> float:
        """What samples are multiplied with while they are kept in 16 bits, with HEADROOM for peaks."""
        return max(self.gain / HEADROOM, 1.0)


def survey(path: Path) -> Sound:
    """Raises MediaError when the file has no audio, none that can be decoded, or too many channels."""
    with open_media(path) as container:
        if not container.streams.audio:
            raise MediaError(f"{path.name} has no audio.")
        context = container.streams.audio[0].codec_context
        rate, channels = context.rate, context.channels
        name = context.layout.name
    if channels > MOST_CHANNELS:
        raise MediaError(f"{path.name} has {channels} channels; at most {MOST_CHANNELS} can be denoised.")
    if not rate or not channels:
        raise MediaError(f"{path.name} has audio without a sample rate or channels.")
    layout = LAYOUTS[channels] if "channel" in name else name
    samples, powers = 0, [np.zeros(0, np.float32)]
    for block in read_blocks(path, rate, layout):
        samples += len(block)
        frame = min(max(rate // 100, 1), len(block))
        powers.append(frame_powers(block[: len(block) // frame * frame], frame).mean(axis=1))
    if not samples:
        raise MediaError(f"{path.name} has an audio track without any sound in it.")
    audible = np.concatenate(powers)
    audible = audible[audible > 0]
    level = float(np.sqrt(np.percentile(audible, 95))) if len(audible) else LEVEL
    return Sound(rate, layout, channels, samples, min(LEVEL / level, MOST_GAIN))


def read_blocks(path: Path, rate: int, layout: str) -> Iterator[Block]:
    """The file's first audio stream in blocks of about a second, float32, at `rate` Hz."""
    try:
        with open_media(path) as container:
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
            held: list[Block] = []
            for frame in chain(container.decode(audio=0), [None]):
                held += [np.asarray(block.to_ndarray().T, np.float32) for block in resampler.resample(frame)]
                if held and (frame is None or sum(map(len, held)) >= rate):
                    yield np.concatenate(held)
                    held.clear()
    except ValueError as error:
        if isinstance(error, av.error.FFmpegError):
            raise MediaError(f"{path.name} cannot be decoded: {error.strerror}.") from error
        raise MediaError(f"{path.name} changes its sample rate or channels half-way.") from error
    except av.error.FFmpegError as error:
        raise MediaError(f"{path.name} cannot be decoded: {error.strerror}.") from error


def frame_powers(block: Block, size: int) -> Block:
    """(frames, channels): mean squares of each `size` samples about their mean, since a constant offset
    is no sound."""
    return block.reshape(-1, size, block.shape[1]).var(axis=1)


def keep_blocks(path: Path, blocks: Iterable[Block]) -> None:
    """Writes blocks as 16 bit samples and nothing else, to be read again by `paired`."""
    with path.open("wb") as file:
        for block in blocks:
            file.write((np.clip(block, -1, 1) * SCALE).round().astype(np.int16).tobytes())


def paired(
    blocks: Iterable[Block], kept: Path, channels: int, lift: float = 1.0
) -> Iterator[tuple[Block, Block]]:
    """Each block with the part of `kept` (of as many samples in all) that belongs to it, less the `lift`."""
    with kept.open("rb") as file:
        for block in blocks:
            samples = np.frombuffer(file.read(block.size * 2), np.int16).reshape(-1, channels)
            yield block, samples.astype(np.float32) / np.float32(SCALE * lift)


def choose_format(asked: str | None, uri: str, rate: int) -> str:
    """`wav`, `flac` or `opus`. Raises UserError when the name does not tell or Opus lacks the rate."""
    suffix = Path(uri).suffix.lower()
    chosen = asked or SUFFIXES.get(suffix)
    if chosen is None:
        raise UserError(f"'{suffix}' tells no format for denoised audio: choose wav, flac or opus.")
    if chosen == "opus" and rate not in OPUS_RATES:
        raise UserError(f"Opus holds 8, 12, 16, 24 or 48 kHz, not {rate} Hz: choose flac or wav.")
    return chosen


def write_blocks(path: Path, blocks: Iterable[Block], sound: Sound, chosen: str) -> None:
    """48 kHz blocks in; a file of exactly the rate, channels and samples of `sound` out.

    16 bit, for quiet sound 24 bit, where the format has bits. Samples beyond [-1, 1] are held at its ends.
    """
    container, codec = FORMATS[chosen]
    deep = sound.quiet and chosen != "opus"
    kind, depth = ("s32", np.int32) if deep else ("s16", np.int16)
    codec = {"pcm_s16le": "pcm_s24le"}.get(codec, codec) if deep else codec
    options = {"rf64": "auto"} if chosen == "wav" else {}
    with av.open(str(path), "w", format=container, options=options) as output:
        stream = cast(av.AudioStream, output.add_stream(codec, rate=sound.rate, layout=sound.layout))
        if deep:
            stream.codec_context.format = kind
        resampler = av.AudioResampler(format=kind, layout=sound.layout, rate=sound.rate)
        written = 0

        def write(frames: Iterable[av.AudioFrame]) -> None:
            nonlocal written
            for frame in frames:
                samples = np.asarray(frame.to_ndarray(), depth).reshape(-1, sound.channels)
                samples = samples[: sound.samples - written]
                if len(samples):
                    _encode(output, stream, samples, kind, sound, written)
                    written += len(samples)

        for block in blocks:
            if len(block):
                write(resampler.resample(_frame(block.T, "fltp", sound.layout, RATE)))
        write(resampler.resample(None))
        if written < sound.samples:
            rest = np.zeros((sound.samples - written, sound.channels), depth)
            _encode(output, stream, rest, kind, sound, written)
        output.mux(stream.encode(None))


def _encode(output, stream, samples: NDArray[np.integer], kind: str, sound: Sound, position: int) -> None:
    frame = _frame(samples.reshape(1, -1), kind, sound.layout, sound.rate)
    frame.pts = position
    output.mux(stream.encode(frame))


def _frame(samples: np.ndarray, kind: str, layout: str, rate: int) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format=kind, layout=layout)
    frame.sample_rate = rate
    frame.time_base = Fraction(1, rate)
    return frame
