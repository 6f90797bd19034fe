"""What an asset's documents say of each other: speakers, words and turns, subtitles, tracks and faces."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pysubs2

from tasks.checks.table import Rows, in_order
from tasks.outputs.subtitles import read_subtitles

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

SILENT = 5.0  # seconds of turns without a single word
SAID = 0.9  # share of a subtitle file's words that the transcript has
SUBTITLES = (".srt", ".vtt")
LABEL = re.compile(r"^\s*[-\u2013]?\s*(\[[^\]]*\]|[A-Z][\w .]{0,30}:)(\s+|$)")  # who speaks, or a sound

COLUMNS: dict[str, list[str]] = {
    "speakers": ["speaker", "known", "place", "start"],
    "speech": ["turn_seconds", "words", "silent"],
    "subtitles": ["file", "words", "said"],
    "tracks": ["track", "start", "end", "faces", "missing", "outside"],
    "frames": ["time", "before"],
}


def speakers(read: Mapping[str, Any]) -> Rows:
    """A row for each segment and word that names a speaker."""
    if not {"transcript.json", "diarization.json"} <= read.keys():
        return []
    known = {turn["speaker"] for turn in read["diarization.json"]["turns"]}
    rows: Rows = []
    for number, segment in enumerate(read["transcript.json"]["segments"]):
        words = enumerate(segment.get("words", []))
        named = [(f"segment {number}", segment)]
        named += [(f"segment {number} word {place}", word) for place, word in words]
        rows += [
            {
                "speaker": one["speaker"],
                "known": one["speaker"] in known,
                "place": place,
                "start": one.get("start"),
            }
            for place, one in named
            if one.get("speaker")
        ]
    return rows


def speech(read: Mapping[str, Any]) -> Rows:
    """One row: seconds of turns and number of words."""
    if not {"transcript.json", "diarization.json"} <= read.keys():
        return []
    seconds = sum(turn["end"] - turn["start"] for turn in read["diarization.json"]["turns"])
    words = sum(len(segment["text"].split()) for segment in read["transcript.json"]["segments"])
    return [{"turn_seconds": seconds, "words": words, "silent": not words and seconds >= SILENT}]


def subtitles(read: Mapping[str, Any], files: Mapping[str, bytes]) -> Rows:
    """A row a file: how many words it has, and which share of its and the transcript's words are the same."""
    if "transcript.json" not in read:
        return []
    segments = read["transcript.json"]["segments"]
    written = _words(" ".join(segment["text"] for segment in segments if not segment.get("flags")))
    doubted = _words(" ".join(segment["text"] for segment in segments if segment.get("flags")))
    rows: Rows = []
    for name in sorted(files):
        if name.endswith(SUBTITLES):
            cues = read_subtitles(files[name].decode("utf-8-sig"), name[-3:])
            shown = _words(" ".join(LABEL.sub("", line) for cue in cues for line in _lines(cue)))
            rows.append({"file": name, "words": len(shown), "said": _alike(shown, written, doubted)})
    return rows


def _lines(cue: pysubs2.SSAEvent) -> list[str]:
    return cue.plaintext.splitlines()


def _words(text: str) -> list[str]:
    """Letters and digits, in lower case: scripts without spaces are compared by the character."""
    joined = "".join(char if char.isalnum() else " " for char in text.lower())
    return [part for word in joined.split() for part in (list(word) if word[0] >= "\u2e80" else [word])]


def _alike(shown: list[str], written: list[str], doubted: list[str]) -> float:
    """The smaller of the shares of what is shown that was written, and of what was written that is shown.

    What was doubted may be shown or left out.
    """
    if not shown and not written:
        return 1.0
    right = sum(1 for word in shown if word in {*written, *doubted})
    kept = sum(1 for word in written if word in set(shown))
    return min(right / len(shown) if shown else 0.0, kept / len(written) if written else 1.0)


def tracks(faces: Mapping[str, Any]) -> Rows:
    """A row a track: its span, and how many of the faces that it is seen by are not in their frames."""
    counts = {frame["time"]: len(frame["faces"]) for frame in faces["frames"]}
    return [
        {
            "track": track["id"],
            "start": track["start"],
            "end": track["end"],
            "faces": len(track["seen"]),
            "missing": sum(not 0 <= one["face"] < counts.get(one["time"], 0) for one in track["seen"]),
            "outside": sum(not track["start"] <= one["time"] <= track["end"] for one in track["seen"]),
        }
        for track in faces.get("tracks", [])
    ]


def frames(faces: Mapping[str, Any]) -> Rows:
    starts = [{"start": frame["time"], "end": frame["time"]} for frame in faces["frames"]]
    return [{"time": row["start"], "before": row["before"]} for row in in_order(starts)]


def rows_of(read: Any, files: Mapping[str, bytes]) -> dict[str, Rows]:
    """Every table by name; what a document has not the shape for is a fault of that document."""
    faces = read.get("faces.json")
    return {
        "speakers": read.look("transcript.json", lambda: speakers(read)),
        "speech": read.look("transcript.json", lambda: speech(read)),
        "subtitles": read.look("subtitles", lambda: subtitles(read, files)),
        "tracks": read.look("faces.json", lambda: tracks(faces)) if faces is not None else [],
        "frames": read.look("faces.json", lambda: frames(faces)) if faces is not None else [],
    }


def rules() -> "dict[str, list[Expectation]]":
    from tasks.checks import expect

    return {
        "speakers": [expect.true("Who says a word has a turn in the diarization.", "known")],
        "speech": [expect.one_of("Where people talk there are words.", "silent", [False], "warning")],
        "subtitles": [
            expect.between("Subtitles say what the transcript says.", "said", SAID, 1, "warning"),
        ],
        "tracks": [
            expect.not_before("A track ends after it starts.", "end", "start"),
            expect.between("A track is seen at least once.", "faces", 1, float("inf")),
            expect.between("The faces of a track are in their frames.", "missing", 0, 0),
            expect.between("A track is seen between its start and its end.", "outside", 0, 0),
        ],
        "frames": [
            expect.not_before("Frames are in the order of their times.", "time", "before"),
            expect.unique_together("A frame is there once.", ["asset", "time"]),
        ],
    }
