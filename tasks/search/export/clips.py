"""Moments as files of their own, with subtitles."""

import json
import tempfile
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

from containers.common import storage
from containers.common.inside import existing
from tasks.media.bounded import run_bounded
from tasks.media.budget import budget_of
from tasks.media.pictures import LONGEST_SIDE
from tasks.media.reel import join_parts
from tasks.outputs.labels import clock
from tasks.search.export.media import Source, media_files, sources_of
from tasks.search.question import FoundMoment, MomentAnswer

SHORTEST = 0.5  # seconds: a moment of one word can still be watched


def write_clips(
    answer: MomentAnswer, output: Path, folder: Path, on_clip: Callable[[Path], object]
) -> list[Path]:
    """One MP4 (M4A for sound) a moment and an SRT beside it, numbered as the answer is.

    Raises UserError when a medium is not there any more, before anything is cut.
    """
    sources = sources_of(output, answer.moments)
    written = []
    with media_files(sources) as files:
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


def write_reel(answer: MomentAnswer, output: Path, target: Path) -> list[Path]:
    """All moments one after the other as one MP4, each a chapter, and an SRT beside it.

    It has the size and rate that most of the moments have; other pictures are put on black. Raises UserError
    when a medium is not there any more, before anything is cut.
    """
    sources = sources_of(output, answer.moments)
    ends = [max(moment.end, moment.start + SHORTEST) for moment in answer.moments]
    width, height, rate = _shape(sources)
    cues, at = list[str](), 0.0
    made_in = tempfile.TemporaryDirectory(prefix="mediaflow-reel-")
    with media_files(sources) as files, made_in as folder:
        parts = []
        for number, (moment, source, end) in enumerate(zip(answer.moments, sources, ends, strict=True)):
            path, part = files[source.asset], Path(folder, f"{number}.mkv")
            budget = budget_of(path.stat().st_size, source.duration, 3840 * 2160)
            shape: dict[str, Any] = {"width": width, "height": height, "rate": str(rate)}
            shape |= {"audio_track": source.audio_track}
            made = run_bounded("part", path, budget, start=moment.start, end=end, target=str(part), **shape)
            parts.append((part, f"{moment.media} {clock(moment.start)}"))
            cues += _cues(output, moment, end, at, len(cues))
            at += made["frames"] / float(rate)
        with storage.writing(storage.as_uri(target)) as partial:
            join_parts(parts, partial)
    subtitles = target.with_suffix(".srt")
    storage.write_bytes(storage.as_uri(subtitles), "\n".join(cues).encode())
    return [target, subtitles]


def _shape(sources: list[Source]) -> tuple[int, int, Fraction]:
    """Width, height and frames per second that most have: at most 1920 pixels and 60 a second."""
    seen = [source for source in sources if min(source.size) > 0]
    sizes = Counter(source.size for source in seen).most_common(1)
    width, height = sizes[0][0] if sizes else (1280, 720)
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    rates = Counter(source.rate for source in seen or sources).most_common(1)
    rate = Fraction(min(max(rates[0][0], 1.0), 60.0)).limit_denominator(1001)
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2), rate


def _cut(path: Path, source: Source, start: float, end: float, target: Path) -> None:
    budget = budget_of(path.stat().st_size, source.duration, 3840 * 2160)
    with storage.writing(storage.as_uri(target)) as partial:
        given = {"start": start, "end": end, "audio_track": source.audio_track}
        run_bounded("cut", path, budget, target=str(partial), **given)


def _subtitles(output: Path, moment: FoundMoment, end: float) -> str:
    """What is said between start and end, its times counted from the clip's start."""
    return "\n".join(_cues(output, moment, end, 0.0, 0))


def _cues(output: Path, moment: FoundMoment, end: float, at: float, before: int) -> list[str]:
    """The same where the clip begins `at` a second, after cues that were there before."""
    path = existing(output, moment.asset, "transcript.json")
    document = json.loads(path.read_bytes()) if path else {}
    names = document.get("names") or {}
    cues = []
    for segment in document.get("segments", []):
        if segment["start"] < end and moment.start < segment["end"]:
            first, last = max(segment["start"], moment.start), min(segment["end"], end)
            times = f"{_stamp(at + first - moment.start)} --> {_stamp(at + last - moment.start)}"
            who = names.get(segment.get("speaker"))
            text = " ".join(str(segment["text"]).split())
            cues.append(f"{before + len(cues) + 1}\n{times}\n{f'{who}: ' if who else ''}{text}\n")
    return cues


def _stamp(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02},{whole % 1000:03}"
