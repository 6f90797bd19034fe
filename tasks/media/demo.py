"""The sample video: real faces and a real conversation, from files that installed packages carry.

Pictures: `demo/sample1.jpg` to `sample6.jpg` of the npm package @vladmandic/face-api (MIT).
Sound: `sample.wav` of the Python package pyannote.audio (MIT), a telephone call of two people; the
`sample.rttm` beside it says who speaks when, and in each picture one face speaks for either: its mouth
is moved by the sound. The video is made on the user's machine and not published.
"""

from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageOps

from containers.common import storage
from containers.common.errors import UserError
from containers.common.image import CONTAINERS
from containers.common.media.container import keep_av_quiet
from tasks.media.talking import WIDEST, Mouth, loudness, open_mouth

PICTURES = CONTAINERS / "faceapi" / "node_modules" / "@vladmandic" / "face-api" / "demo"
WIDTH, HEIGHT = 1280, 720  # pixels
FRAME_RATE = 25  # frames per second
SHOT_SECONDS = 5
ZOOM = 1.15  # of the closest view


INSIDE = (46, 124, 137)  # colour of an open mouth: a dark red in Y, Cb, Cr


class Shot(NamedTuple):
    """One picture, how the camera looks at it, and whose mouths move: the first and the second voice's."""

    picture: str
    faces: int
    focus: tuple[float, float]  # middle of all faces, as fractions of the picture's width and height
    approach: bool  # from the whole picture towards the faces, or the other way round
    mouths: tuple[Mouth, ...] = ()  # in the picture's pixels, by face-api and MTCNN


SHOTS = (
    Shot("sample1.jpg", 3, (0.55, 0.34), True),  # nobody speaks while it is shown
    Shot(
        "sample2.jpg",
        3,
        (0.50, 0.21),
        False,
        (Mouth((1524, 353), (1590, 333), (1573, 396)), Mouth((951, 412), (1029, 407), (993, 469))),
    ),
    Shot(
        "sample3.jpg",
        3,
        (0.59, 0.30),
        True,
        (Mouth((642, 535), (704, 534), (676, 595)), Mouth((1560, 503), (1647, 499), (1607, 569))),
    ),
    Shot(
        "sample4.jpg",
        4,
        (0.44, 0.18),
        False,
        (Mouth((357, 400), (417, 374), (407, 433)), Mouth((1009, 361), (1080, 370), (1038, 417))),
    ),
    Shot(
        "sample5.jpg",
        5,
        (0.51, 0.46),
        True,
        (Mouth((447, 1094), (521, 1086), (493, 1156)), Mouth((1151, 375), (1214, 375), (1184, 432))),
    ),
    Shot(
        "sample6.jpg",
        4,
        (0.51, 0.33),
        False,
        (Mouth((347, 701), (422, 691), (394, 754)), Mouth((1514, 475), (1591, 495), (1539, 552))),
    ),
)


class DemoTruth(NamedTuple):
    """What is really in the sample video."""

    duration: int  # seconds
    faces: dict[int, int]  # second -> faces that are fully visible in the frame shown at that second
    rttm: Path  # who speaks when: the packaged reference


def demo_truth() -> DemoTruth:
    """The faces were counted by eye; the speaker turns are pyannote.audio's own."""
    faces = {
        number * SHOT_SECONDS + second: shot.faces
        for number, shot in enumerate(SHOTS)
        for second in range(SHOT_SECONDS)
    }
    return DemoTruth(duration=len(faces), faces=faces, rttm=sample_speech().with_suffix(".rttm"))


def face_in_video(
    place: int, box: tuple[float, float, float, float], second: float
) -> tuple[float, float, float, float]:
    """Where a box of the picture of shot `place` (x, y, width, height in its pixels) is in the sample video.

    In pixels of the video, at `second` of it, which is the shot's.
    """
    shot = SHOTS[place]
    size = (round(WIDTH * ZOOM), round(HEIGHT * ZOOM))
    width, height = _size_of(shot.picture)
    scale = min(size[0] / width, size[1] / height)
    fitted = (round(width * scale), round(height * scale))
    shown = fitted[0] / size[0]
    focus = (0.5 + (shot.focus[0] - 0.5) * shown, shot.focus[1])
    count = SHOT_SECONDS * FRAME_RATE
    progress = round((second - place * SHOT_SECONDS) * FRAME_RATE) / (count - 1)
    nearness = progress * progress * (3 - 2 * progress)
    left, top, right, bottom = _window(size, focus, nearness if shot.approach else 1 - nearness)
    across, down = WIDTH / (right - left), HEIGHT / (bottom - top)
    x = box[0] * scale + (size[0] - fitted[0]) // 2
    y = box[1] * scale + (size[1] - fitted[1]) // 2
    return (x - left) * across, (y - top) * down, box[2] * scale * across, box[3] * scale * down


@cache
def _size_of(picture: str) -> tuple[int, int]:
    with Image.open(PICTURES / picture) as original:
        return original.size


def sample_turns() -> list[tuple[float, float, str]]:
    """(start, end, speaker) of the packaged reference, seconds."""
    fields = [line.split() for line in sample_speech().with_suffix(".rttm").read_text().splitlines()]
    return [(float(one[3]), float(one[3]) + float(one[4]), one[7]) for one in fields if one]


