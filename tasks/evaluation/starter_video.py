"""What is really in the sample video, as AVA-ActiveSpeaker writes it: its faces, and who of them speaks."""

import tomllib
from collections.abc import Sequence
from pathlib import Path

from tasks.media.demo import HEIGHT, SHOT_SECONDS, SHOTS, WIDTH, face_in_video, sample_turns

TICKS = 5  # marked times a second


def marked_faces() -> dict[str, list[list[float]]]:
    """Picture (sample1) to its faces: x, y, width, height in pixels, marked by eye."""
    return tomllib.loads(Path(__file__).with_name("starter_faces.toml").read_text(encoding="utf-8"))


def demo_on_screen(video: str) -> str:
    """Rows of `video`; people are named by their picture and place in it.

    Nobody knows whether two pictures show one person, so that no name is sure.
    """
    turns, marked, rows = sample_turns(), marked_faces(), []
    voices = sorted({speaker for _, _, speaker in turns})
    for place, shot in enumerate(SHOTS):
        stem = Path(shot.picture).stem
        for tick in range(SHOT_SECONDS * TICKS):
            second = place * SHOT_SECONDS + tick / TICKS
            speaking = {speaker for start, end, speaker in turns if start <= second < end}
            for number, box in enumerate(marked[stem], 1):
                own = {
                    who for who, mouth in zip(voices, shot.mouths, strict=False) if _holds(box, mouth.left)
                }
                label = "SPEAKING_AUDIBLE" if own & speaking else "NOT_SPEAKING"
                x, y, width, height = box
                if corners := _corners(face_in_video(place, (x, y, width, height), second)):
                    ends = ",".join(f"{value:.4f}" for value in corners)
                    rows.append(f"{video},{second:.2f},{ends},{label},{stem}-{number}?\n")
    return "".join(rows)


def _holds(box: Sequence[float], point: Sequence[float]) -> bool:
    x, y, width, height = box
    return x < point[0] < x + width and y < point[1] < y + height


def _corners(box: Sequence[float]) -> list[float] | None:
    """x1, y1, x2, y2 by the video's width and height; None of a face that is not half inside."""
    x, y, width, height = box
    ends = [x / WIDTH, y / HEIGHT, (x + width) / WIDTH, (y + height) / HEIGHT]
    cut = [min(max(value, 0.0), 1.0) for value in ends]
    area = (cut[2] - cut[0]) * (cut[3] - cut[1])
    return cut if area > (ends[2] - ends[0]) * (ends[3] - ends[1]) / 2 else None
