"""A SYNTHETIC video in which we know who speaks: real faces, a real conversation, mouths moved by warping.

Pictures and sound are those of tasks/media/demo.py. While a speaker's turn in the packaged reference lasts,
the lower lip and chin of that speaker's face follow the loudness of the sound; the camera drifts and shakes.
Other faces are still, or chew at a rhythm of their own. Real lips close for consonants, heads turn and people
smile: what is measured on this media is an upper bound for real ones.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from PIL import Image, ImageOps
from scipy.ndimage import gaussian_filter1d

from tasks.media.demo import PICTURES, demo_truth, sample_speech
from tasks.media.talking import RATE, WIDEST, loudness, open_mouth

WIDTH, HEIGHT, FRAME_RATE = 1280, 720, 25
CANVAS = (1472, 828)  # what the camera moves over
INSIDE = (58, 22, 26)  # colour of an open mouth

# Corners of the mouth and tip of the chin, by face-api on each picture, from left to right.
MOUTHS = {
    "sample3.jpg": (
        ((642, 535), (704, 534), (676, 595)),
        ((1107, 424), (1187, 442), (1138, 504)),
        ((1560, 503), (1647, 499), (1607, 569)),
    ),
    "sample5.jpg": (
        ((447, 1094), (521, 1086), (493, 1156)),
        ((688, 604), (741, 604), (709, 661)),
        ((846, 278), (899, 286), (865, 319)),
        ((1151, 375), (1214, 375), (1184, 432)),
        ((1468, 607), (1530, 598), (1514, 653)),
    ),
    "sample6.jpg": (
        ((347, 701), (422, 691), (394, 754)),
        ((726, 552), (796, 548), (773, 615)),
        ((1241, 530), (1306, 529), (1273, 571)),
        ((1514, 475), (1591, 495), (1539, 552)),
    ),
}


class Scene(NamedTuple):
    """One shot: which of the picture's faces each speaker has (None: not on screen) and which one chews."""

    picture: str
    end: float  # seconds; it starts where the one before ends
    faces: dict[str, int | None]
    chewing: int | None = None


class Spoken(NamedTuple):
    """A turn as far as one scene shows it; `face` is None when the speaker is not on screen."""

    start: float
    end: float
    speaker: str
    face: tuple[float, float] | None  # middle of the mouth half-way through, pixels of the video


A, B = "speaker90", "speaker91"
CONVERSATION = (Scene("sample5.jpg", 30, {A: 0, B: 3}),)
CUTS = (
    Scene("sample6.jpg", 10, {A: 0, B: 3}, chewing=1),
    Scene("sample3.jpg", 16, {A: 0, B: 1}),
    Scene("sample5.jpg", 23, {A: 4, B: None}, chewing=2),
    Scene("sample6.jpg", 30, {A: 1, B: 2}),
)


def read_turns() -> list[tuple[float, float, str]]:
    """(start, end, speaker) of the packaged reference."""
    fields = [line.split() for line in demo_truth().rttm.read_text().splitlines()]
    return [(float(f[3]), float(f[3]) + float(f[4]), f[7]) for f in fields]


def build_talking_video(path: Path, scenes: Sequence[Scene] = CONVERSATION) -> list[Spoken]:
    """Writes 30 s of H.264 and AAC, 1280 x 720 at 25 frames per second, and returns who speaks when.

    The same media every time.
    """
    loud = loudness(str(sample_speech()), FRAME_RATE)
    spoken: list[Spoken] = []
    with av.open(str(path), "w") as container:
        video = container.add_stream(
            "libx264", rate=FRAME_RATE, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p"
        )
        video.codec_context.options = {"preset": "veryfast", "crf": "21"}
        audio = container.add_stream("aac", rate=RATE, layout="mono")
        with av.open(str(sample_speech())) as recording:
            for block in recording.decode(audio=0):
                container.mux(audio.encode(block))
        container.mux(audio.encode(None))
        start = 0.0
        for number, scene in enumerate(scenes):
            for picture in _film(scene, start, loud, np.random.default_rng(number)):
                container.mux(video.encode(av.VideoFrame.from_image(picture)))
            spoken += _spoken(scene, start)
            start = scene.end
        container.mux(video.encode(None))
    return spoken


def _film(scene: Scene, start: float, loud: np.ndarray, random: np.random.Generator) -> Iterator[Image.Image]:
    canvas, mouths = _canvas(scene.picture)
    count = round((scene.end - start) * FRAME_RATE)
    shake = gaussian_filter1d(random.normal(0, 6, (count, 2)), 5, axis=0)
    chewing = np.abs(gaussian_filter1d(random.normal(0, 1, count), 3)) * 1.2
    for number in range(count):
        frame = round(start * FRAME_RATE) + number
        picture = canvas.copy()
        for first, last, speaker in read_turns():
            face = scene.faces.get(speaker)
            if face is not None and first <= frame / FRAME_RATE < last and frame < len(loud):
                open_mouth(picture, canvas, mouths[face], WIDEST * loud[frame], INSIDE)
        if scene.chewing is not None:
            open_mouth(picture, canvas, mouths[scene.chewing], WIDEST * min(chewing[number], 1.0), INSIDE)
        window = _window(number / count, shake[number])
        yield Image.fromarray(picture).resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box=window)


def _canvas(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The letterboxed picture and its faces' (faces, 3, 2) mouth corners and chin."""
    with Image.open(PICTURES / name) as original:
        fitted = ImageOps.contain(original.convert("RGB"), CANVAS, Image.Resampling.LANCZOS)
        scale = fitted.width / original.width
    canvas = Image.new("RGB", CANVAS)
    left, top = (CANVAS[0] - fitted.width) // 2, (CANVAS[1] - fitted.height) // 2
    canvas.paste(fitted, (left, top))
    return np.array(canvas), np.array(MOUTHS[name]) * scale + [left, top]


def _window(progress: float, shake: np.ndarray) -> tuple[float, float, float, float]:
    """What the camera sees: it comes nearer by 5 % and trembles."""
    width, height = (side / (1.06 + 0.05 * progress) for side in CANVAS)
    left = min(max((CANVAS[0] - width) / 2 + shake[0], 0.0), CANVAS[0] - width)
    top = min(max((CANVAS[1] - height) / 2 + shake[1], 0.0), CANVAS[1] - height)
    return left, top, left + width, top + height


def _spoken(scene: Scene, start: float) -> list[Spoken]:
    _, mouths = _canvas(scene.picture)
    shown = []
    for first, last, speaker in read_turns():
        first, last = max(first, start), min(last, scene.end)
        if last - first < 0.2:
            continue
        face = scene.faces.get(speaker)
        place = None
        if face is not None:
            progress = ((first + last) / 2 - start) / (scene.end - start)
            left, top, right, _ = _window(progress, np.zeros(2))
            x, y = (mouths[face][:2].mean(axis=0) - [left, top]) * WIDTH / (right - left)
            place = (float(x), float(y))
        shown.append(Spoken(first, last, speaker, place))
    return shown
