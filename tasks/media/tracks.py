"""Which of a file's streams are analysed, and what else there is."""

from functools import cache
from typing import Any, Literal

import av
from av.container import InputContainer
from babel import Locale, UnknownLocaleError
from pydantic import BaseModel, Field

from containers.common.errors import MediaError

Kind = Literal["audio", "video", "subtitle", "data", "attachment"]
MOST_CHANNELS = 64  # libswresample's own limit
SAMPLE_RATES = (1_000, 6_144_000)  # Hz, lowest and highest that can be sound
# What a person means by "the sound" is not among these, where there is another.
_APART = ("comment", "hearing_impaired", "visual_impaired", "karaoke", "lyrics", "clean_effects", "dub")


class Track(BaseModel):
    """One stream as the container describes it."""

    kind: Kind
    number: int = Field(description="among its kind, from 1: what --audio-track takes")
    codec: str | None = Field(default=None, description="None when it is not known")
    language: str | None = None
    title: str | None = None
    default: bool = False
    taken: bool = Field(default=False, description="whether this is the one analysed")
    channels: int | None = None
    sample_rate: int | None = None
    width: int | None = None
    height: int | None = None
    note: str | None = Field(default=None, description="why it cannot be analysed")


class Choice:
    """The streams to decode of an open container, and a description of all."""

    def __init__(self, container: InputContainer, name: str, audio_track: str | None = None) -> None:
        """Raises MediaError when nothing can be decoded, or there is no such audio track."""
        described = [(stream, _describe(container, stream)) for stream in container.streams]
        sounds = [(stream, track) for stream, track in described if track.kind == "audio"]
        pictures = [(stream, track) for stream, track in described if track.kind == "video"]
        self.tracks = [track for _, track in described]
        self.audio: av.AudioStream | None = _choose_audio(sounds, name, audio_track)
        self.video: av.VideoStream | None = _choose_video(container, pictures)
        for stream, track in described:
            track.taken = stream in (self.audio, self.video)
        if self.audio is None and self.video is None:
            reasons = [f"its {track.kind} {track.note}" for track in self.tracks if track.note]
            raise MediaError(
                f"{name} has nothing that can be decoded: {'; '.join(dict.fromkeys(reasons))}."
                if reasons
                else f"{name} has neither audio nor video."
            )


def is_cover(stream: Any) -> bool:
    """A cover or preview picture, which containers carry as a video stream."""
    kinds = type(stream.disposition)
    return bool(stream.disposition & (kinds.attached_pic | kinds.timed_thumbnails))


def _describe(container: InputContainer, stream: Any) -> Track:
    kind = stream.type if stream.type in ("audio", "video", "subtitle", "attachment") else "data"
    same = [other for other in container.streams if other.type == stream.type]
    context = stream.codec_context
    track = Track(
        kind=kind,
        number=same.index(stream) + 1,
        codec=context.name if context else None,
        language=_text(stream, "language"),
        title=_text(stream, "title"),
        default=bool(stream.disposition & type(stream.disposition).default),
    )
    if kind == "audio" and context:
        track.channels, track.sample_rate = context.channels, context.sample_rate
    if kind == "video" and context:
        track.width, track.height = context.width, context.height
    track.note = _fault(kind, track)
    return track


def _text(stream: Any, name: str) -> str | None:
    text = stream.metadata.get(name, "").strip()
    return None if text in ("", "und") else text[:200]


def _fault(kind: str, track: Track) -> str | None:
    if kind not in ("audio", "video"):
        return None
    if track.codec is None:
        return "has a codec that is not known"
    if kind == "audio":
        lowest, highest = SAMPLE_RATES
        if not lowest <= (track.sample_rate or 0) <= highest:
            return f"has a sample rate of {track.sample_rate or 0} Hz"
        if not 1 <= (track.channels or 0) <= MOST_CHANNELS:
            return f"has {track.channels or 0} channels; from 1 to {MOST_CHANNELS} can be mixed"
    return None


def _choose_audio(sounds: list[tuple[Any, Track]], name: str, wanted: str | None) -> av.AudioStream | None:
    if wanted:
        stream, track = _named(sounds, name, wanted)
        if track.note:
            raise MediaError(f"{name}: audio track {wanted} {track.note}.")
        return stream
    usable = [(stream, track) for stream, track in sounds if not track.note]
    ranked = sorted(usable, key=lambda pair: (_is_apart(pair[0]), not pair[1].default))
    return ranked[0][0] if ranked else None


def _is_apart(stream: Any) -> bool:
    kinds = type(stream.disposition)
    return any(stream.disposition & getattr(kinds, name) for name in _APART)


def _named(sounds: list[tuple[Any, Track]], name: str, wanted: str) -> tuple[Any, Track]:
    """By number among the audio tracks, or by language (ISO 639-1 or 639-2, or a BCP 47 tag)."""
    for stream, track in sounds:
        if wanted == str(track.number):
            return stream, track
    spoken = _language(wanted)
    for stream, track in sounds:
        if track.language and (track.language == wanted or _language(track.language) == spoken):
            return stream, track
    there = ", ".join(f"{track.number} ({track.language or 'language unknown'})" for _, track in sounds)
    raise MediaError(f"{name} has no audio track {wanted}; it has {there or 'no sound at all'}.")


@cache
def _language(code: str) -> str:
    """German is `de`, `deu`, `ger` and `de-AT`."""
    try:
        return Locale.parse(code.replace("-", "_").lower()).language
    except (UnknownLocaleError, ValueError):
        return code.lower()


def _choose_video(container: InputContainer, pictures: list[tuple[Any, Track]]) -> av.VideoStream | None:
    """FFmpeg's own choice (by disposition, frames seen and bit rate), covers apart, also those that only
    their one picture tells from a film."""
    usable = [stream for stream, track in pictures if not track.note and not is_cover(stream)]
    usable = [stream for stream in usable if stream.frames != 1] or usable
    try:
        best: Any = container.streams.best("video")
    except IndexError:  # PyAV's, where a damaged header names a stream that does not exist
        best = None
    return best if best in usable else max(usable, key=_pixels, default=None)


def _pixels(stream: Any) -> int:
    return stream.codec_context.width * stream.codec_context.height
