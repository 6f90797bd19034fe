"""`python -m benchmarks.who_speaks`: turns linked to faces on SYNTHETIC media whose answer is known.

The turns are those of the packaged reference, cut where a scene ends; everything else is as in flows.analyze.
"""

import tempfile
from pathlib import Path
from typing import NamedTuple

from benchmarks.talking_faces import CONVERSATION, CUTS, Scene, Spoken, build_talking_video
from containers.common.documents.speakers import Turn
from flows.runs.images import running_images
from tasks.media.decoding import decode_media
from tasks.stages.detect.run import DetectedFaces, detect
from tasks.stages.detect.track import name_people
from tasks.stages.embed.run import embed
from tasks.stages.link.run import Speaking, link_speakers
from tasks.stages.options import AnalyzeOptions

REPORT = Path(__file__).with_name("faces.md")
MARKS = ("<!-- speaking -->", "<!-- end of speaking -->")
STILL = (Scene("sample5.jpg", 15, {}), Scene("sample6.jpg", 30, {}))
MEDIA = {
    "one shot of five faces, two of them speak": CONVERSATION,
    "four shots, a face that chews, a speaker off screen": CUTS,
    "two shots of faces that do not move, both speakers off screen": STILL,
}


class Score(NamedTuple):
    """Turns by what became of them."""

    right: int  # linked to the face that speaks
    wrong: int  # linked to another face, or to one while the speaker is off screen
    missed: int  # not linked although the speaker is on screen
    rejected: int  # not linked, and the speaker is off screen


def analyse(video: Path, folder: Path, spoken: list[Spoken]) -> tuple[DetectedFaces, Speaking]:
    decoded = decode_media(video, folder / "media", 1.0)
    found = detect.fn(decoded.frames, decoded.shots, folder, AnalyzeOptions(), video, decoded.seekable)
    people = embed.fn(decoded.frames, found.frames, found.tracks, folder / "crops").people
    turns = [Turn(start=turn.start, end=turn.end, speaker=turn.speaker) for turn in spoken]
    tracks = name_people(found.tracks, people)
    given = (found.frames, decoded.shots, tracks, 1.0, decoded.seekable, folder / "mouths")
    assert decoded.audio_16k is not None
    return found, link_speakers.fn(video, decoded.audio_16k, 0.0, turns, *given)


def score(linked: Speaking, spoken: list[Spoken], found: DetectedFaces) -> Score:
    tracks = {track.id: track for track in found.tracks}
    faces = {(link.start, link.speaker): tracks[link.track] for link in linked.links}
    counts = dict.fromkeys(Score._fields, 0)
    for turn in spoken:
        track = faces.get((turn.start, turn.speaker))
        if track is None:
            counts["rejected" if turn.face is None else "missed"] += 1
            continue
        box = min(track.seen, key=lambda seen: abs(seen.time - (turn.start + turn.end) / 2)).box
        inside = turn.face is not None and (
            box.x < turn.face[0] < box.x + box.width and box.y < turn.face[1] < box.y + 1.1 * box.height
        )
        counts["right" if inside else "wrong"] += 1
    return Score(**counts)


def main() -> None:
    lines = [
        "| media (30 s) | right face | wrong face | missed | rightly none |",
        "|---|---:|---:|---:|---:|",
    ]
    with running_images():
        for label, scenes in MEDIA.items():
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                spoken = build_talking_video(folder / "talk.mp4", scenes)
                found, linked = analyse(folder / "talk.mp4", folder, spoken)
                lines.append(f"| {label} | {' | '.join(map(str, score(linked, spoken, found)))} |")
                print(lines[-1], flush=True)
    text = REPORT.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    REPORT.write_text("\n".join([before + MARKS[0], *lines, MARKS[1] + after]), encoding="utf-8")


if __name__ == "__main__":
    main()
