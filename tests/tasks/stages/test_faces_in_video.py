"""Real faces in moving pictures: who is followed, and who is seen speaking."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.codec.context import Flags
from PIL import Image

from benchmarks import who_speaks
from benchmarks.talking_faces import CONVERSATION, MOUTHS, Scene, build_talking_video
from flows.runs.images import running_images
from tasks.media.decoded import Decoded
from tasks.media.decoding import decode_media
from tasks.media.demo import PICTURES
from tasks.media.probe import probe
from tasks.people.matching import group_people
from tasks.stages.detect.run import DetectedFaces, detect
from tasks.stages.embed.run import embed
from tasks.stages.options import AnalyzeOptions

pytestmark = pytest.mark.slow

WIDTH, HEIGHT, FPS, SHOT = 1280, 720, 25, 4  # pixels, frames per second, seconds
# Middle of each face on face-api's pictures, counted and placed by eye.
FACES = {
    "sample1.jpg": ((500, 470), (930, 530), (1575, 315)),
    "sample2.jpg": ((435, 265), (975, 335), (1545, 275)),
    "sample3.jpg": ((685, 465), (1185, 360), (1600, 430)),
    "sample4.jpg": ((335, 305), (755, 180), (1075, 290), (1350, 260)),
    "sample5.jpg": ((465, 1010), (680, 540), (865, 215), (1190, 320), (1490, 525)),
    "sample6.jpg": ((355, 610), (760, 470), (1270, 445), (1590, 410)),
}
SHAKE, BLUR = 0.012, 12  # share of the width; pixels that become one
ONE_WOMAN = {("sample1.jpg", 2), ("sample3.jpg", 1)}  # she is on two of the pictures
PROFILE = ("sample2.jpg", 0)  # at the edge of what can be told
EDGE = 130  # pixels of the picture between the middle of a face and the edge of the film


@pytest.fixture(scope="module")
def images() -> Iterator[None]:
    with running_images():
        yield


def analyse(video: Path, folder: Path, frame_rate: float = 1) -> tuple[Decoded, DetectedFaces]:
    decoded = decode_media(video, folder, frame_rate)
    options = AnalyzeOptions(frame_rate=frame_rate)
    return decoded, detect.fn(decoded.frames, decoded.shots, folder, options, video, decoded.seekable)


def _shaken(
    window: tuple[float, float, float, float], picture: Image.Image, time: float
) -> tuple[float, float, float, float]:
    """Moved as a hand does, as far as the picture goes."""
    left, top, right, bottom = window
    turns = 2 * np.pi * time * np.array([[1.3, 3.1], [1.7, 2.6]])  # hertz, across and down
    across, down = SHAKE * (right - left) * (np.sin(turns) @ [0.6, 0.4])
    across = min(max(across, -left), picture.width - right)
    down = min(max(down, -top), picture.height - bottom)
    return left + across, top + down, right + across, bottom + down


class Pan:
    """Six shots of four seconds: the camera moves over a picture, sideways and nearer or further away.

    `shaky`: by hand, moved by up to SHAKE of its width, and out of focus for one second of four.
    """

    def __init__(self, path: Path, fps: int = FPS, shaky: bool = False) -> None:
        self.fps = fps
        self.windows: list[tuple[str, tuple[float, float, float, float]]] = []
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=fps, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p")
            stream.codec_context.options = {"preset": "veryfast"}
            for number, name in enumerate(FACES):
                with Image.open(PICTURES / name) as picture:
                    picture.load()
                    for frame in range(SHOT * fps):
                        progress = frame / (SHOT * fps - 1)
                        window = self._window(name, picture, progress if number % 2 else 1 - progress)
                        if shaky:
                            window = _shaken(window, picture, frame / fps)
                        self.windows.append((name, window))
                        shown = picture.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR, box=window)
                        if shaky and fps <= frame < 2 * fps:
                            shown = shown.reduce(BLUR).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
                        container.mux(stream.encode(av.VideoFrame.from_image(shown.convert("RGB"))))
            container.mux(stream.encode(None))

    def _window(self, name: str, picture: Image.Image, progress: float) -> tuple[float, float, float, float]:
        """As wide as all faces need at least; what is left of the picture is what it moves over."""
        xs, ys = zip(*FACES[name], strict=True)
        width = max(max(xs) - min(xs) + 3 * EDGE, (max(ys) - min(ys) + 3 * EDGE) * WIDTH / HEIGHT)
        width += (min(picture.width, picture.height * WIDTH / HEIGHT) - width) * progress * 0.5
        width = min(width, picture.width, picture.height * WIDTH / HEIGHT)
        height = width * HEIGHT / WIDTH
        least = max(max(xs) + EDGE - width, 0), max(max(ys) + EDGE - height, 0)
        most = min(min(xs) - EDGE, picture.width - width), min(min(ys) - EDGE, picture.height - height)
        left, top = (max(0, low + (high - low) * progress) for low, high in zip(least, most, strict=True))
        return left, top, left + width, top + height

    def person(self, time: float, x: float, y: float) -> tuple[str, int]:
        """Who is at a place of the film at a time."""
        name, (left, top, right, _) = self.windows[min(round(time * self.fps), len(self.windows) - 1)]
        x, y = (x * (right - left) / WIDTH + left, y * (right - left) / WIDTH + top)
        near = min(
            range(len(FACES[name])), key=lambda n: (FACES[name][n][0] - x) ** 2 + (FACES[name][n][1] - y) ** 2
        )
        return name, near


def test_a_camera_that_pans_and_zooms_gives_one_track_a_person_without_a_switch(
    images: None, tmp_path: Path
) -> None:
    pan = Pan(tmp_path / "pan.mp4")
    decoded, found = analyse(tmp_path / "pan.mp4", tmp_path / "media", frame_rate=2)
    assert decoded.shots == pytest.approx([SHOT * number for number in range(6)], abs=0.05)
    people = [
        {
            pan.person(seen.time, seen.box.x + seen.box.width / 2, seen.box.y + seen.box.height / 2)
            for seen in track.seen
        }
        for track in found.tracks
    ]
    assert all(len(shown) == 1 for shown in people), "a track holds one person"
    assert len(found.tracks) == len({person for shown in people for person in shown}) == 22
    assert sum(len(track.seen) for track in found.tracks) >= 0.9 * 22 * 2 * SHOT


def test_a_shaky_film_that_is_partly_out_of_focus_has_as_many_people_as_there_are(
    images: None, tmp_path: Path
) -> None:
    """Faces that are out of focus are unclear, or belong to those who are seen before and after."""
    pan = Pan(tmp_path / "pan.mp4", fps=8, shaky=True)
    decoded, found = analyse(tmp_path / "pan.mp4", tmp_path / "media")
    embedded = embed.fn(decoded.frames, found.frames, found.tracks, tmp_path / "crops")
    shown: dict[str, set[tuple[str, int]]] = defaultdict(set)
    for track in found.tracks:
        where = {
            pan.person(seen.time, seen.box.x + seen.box.width / 2, seen.box.y + seen.box.height / 2)
            for seen in track.seen
        }
        assert len(where) == 1, "a track holds one person"
        assert track.unclear == (track.id not in embedded.people)
        if not track.unclear:
            shown[embedded.people[track.id]].update(where)
    people = {(name, number) for name, faces in FACES.items() for number in range(len(faces))} - ONE_WOMAN
    told = sorted(sorted(faces) for faces in shown.values() if faces != {PROFILE})
    assert told == sorted([sorted(ONE_WOMAN), *([each] for each in people - {PROFILE})])


def test_who_speaks_is_who_is_seen_speaking(images: None, tmp_path: Path) -> None:
    """A SYNTHETIC video: warped mouths of still faces, so an upper bound of what real ones give."""
    (whole,) = CONVERSATION
    scenes = (whole._replace(end=12.0), Scene("sample6.jpg", 18, {"speaker90": 0, "speaker91": None}))
    spoken = build_talking_video(tmp_path / "talk.mp4", scenes)
    found, linked = who_speaks.analyse(tmp_path / "talk.mp4", tmp_path, spoken)
    assert len(found.tracks) == len(MOUTHS["sample5.jpg"]) + len(MOUTHS["sample6.jpg"])
    score = who_speaks.score(linked, spoken, found)
    assert score.wrong == 0, linked
    assert score.right >= 4, linked
    assert score.rejected == sum(turn.face is None for turn in spoken)
    assert linked.turns == len(spoken)


def pan(path: Path, fields: str = "", codec: str = "mpeg2video") -> Path:
    """The camera moves to the right, 12 pixels a frame; `fields`: which of a frame's two is the earlier one,
    top or bottom, the other being half a frame later; neither where frames are progressive."""
    with Image.open(PICTURES / "sample5.jpg") as picture:
        whole = picture.convert("RGB").resize((1280, round(1280 * picture.height / picture.width)))
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=FPS, width=720, height=576, pix_fmt="yuv420p")
        stream.codec_context.bit_rate = 8_000_000
        if fields:
            stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        if codec == "libx264":
            order = {"x264-params": f"{fields[:1]}ff=1"} if fields else {}
            stream.codec_context.options = {"preset": "veryfast", **order}
        for number in range(FPS):
            shown = [
                np.asarray(whole.crop((left, 60, left + 720, 60 + 576)))
                for left in (60 + 12 * number, 60 + 12 * number + 6)
            ]
            if fields:
                first = 0 if fields == "top" else 1
                woven = np.empty_like(shown[0])
                woven[first::2], woven[1 - first :: 2] = shown[0][first::2], shown[1][1 - first :: 2]
            else:
                woven = shown[0]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(woven, "rgb24")))
        container.mux(stream.encode(None))
    return path


def test_faces_of_interlaced_video_are_those_of_progressive(images: None, tmp_path: Path) -> None:
    """The same faces from one pan, near enough in the descriptor to be the same people."""
    films = {
        "progressive": pan(tmp_path / "a.mpg"),
        "interlaced": pan(tmp_path / "b.mpg", "top"),
        "broadcast": pan(tmp_path / "c.mts", "bottom", "libx264"),
    }
    faces = {}
    for kind, film in films.items():
        assert probe(film).interlaced == (kind != "progressive")
        (tmp_path / kind).mkdir()
        _, found = analyse(film, tmp_path / kind, frame_rate=2)
        shown = sorted(
            (face.detection.box.x, face.descriptor) for each in found.frames for face in each.faces
        )
        faces[kind] = [np.array([descriptor]) for _, descriptor in shown]
    for kind in ("interlaced", "broadcast"):
        for one, other in zip(faces[kind], faces["progressive"], strict=True):
            assert float(np.linalg.norm(one - other)) < 0.35
    people = group_people([each for kind in films for each in faces[kind]], "faceapi")
    assert len(people) == 3 * len(faces["progressive"]) >= 12
    assert people == 3 * people[: len(people) // 3]


@pytest.mark.parametrize("name", ["white_house_10s.mp4", "white_house_10s_phone.mp4"])
def test_a_man_who_moves_fast_over_real_cuts_is_one_person(images: None, tmp_path: Path, name: str) -> None:
    """The one who is heard is seen in two of four shots (seconds as the film's truth has them)."""
    video = Path(os.environ.get("MEDIAFLOW_REAL_DATA", "")) / "video" / name
    if not video.is_file():
        pytest.skip("MEDIAFLOW_REAL_DATA names no folder with this film")
    decoded, found = analyse(video, tmp_path)
    people = embed.fn(decoded.frames, found.frames, found.tracks, tmp_path / "crops").people
    his = {
        track.id for track in found.tracks if track.end < 1.5 or (track.start > 3.5 and track.end < 7.87)
    } & people.keys()
    assert len(his) == 2, "one track in each of his shots"
    assert len({people[track] for track in his}) == 1
    assert not {people[track] for track in his} & {people[track] for track in people.keys() - his}
