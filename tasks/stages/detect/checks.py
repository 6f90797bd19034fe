"""What plausible faces look like."""

from typing import TYPE_CHECKING, Any

from tasks.checks.table import Rows, Table

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

BOX = ("left", "top", "right", "bottom", "width", "height")
INF = float("inf")


def faces(document: dict[str, Any]) -> Rows:
    rows: Rows = []
    for frame in document["frames"]:
        for face in frame["faces"]:
            box, person = face["detection"]["box"], face["ageAndGender"]
            rows.append(
                {
                    "time": frame["time"],
                    "score": face["detection"]["score"],
                    "inside": _inside(box, frame["width"], frame["height"]),
                    "expressions": sum(face["expressions"].values()),
                    "age": person["age"],
                    "gender_probability": person["genderProbability"],
                    "left": box["x"],
                    "top": box["y"],
                    "right": box["x"] + box["width"],
                    "bottom": box["y"] + box["height"],
                    "width": frame["width"],
                    "height": frame["height"],
                }
            )
    return rows


def _inside(box: dict[str, float], width: float, height: float) -> float | None:
    """Share of the box's area that is inside the frame; none for a box without an area."""
    across = min(box["x"] + box["width"], width) - max(box["x"], 0)
    down = min(box["y"] + box["height"], height) - max(box["y"], 0)
    area = box["width"] * box["height"]
    return max(0, across) * max(0, down) / area if area > 0 else None


def _rules() -> "list[Expectation]":
    from tasks.checks import expect

    return [
        expect.between("A face's frame is shown at or after 0 s.", "time", 0, INF),
        expect.not_before("A face's frame is shown inside the media.", "latest", "time"),
        expect.not_before("A face's box has a width.", "right", "left"),
        expect.not_before("A face's box has a height.", "bottom", "top"),
        expect.between("A face's box reaches into the frame from the left.", "right", 0, INF),
        expect.between("A face's box reaches into the frame from above.", "bottom", 0, INF),
        expect.not_before("A face's box reaches into the frame from the right.", "width", "left"),
        expect.not_before("A face's box reaches into the frame from below.", "height", "top"),
        expect.between("Most of a face's box is inside the frame.", "inside", 0.5, INF, "warning"),
        expect.between("A face's score is a probability.", "score", 0, 1),
        expect.between("A face's expressions sum to 1.", "expressions", 0.95, 1.05, "warning"),
        expect.between("A face's age is one that people have.", "age", 0, 120, "warning"),
        expect.between(
            "A gender's probability is at least one half.", "gender_probability", 0.5, 1, "warning"
        ),
    ]


COLUMNS = ("time", "latest", "score", "inside", "expressions", "age", "gender_probability", *BOX)
TABLES = (Table("faces", "faces.json", COLUMNS, faces, _rules),)
