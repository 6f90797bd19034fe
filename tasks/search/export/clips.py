"""Moments as files of their own, with subtitles."""

import json
from collections.abc import Callable
from pathlib import Path

from containers.common import storage
from containers.common.inside import existing
from tasks.media.bounded import run_bounded
from tasks.media.budget import budget_of
from tasks.search.export.media import Source, media_file, source_of
from tasks.search.question import FoundMoment, MomentAnswer

SHORTEST = 0.5  # seconds: a moment of one word can still be watched


def write_clips(
    answer: MomentAnswer, output: Path, folder: Path, on_clip: Callable[[Path], object]
) -> list[Path]:
    """One MP4 (M4A for sound) a moment and an SRT beside it, numbered as the answer is.

    Raises UserError when a medium is not there any more, before anything is cut.
    """
    sources = [source_of(output, moment.asset) for moment in answer.moments]
    files = {source.asset: media_file(source) for source in sources}
    written = []
    for number, (moment, source) in enumerate(zip(answer.moments, sources, strict=True), 1):
        suffix = ".mp4" if source.picture else ".m4a"
        target = folder / f"{number:03}-{moment.asset[:8]}-{moment.start:.2f}{suffix}"
        end = max(moment.end, moment.start + SHORTEST)
        _cut(files[source.asset], source, moment.start, end, target)
        subtitles = target.with_suffix(".srt")
        storage.write_bytes(storage.as_uri(subtitles), _subtitles(output, moment, end).encode())
        written += [target, subtitles]
        on_clip(target)
    return written


def _cut(path: Path, source: Source, start: float, end: float, target: Path) -> None:
    budget = budget_of(path.stat().st_size, source.duration, 3840 * 2160)
    with storage.writing(storage.as_uri(target)) as partial:
        run_bounded("cut", path, budget, start=start, end=end, target=str(partial))


def _subtitles(output: Path, moment: FoundMoment, end: float) -> str:
    """What is said between start and end, its times counted from the clip's start."""
    path = existing(output, moment.asset, "transcript.json")
    document = json.loads(path.read_bytes()) if path else {}
    names = document.get("names") or {}
    cues = []
    for segment in document.get("segments", []):
        if segment["start"] < end and moment.start < segment["end"]:
            first, last = max(segment["start"], moment.start), min(segment["end"], end)
            times = f"{_stamp(first - moment.start)} --> {_stamp(last - moment.start)}"
            who = names.get(segment.get("speaker"))
            text = " ".join(str(segment["text"]).split())
            cues.append(f"{len(cues) + 1}\n{times}\n{f'{who}: ' if who else ''}{text}\n")
    return "\n".join(cues)


def _stamp(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"