def sample_speech() -> Path:
    """The packaged recording: 30 s, 16 kHz, mono. Found without importing its package, which loads torch.

    Raises UserError when pyannote.audio is not installed.
    """
    spec = find_spec("pyannote")
    for folder in (spec and spec.submodule_search_locations) or ():
        path = Path(folder, "audio", "sample", "sample.wav")
        if path.is_file():
            return path
    raise UserError("The sample recording is missing: run `make setup`, which installs pyannote.audio.")


def build_demo_video(path: Path) -> Path:
    """Writes the sample video to `path`: mp4, H.264 and AAC, 1280 x 720 at 25 frames per second, 30 s.

    The same bytes every time. The file appears whole or not at all. Raises UserError when the packages that
    carry its media are not installed, StorageError when `path` cannot be written.
    """
    if not all((PICTURES / shot.picture).is_file() for shot in SHOTS):
        raise UserError("The sample pictures are missing: run `make setup`, which installs face-api.")
    keep_av_quiet()
    with (
        storage.writing(storage.as_uri(path)) as partial,
        av.open(str(partial), "w", format="mp4", options={"fflags": "+bitexact"}) as container,
    ):
        video, audio = _add_streams(container)
        packets = [*_encode_speech(audio, sample_speech()), *_encode_shots(video)]
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            container.mux(packet)
    return path


def _add_streams(container: OutputContainer) -> tuple[VideoStream, AudioStream]:
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    video = container.add_stream(codec, rate=FRAME_RATE, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p")
    video.codec_context.thread_count = 2  # a fixed number: the bytes depend on it
    if codec == "libx264":
        video.codec_context.options = {"preset": "veryfast", "crf": "21"}
    else:
        video.codec_context.bit_rate = 4_000_000
    for stream in (audio := container.add_stream("aac", rate=16_000, layout="mono"), video):
        stream.codec_context.flags |= Flags.bitexact
    return video, audio


def _encode_speech(stream: AudioStream, speech: Path) -> Iterator[Packet]:
    with av.open(str(speech)) as recording:
        for block in recording.decode(audio=0):
            yield from stream.encode(block)
    yield from stream.encode(None)


def _encode_shots(stream: VideoStream) -> Iterator[Packet]:
    loud = loudness(str(sample_speech()), FRAME_RATE)
    frames = (frame for place, shot in enumerate(SHOTS) for frame in _film(shot, place * SHOT_SECONDS, loud))
    for number, frame in enumerate(frames):
        frame.pts = number
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _film(shot: Shot, start: float, loud: NDArray[np.float64]) -> Iterator[av.VideoFrame]:
    """The shot's frames: the letterboxed picture, seen through a window that moves and grows or shrinks."""
    with Image.open(PICTURES / shot.picture) as original:
        size = (round(WIDTH * ZOOM), round(HEIGHT * ZOOM))
        canvas = ImageOps.pad(original.convert("RGB"), size, Image.Resampling.LANCZOS)
        fitted = ImageOps.contain(original, size)
        shown = fitted.width / canvas.width  # the rest is black at both sides
        mouths = np.array(shot.mouths).reshape(-1, 3, 2) * (fitted.width / original.width)
        mouths += [(size[0] - fitted.width) // 2, (size[1] - fitted.height) // 2]
    # Mouths and window move over video's own planes, at half the work of moving them in RGB and converting.
    luma, *chroma = canvas.convert("YCbCr").split()
    levels = [luma.point([round(16 + level * 219 / 255) for level in range(256)])]
    levels += [plane.point([round(16 + level * 224 / 255) for level in range(256)]) for plane in chroma]
    still = np.stack([np.asarray(plane) for plane in levels], axis=-1)
    focus = (0.5 + (shot.focus[0] - 0.5) * shown, shot.focus[1])
    count = SHOT_SECONDS * FRAME_RATE
    for number in range(count):
        progress = number / (count - 1)
        nearness = progress * progress * (3 - 2 * progress)  # starts and stops gently
        window = _window(size, focus, nearness if shot.approach else 1 - nearness)
        picture = _speaking(still, mouths, start + number / FRAME_RATE, loud)
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for channel, target in enumerate(frame.planes):
            plane = Image.fromarray(picture[..., channel])
            plane_size = (target.width, target.height)
            target.update(plane.resize(plane_size, Image.Resampling.BILINEAR, box=window).tobytes())
        yield frame


def _speaking(
    still: NDArray[np.uint8], mouths: NDArray[np.float64], second: float, loud: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """The picture with the mouths open of those who speak at that second."""
    frame = round(second * FRAME_RATE)
    names = sorted({speaker for _, _, speaker in sample_turns()})
    speaking = {speaker for start, end, speaker in sample_turns() if start <= second < end}
    if not speaking or not len(mouths) or frame >= len(loud):
        return still
    picture = still.copy()
    for mouth, name in zip(mouths, names, strict=True):
        if name in speaking:
            open_mouth(picture, still, mouth, WIDEST * loud[frame], INSIDE)
    return picture


def _window(
    size: tuple[int, int], focus: tuple[float, float], nearness: float
) -> tuple[float, float, float, float]:
    """Left, top, right, bottom: all of `size` at nearness 0, 1/ZOOM of it and near `focus` at 1."""
    scale = 1 / (1 + (ZOOM - 1) * nearness)
    left, top = (
        min(max(point - scale / 2, 0.0), 1 - scale) * length
        for point, length in zip(focus, size, strict=True)
    )
    return left, top, left + scale * size[0], top + scale * size[1]
