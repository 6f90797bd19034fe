"""`python -m benchmarks.face_identities --data DIR`: real people in several photographs each, told apart.

DIR has a `dataset.toml` whose faces have boxes and, where known, names (tasks/evaluation/dataset.py).
Three tables: true and false accepts of pairs by distance; people put together as analyses do it, each
picture an asset of its own and its faces kept apart; and how much faces of each quality can tell, by the
same pictures made smaller and blurred. Somebody without a name is a person of their own.
"""

import argparse
import tempfile
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from containers.common.documents.faces import Face
from containers.common.models.embeddings import embeddings
from containers.faceapi.contract import DetectRequest, DetectResult
from flows.runs.images import running_images
from tasks.calls.invoke import invoke
from tasks.evaluation.dataset import Item, read_dataset
from tasks.evaluation.faces import match_faces
from tasks.media.demo import PICTURES, SHOTS
from tasks.people.matching import group_people
from tasks.stages.detect.face_quality import CLEAR, measure_quality, weight_of

REPORT = Path(__file__).with_name("faces.md")
MARKS = ("<!-- identities -->", "<!-- end of identities -->")
THRESHOLDS = (0.4, 0.45, 0.48, 0.5, 0.52, 0.54, 0.56, 0.6)
QUALITIES = (0.0, 0.03, 0.06, 0.09, 0.12, 0.16, 0.2, 0.3, 1.0)
MODEL = "faceapi"

CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda picture: picture,
    **{
        f"1/{factor} of the size": lambda picture, factor=factor: picture.resize(
            (max(8, picture.width // factor), max(8, picture.height // factor))
        )
        for factor in (2, 3, 5, 8)
    },
    **{
        f"blurred by {share} %": lambda picture, share=share: picture.filter(
            ImageFilter.GaussianBlur(share / 100 * max(picture.size))
        )
        for share in (0.2, 0.4, 0.8)
    },
}


class Seen(NamedTuple):
    """A face that was found: whose, in which picture, and how well it is seen."""

    person: str
    picture: str
    vector: np.ndarray
    quality: float


def find(items: list[Item], change: Callable[[Image.Image], Image.Image], folder: Path) -> list[Seen]:
    """The marked faces that are found in the changed pictures."""
    paths, scales = [], []
    for number, item in enumerate(items):
        with Image.open(item.media) as opened:
            upright = ImageOps.exif_transpose(opened).convert("RGB")
        changed = change(upright)
        scales.append(changed.width / upright.width)
        paths.append(folder / f"{number}.png")
        changed.save(paths[-1], compress_level=1)
    request = DetectRequest(
        images=[path.as_uri() for path in paths], min_face=10, result_uri=(folder / "faces.json").as_uri()
    )
    answer = invoke("faceapi", request, DetectResult).value.images
    found = []
    for item, scale, picture in zip(items, scales, answer, strict=True):
        marked = [
            face.model_copy(update={"box": tuple(side * scale for side in face.box)})
            for face in item.faces or []
        ]
        for match, face in zip(match_faces(marked, picture.faces), picture.faces, strict=True):
            if match is not None:
                found.append(_seen(face, marked[match].person or f"{item.id} {match}", item.id))
    return found


def packaged() -> list[Seen]:
    """face-api's demo pictures; everybody is taken for a person of their own."""
    request = DetectRequest(images=[(PICTURES / shot.picture).as_uri() for shot in SHOTS])
    answer = invoke("faceapi", request, DetectResult).value.images
    return [
        _seen(face, f"{shot.picture} {number}", shot.picture)
        for shot, picture in zip(SHOTS, answer, strict=True)
        for number, face in enumerate(picture.faces)
    ]


def _seen(face: Face, person: str, picture: str) -> Seen:
    return Seen(person, picture, np.array(face.descriptor), measure_quality(face).overall)


def distances(faces: list[Seen]) -> tuple[np.ndarray, np.ndarray]:
    """Of all pairs: one person's, two people's."""
    same, different = [], []
    for one, other in combinations(faces, 2):
        apart = float(np.linalg.norm(one.vector - other.vector))
        (same if one.person == other.person else different).append(apart)
    return np.array(same), np.array(different)


def curve(faces: list[Seen], second: list[Seen]) -> list[str]:
    crowd = max({face.picture for face in faces}, key=[face.picture for face in faces].count)
    same, different = distances(faces)
    _, others = distances([face for face in faces if face.picture != crowd])
    _, strangers = distances(second)
    named = {face.person for face in faces if sum(face.person == other.person for other in faces) > 1}
    return [
        f"{len(faces)} faces of {len({face.person for face in faces})} people, {len(named)} of them in "
        f"several pictures: {len(same)} pairs of one person, {len(different)} of two, "
        f"{len(others)} of them without {crowd}; {len(strangers)} pairs of the packaged pictures. "
        f"Median distance of one person {np.median(same):.2f}, of two {np.median(different):.2f}.",
        "",
        "| threshold | one person accepted | two people accepted | without the crowd | packaged pictures |",
        "|---:|---:|---:|---:|---:|",
        *(
            f"| {limit:.2f} | {np.mean(same <= limit):.1%} | {np.mean(different <= limit):.2%} "
            f"| {np.mean(others <= limit):.2%} | {np.sum(strangers <= limit)} |"
            for limit in THRESHOLDS
        ),
    ]


def together(faces: list[Seen]) -> list[str]:
    """Pairwise precision and recall of the people that faces are put together as."""
    pairs = list(combinations(range(len(faces)), 2))
    apart = [pair for pair in pairs if faces[pair[0]].picture == faces[pair[1]].picture]
    rows = []
    for limit in THRESHOLDS:
        labels = group_people(
            [face.vector[None] for face in faces],
            MODEL,
            apart,
            limit,
            [[weight_of(face.quality)] for face in faces],
        )
        same = np.array([faces[one].person == faces[other].person for one, other in pairs])
        joined = np.array([labels[one] == labels[other] for one, other in pairs])
        right = (same & joined).sum()
        rows.append(
            f"| {limit:.2f} | {right / max(joined.sum(), 1):.3f} | {right / same.sum():.3f} "
            f"| {len(set(labels))} of {len({face.person for face in faces})} |"
        )
    return ["| threshold | pairwise precision | recall | people |", "|---:|---:|---:|---:|", *rows]


def by_quality(plain: list[Seen], changed: list[Seen]) -> list[str]:
    """Changed faces against the unchanged ones: is the nearest of them the same person?"""
    rows = []
    limit = embeddings()[MODEL].limit
    for low, high in pairwise(QUALITIES):
        own, nearest, accepted = [], [], []
        for face in changed:
            if low <= face.quality < high:
                mine = [other for other in plain if other.person == face.person]
                others = [other for other in plain if other.person != face.person]
                if mine:
                    own.append(min(np.linalg.norm(face.vector - other.vector) for other in mine))
                    far = np.array([np.linalg.norm(face.vector - other.vector) for other in others])
                    nearest.append(far.min())
                    accepted.append(np.mean(far <= limit))
        if own:
            mistaken = np.mean(np.array(nearest) < np.array(own))
            rows.append(
                f"| {low:.2f} to {high:.2f} | {len(own)} | {np.median(own):.2f} "
                f"| {np.mean(np.array(own) <= limit):.0%} | {mistaken:.1%} | {np.mean(accepted):.2%} |"
            )
    return [
        "| quality | faces | median distance | accepted | nearest is another | others accepted |",
        "|---|---:|---:|---:|---:|---:|",
        *rows,
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with a dataset.toml")
    dataset = read_dataset(parser.parse_args(arguments).data)
    items = dataset.having("faces")
    found = {}
    with tempfile.TemporaryDirectory() as name, running_images():
        for change, make in CHANGES.items():
            found[change] = find(items, make, Path(name))
        second = packaged()
    plain = found.pop("as it is")
    lines = [
        *curve(plain, second),
        "",
        "Put together, each picture an asset of its own:",
        "",
        *together(plain),
        "",
        f"Smaller and blurred copies, by quality; less than {CLEAR:.2f} is unclear:",
        "",
        *by_quality(plain, [face for faces in found.values() for face in faces]),
    ]
    print("\n".join(lines))
    before, _, rest = REPORT.read_text(encoding="utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    REPORT.write_text("\n".join([f"{before}{MARKS[0]}", *lines, f"{MARKS[1]}{after}"]), encoding="utf-8")


if __name__ == "__main__":
    main()
