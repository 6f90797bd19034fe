"""The sample video: real faces and a real conversation, from files that installed packages carry.

Pictures: `demo/sample1.jpg` to `sample6.jpg` of the npm package @vladmandic/face-api (MIT).
Sound: `sample.wav` of the Python package pyannote.audio (MIT), a telephone call of two people; the
`sample.rttm` beside it says who speaks when. The video is made on the user's machine and not published.
"""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import av
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from PIL import Image, ImageOps

from containers.common import storage
from containers.common.errors import UserError
from containers.common.image import CONTAINERS

PICTURES = CONTAINERS / "faceapi" / "node_modules" / "@vladmandic" / "face-api" / "demo"
WIDTH, HEIGHT = 1280, 720  # pixels
FRAME_RATE = 25  # frames per second
SHOT_SECONDS = 5
ZOOM = 1.15  # of the closest view


class Shot(NamedTuple):
    """One picture and how the camera looks at it."""

    picture: str
    faces: int
    focus: tuple[float, float]  # middle of all faces, as fractions of the picture's width and height
    approach: bool  # from the whole picture towards the faces, or the other way round


SHOTS = (
    Shot("sample1.jpg", 3, (0.55, 0.34), True),
    Shot("sample2.jpg", 3, (0.50, 0.21), False),
    Shot("sample3.jpg", 3, (0.59, 0.30), True),
    Shot("sample4.jpg", 4, (0.44, 0.18), False),
    Shot("sample5.jpg", 5, (0.51, 0.46), True),
    Shot("sample6.jpg", 4, (0.51, 0.33), False),
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
    frames = (frame for shot in SHOTS for frame in _film(shot))
    for number, frame in enumerate(frames):
        frame.pts = number
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _film(shot: Shot) -> Iterator[av.VideoFrame]:
    """The shot's frames: the letterboxed picture, seen through a window that moves and grows or shrinks."""
    with Image.open(PICTURES / shot.picture) as original:
        size = (round(WIDTH * ZOOM), round(HEIGHT * ZOOM))
        canvas = ImageOps.pad(original.convert("RGB"), size, Image.Resampling.LANCZOS)
        shown = ImageOps.contain(original, size).width / canvas.width  # the rest is black at both sides
    # The window moves over video's own planes, at half the work of moving it in RGB and converting after.
    luma, *chroma = canvas.convert("YCbCr").split()
    planes = [
        (luma.point([round(16 + level * 219 / 255) for level in range(256)]), (WIDTH, HEIGHT)),
        *(
            (plane.point([round(16 + level * 224 / 255) for level in range(256)]), (WIDTH // 2, HEIGHT // 2))
            for plane in chroma
        ),
    ]
    focus = (0.5 + (shot.focus[0] - 0.5) * shown, shot.focus[1])
    count = SHOT_SECONDS * FRAME_RATE
    for number in range(count):
        progress = number / (count - 1)
        nearness = progress * progress * (3 - 2 * progress)  # starts and stops gently
        window = _window(size, focus, nearness if shot.approach else 1 - nearness)
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        for target, (plane, plane_size) in zip(frame.planes, planes, strict=True):
            target.update(plane.resize(plane_size, Image.Resampling.BILINEAR, box=window).tobytes())
        yield frame


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
