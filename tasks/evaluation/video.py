"""Faces in video: boxes in sampled frames, who is seen speaking, and people across videos.

Boxes: AP at IoU 0.5 as of pictures (`faces.py`), in the frames that were sampled and that the truth marks.
Who is seen speaking: at every marked time the people who speak and are seen, and the faces that were linked
to a turn then; right, wrong (another face, or nobody who is seen speaks) and missed, by the time that people
are seen speaking. A found track is the person whom most of its boxes are.
People across videos: pairwise precision and recall (`faces.pairwise`) of the tracks of a session's videos.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tasks.evaluation import faces
from tasks.evaluation.dataset import MarkedFace
from tasks.evaluation.on_screen import OnScreen, SeenFace
from tasks.evaluation.statistics import Measure, mean, ratio
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track
from tasks.stages.link.run import Link

NEAR = 0.06  # seconds between a sampled frame and the truth that it is held against

Owners = Mapping[int, str]  # a found track to the person whom it shows


MEASURES = [
    Measure("ap", "Faces in video: AP at IoU 0.5", "higher", faces.average_precision, table="frames"),
    Measure(
        "count_error", "Faces missed or wrong, a frame", "lower", mean("count_error"), "faces", 2, "frames"
    ),
    Measure("seen_right", "Seen speaking: right", "higher", ratio("right", "speaking"), amount="speaking"),
    Measure("seen_wrong", "Seen speaking: wrong", "lower", ratio("wrong", "speaking"), amount="speaking"),
    Measure("seen_missed", "Seen speaking: missed", "lower", ratio("missed", "speaking"), amount="speaking"),
    *(measure._replace(table="tracks") for measure in faces.PAIRS),
]


def score_frames(truth: OnScreen, found: Sequence[FrameFaces]) -> list[dict[str, Any]]:
    """A row for each sampled frame that the truth has marked, as `faces.score_picture` gives it.

    `found` are all sampled frames, those without faces too; every face that the analysis keeps counts.
    """
    rows = []
    for frame in found:
        if (marked := _at(truth, frame.time)) is not None:
            row = faces.score_picture(_marked(marked, frame), frame.faces, 0.0)
            rows.append({"time": frame.time, **row})
    return rows


def owners(truth: OnScreen, found: Sequence[FrameFaces], tracks: Sequence[Track]) -> dict[int, str]:
    """Whom each track shows: the person with whom most of its boxes are matched; none where no box is."""
    whose: dict[tuple[float, int], str] = {}
    for frame in found:
        marked = _at(truth, frame.time) or []
        for place, match in enumerate(faces.match_faces(_marked(marked, frame), frame.faces)):
            if match is not None:
                whose[frame.time, place] = marked[match].person
    shown = {}
    for track in tracks:
        people = Counter(
            whose[seen.time, seen.face] for seen in track.seen if (seen.time, seen.face) in whose
        )
        if people:
            shown[track.id] = people.most_common(1)[0][0]
    return shown


def is_known(person: str) -> bool:
    """Whether the truth says who it is: `Kate?` is told apart in its video, and may be anybody in others."""
    return not person.endswith("?")


def score_speaking(truth: OnScreen, links: Sequence[Link], shown: Owners) -> dict[str, Any]:
    """Seconds of people seen speaking, and those that were right, wrong and missed.

    Each marked time stands for the usual step between two.
    """
    times = np.array(list(truth))
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    counts = dict.fromkeys(("speaking", "right", "wrong", "missed"), 0)
    for time, marked in truth.items():
        speak = {face.person for face in marked if face.speaks}
        named = {link.track for link in links if link.start <= time < link.end}
        linked = {shown.get(track, f"\0{track}") for track in named}
        counts["speaking"] += len(speak)
        counts["right"] += len(speak & linked)
        counts["wrong"] += len(linked - speak)
        counts["missed"] += len(speak - linked)
    return {name: count * step for name, count in counts.items()}


def _at(truth: OnScreen, time: float) -> list[SeenFace] | None:
    """What is marked nearest to a time; None where nothing is near."""
    times = np.fromiter(truth, float)
    nearest = float(times[np.argmin(np.abs(times - time))])
    return truth[nearest] if abs(nearest - time) <= NEAR else None


def _marked(seen: Sequence[SeenFace], frame: FrameFaces) -> list[MarkedFace]:
    size = (frame.width, frame.height, frame.width, frame.height)
    return [
        MarkedFace(box=tuple(part * side for part, side in zip(face.box, size, strict=True)))  # type: ignore[arg-type]
        for face in seen
    ]
