"""`python -m benchmarks.face_matching`: distances of face-api's descriptors for one and for two people.

Same: a face on face-api's demo pictures against itself in a changed copy of the picture (smaller, darker,
brighter, blurred, mirrored, strongly compressed). Different: two people of one picture, changed or not; pairs
across pictures are left out, since the same person may be on two of them. No package carries one person at
different times, so real same-person distances are larger than these.
"""

import io
import tempfile
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from containers.common.models.embeddings import embeddings
from containers.faceapi.contract import DetectRequest, DetectResult
from flows.runs.images import running_images
from tasks.calls.invoke import invoke
from tasks.media.demo import PICTURES, SHOTS

REPORT = Path(__file__).with_name("faces.md")
MARKS = ("<!-- matching -->", "<!-- end of matching -->")


def compress(picture: Image.Image) -> Image.Image:
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=15)
    return Image.open(content)


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda picture: picture,
    "half the size": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "a third of the size": lambda picture: picture.resize((picture.width // 3, picture.height // 3)),
    "darker": lambda picture: ImageEnhance.Brightness(picture).enhance(0.5),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.5),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(3)),
    "mirrored": ImageOps.mirror,
    "JPEG quality 15": compress,
}


def describe(folder: Path) -> dict[str, list[list[np.ndarray | None]]]:
    """Change to picture to the descriptor of each face of the unchanged picture, None where it was missed."""
    paths = {
        name: [folder / f"{number}-{shot.picture}.png" for shot in SHOTS]
        for number, name in enumerate(CHANGES)
    }
    for name, change in CHANGES.items():
        for path, shot in zip(paths[name], SHOTS, strict=True):
            with Image.open(PICTURES / shot.picture) as picture:
                change(picture.convert("RGB")).save(path, compress_level=1)
    found = {}
    for name in CHANGES:
        request = DetectRequest(images=[path.as_uri() for path in paths[name]])
        found[name] = invoke("faceapi", request, DetectResult).value.images
    known = [[_middle(face, picture) for face in picture.faces] for picture in found["as it is"]]
    return {
        name: [
            [_nearest(picture, middle, name == "mirrored") for middle in middles]
            for picture, middles in zip(pictures, known, strict=True)
        ]
        for name, pictures in found.items()
    }


def _middle(face, picture) -> np.ndarray:
    box = face.detection.box
    return np.array([(box.x + box.width / 2) / picture.width, (box.y + box.height / 2) / picture.height])


def _nearest(picture, middle: np.ndarray, mirrored: bool) -> np.ndarray | None:
    sought = np.array([1 - middle[0], middle[1]]) if mirrored else middle
    near = [face for face in picture.faces if np.abs(_middle(face, picture) - sought).max() < 0.03]
    return np.array(near[0].descriptor) if near else None


def main() -> None:
    with tempfile.TemporaryDirectory() as name, running_images():
        found = describe(Path(name))
    same: dict[str, list[float]] = {}
    different: list[float] = []
    for change, pictures in found.items():
        for picture, plain in zip(pictures, found["as it is"], strict=True):
            pairs = [(one, other) for one, other in zip(picture, plain, strict=True) if one is not None]
            if change != "as it is":
                same.setdefault(change, []).extend(float(np.linalg.norm(a - b)) for a, b in pairs)
            faces = [face for face in picture if face is not None]
            different += [float(np.linalg.norm(a - b)) for a, b in combinations(faces, 2)]
    threshold = embeddings()["faceapi"].limit
    every = [distance for distances in same.values() for distance in distances]
    lines = [
        "| pair | pairs | median | largest | smallest | at most the threshold |",
        "|---|---:|---:|---:|---:|---:|",
        *(_row(f"the same face, {change}", distances, threshold) for change, distances in same.items()),
        _row("the same face, all changes", every, threshold),
        _row("two people of one picture", different, threshold),
        "",
        "| threshold | same face accepted | two people taken for one |",
        "|---:|---:|---:|",
        *(
            f"| {limit:.2f} | {np.mean(np.array(every) <= limit):.1%} "
            f"| {np.mean(np.array(different) <= limit):.1%} |"
            for limit in (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6)
        ),
    ]
    table = "\n".join(lines)
    print(table)
    text = REPORT.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    REPORT.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")


def _row(label: str, distances: list[float], threshold: float) -> str:
    found = np.array(distances)
    return (
        f"| {label} | {len(found)} | {np.median(found):.2f} | {found.max():.2f} | {found.min():.2f} "
        f"| {np.mean(found <= threshold):.1%} |"
    )


if __name__ == "__main__":
    main()
