"""What a file is, by its name and where that says nothing by its first bytes; nothing is decoded."""

import mimetypes
from functools import cache
from pathlib import Path
from typing import Literal

Kind = Literal["media", "picture", "other", "unknown"]
# What the platform's table of types may not know, or takes for something else (.ts: a language's sources).
MEDIA = """
.264 .265 .3g2 .3ga .3gp .8svx .aac .ac3 .aif .aifc .aiff .amr .ape .asf .au .avi .awb .caf .divx .dts .dv
.eac3 .f4v .flac .flv .g722 .gsm .gxf .h264 .hevc .ivf .m1v .m2t .m2ts .m2v .m4a .m4b .m4v .mka .mkv .mod .mov
.mp2 .mp3 .mp4 .mpa .mpc .mpeg .mpg .mpv .mts .mxf .nut .oga .ogg .ogm .ogv .opus .qt .ra .ram .rm .rmvb .sph
.snd .spx .tod .trp .ts .tta .vob .voc .vro .w64 .wav .webm .wma .wmv .wtv .wv .y4m
"""
PICTURES = ".arw .avif .cr2 .dng .exr .gif .heic .heif .jp2 .jxl .nef .psd .raw .webp"
# First bytes and where they are: ISO media, Matroska, RIFF, Ogg, FLAC, ID3, MPEG program streams, AIFF, ASF,
# CAF, MXF, AMR, SPHERE, Flash, RealMedia, AU, WavPack, Monkey's Audio, True Audio, Wave64.
SIGNATURES = (
    (4, b"ftyp"), (4, b"moov"), (0, b"\x1aE\xdf\xa3"), (0, b"RIFF"), (0, b"RF64"), (0, b"OggS"), (0, b"fLaC"),
    (0, b"ID3"), (0, b"\0\0\1\xba"), (0, b"FORM"), (0, b"0&\xb2u\x8ef\xcf\x11"), (0, b"caff"),
    (0, b"\x06\x0e+4\x02\x05\x01\x01"), (0, b"#!AMR"), (0, b"NIST_1A"), (0, b"FLV\x01"), (0, b".RMF"),
    (0, b".snd"), (0, b"wvpk"), (0, b"MAC "), (0, b"TTA1"), (0, b"riff\x2e\x91\xcf\x11"),
)  # fmt: skip
PICTURE_BRANDS = (  # of ISO media (ISO 23008-12, AVIF), and RIFF's own
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"avif", b"avis", b"WEBP",
)  # fmt: skip
TS_PACKET = 188  # bytes; each begins with 0x47


def kind_of_name(path: Path) -> Kind:
    suffix = path.suffix.lower()
    if suffix and suffix in MEDIA.split():
        return "media"
    if suffix and suffix in PICTURES.split():
        return "picture"
    guessed = _guess(suffix)
    if guessed.startswith(("audio/", "video/")):
        return "media"
    return "picture" if guessed.startswith("image/") else "other" if guessed else "unknown"


@cache
def _guess(suffix: str) -> str:
    return mimetypes.guess_type(f"a{suffix}")[0] or ""


def looks_like_media(path: Path) -> bool:
    """By its first bytes. Raises OSError when it cannot be read."""
    with path.open("rb") as file:
        start = file.read(4 * TS_PACKET)
    if any(start[place : place + len(mark)] == mark for place, mark in SIGNATURES):
        return start[8:12] not in PICTURE_BRANDS
    packets = [start[place] for place in range(0, len(start), TS_PACKET)]
    return len(start) == 4 * TS_PACKET and packets == [0x47] * 4
