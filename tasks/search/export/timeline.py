"""Moments as a timeline: one clip after the other, each of its media at its time."""

from collections import Counter
from pathlib import Path

import opentimelineio as otio
from opentimelineio.opentime import RationalTime, TimeRange

from containers.common import storage
from tasks.outputs.labels import clock
from tasks.search.export.media import Source, sources_of
from tasks.search.moments_page import headline
from tasks.search.question import FoundMoment, MomentAnswer


def write_timeline(answer: MomentAnswer, output: Path, target: Path) -> Path:
    """OpenTimelineIO's own file, or an EDL (CMX 3600), which has one rate: that of most of the moments."""
    sources = sources_of(output, answer.moments)
    edl = target.suffix.lower() == ".edl"
    rates = [_timecode_rate(source.rate) if edl else source.rate for source in sources]
    rate = Counter(rates).most_common(1)[0][0] if edl else None
    track = otio.schema.Track("moments", kind=otio.schema.TrackKind.Video)
    for moment, source, own in zip(answer.moments, sources, rates, strict=True):
        track.append(_clip(moment, source, rate or own))
    timeline = otio.schema.Timeline(_plain(headline(answer.question)))
    timeline.tracks.append(track)
    with storage.writing(storage.as_uri(target)) as path:
        adapter = "cmx_3600" if edl else "otio_json"
        more = {"rate": rate} if edl else {}
        otio.adapters.write_to_file(timeline, str(path), adapter_name=adapter, **more)
    return target


def _timecode_rate(rate: float) -> float:
    """The nearest that a timecode can count."""
    return RationalTime.nearest_smpte_timecode_rate(rate)


def _clip(moment: FoundMoment, source: Source, rate: float) -> otio.schema.Clip:
    first = round(moment.start * rate)
    frames = max(1, round(moment.end * rate) - first)
    whole = TimeRange(
        RationalTime(0, rate), RationalTime(max(first + frames, round(source.duration * rate)), rate)
    )
    place = source.place or source.name
    url = place if place.startswith("s3://") or not source.place else Path(place).absolute().as_uri()
    said = _plain(moment.text)
    return otio.schema.Clip(
        name=_plain(f"{moment.media} {clock(moment.start)}"),
        media_reference=otio.schema.ExternalReference(target_url=url, available_range=whole),
        source_range=TimeRange(RationalTime(first, rate), RationalTime(frames, rate)),
        metadata={
            "mediaflow": {
                "asset": moment.asset,
                "said": said,
                "by": moment.by or moment.speaker,
                "seen": moment.seen,
                "sounds": moment.sounds,
                "why": moment.why,
            },
            "cmx_3600": {"reel": moment.asset[:8], "comments": [said] if said else []},
        },
    )


def _plain(text: str) -> str:
    """On one line: an EDL is made of lines."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())
