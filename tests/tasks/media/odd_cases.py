"""More than 400 odd files and what must come out of each."""

import io
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.packet import Packet
from PIL import Image

from tests.tasks.media import odd_files as odd

MEDIA = Path(__file__).parents[2] / "media"
JOINABLE = {"ts", "mts", "mpg", "vob", "h264", "hevc", "m2v", "mp3", "aac", "ac3", "mp2", "eac3"}


@dataclass(frozen=True)
class Out:
    """What must come out; None: not looked at."""

    duration: float | None = None
    frames: int | None = None
    size: tuple[int, int] | None = None
    upright: bool = True
    turned: Image.Transpose | None = None  # what the file does to the picture, undone before it is looked at
    hertz: float | None = None  # the sound's main frequency
    level: float = 0.05  # root mean square that the sound has at least
    note: str | None = None
    sentence: str | None = None  # of the refusal
    track: str | None = None
    shorter: bool = False  # than the container may tell: a note says so


Make = Callable[[Path], Path]
Cases = dict[str, tuple[Make, Out]]
SEEN = Out(odd.SECONDS, 20, (odd.WIDTH, odd.HEIGHT))
HEARD = Out(odd.SECONDS, 0, hertz=440)


def all_cases() -> Cases:
    kinds = (
        plain,
        renamed,
        joined,
        cut,
        late,
        turned,
        aspects,
        colours,
        timestamps,
        streams,
        layouts,
        stills,
        refused,
    )
    found: Cases = {}
    for kind in (*kinds, refused):
        found |= {f"{kind.__name__}-{name}": case for name, case in kind().items()}
    return found


def _video(suffix: str, codec: str, **given) -> Make:
    return lambda folder: odd.video(folder / f"a.{suffix}", codec, **given)


def _audio(suffix: str, codec: str, samples: np.ndarray | None = None, **given) -> Make:
    return lambda folder: odd.audio(folder / f"a.{suffix}", codec, samples, **given)


def plain() -> Cases:
    return {
        # Of twenty pictures nineteen are packets without content; by theora_encoder_example of libtheora.
        "ogv-theora": (lambda folder: Path(shutil.copy(MEDIA / "repeated.ogv", folder)), SEEN),
        **{f"{suffix}-{codec}": (_video(suffix, codec), SEEN) for suffix, codec in odd.every_video()},
        **{f"{suffix}-{codec}": (_audio(suffix, codec), HEARD) for suffix, codec in odd.every_audio()},
    }


def renamed() -> Cases:
    """The name says nothing: what is in the file does."""

    def make(suffix: str, codec: str, name: str, of) -> Make:
        def write(folder: Path) -> Path:
            return of(folder / f"a.{suffix}", codec).rename(folder / name)

        return write

    first = {suffix: codecs[0] for suffix, codecs in odd.VIDEO.items()}
    heard = {suffix: codecs[0] for suffix, codecs in odd.AUDIO.items()}
    return {
        **{f"{s}.jpg": (make(s, c, "a.jpg", odd.video), SEEN) for s, c in first.items()},
        **{f"{s}.txt": (make(s, c, "a.txt", odd.audio), HEARD) for s, c in heard.items()},
    }


def joined() -> Cases:
    """Recordings one after the other in one file: the clock starts again."""

    def twice(make: Make) -> Make:
        def write(folder: Path) -> Path:
            path = make(folder)
            path.write_bytes(path.read_bytes() * 2)
            return path

        return write

    def clock(suffix: str) -> str | None:
        return "The clock starts again at 2.0 s" if suffix in ("ts", "mts", "mpg", "vob") else None

    double = 2 * odd.SECONDS
    return {
        **{
            f"{s}-{c}": (twice(_video(s, c)), Out(double, 40, note=clock(s)))
            for s, c in odd.every_video()
            if s in JOINABLE
        },
        **{
            f"{s}-{c}": (twice(_audio(s, c)), Out(double, 0, hertz=440, note=clock(s)))
            for s, c in odd.every_audio()
            if s in JOINABLE
        },
    }


def cut() -> Cases:
    """The last third is missing: what is there is analysed, or one sentence says that nothing can be."""

    def shorter(make: Make) -> Make:
        def write(folder: Path) -> Path:
            path = make(folder)
            path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
            return path

        return write

    needs_end = {"mp4", "mov", "m4a", "m4v", "3gp"}  # their table of contents comes last
    small = {("avi", codec) for codec in ("mpeg4", "libx264", "msmpeg4")} | {("caf", "alac")}  # all headers
    found: Cases = {}
    for suffix, codec in odd.every_video():
        out = Out(sentence=".") if suffix in needs_end or (suffix, codec) in small else Out(shorter=True)
        found[f"{suffix}-{codec}"] = (shorter(_video(suffix, codec)), out)
    for suffix, codec in odd.every_audio():
        out = (
            Out(sentence=".")
            if suffix in needs_end or (suffix, codec) in small
            else Out(hertz=440, shorter=True)
        )
        found[f"{suffix}-{codec}"] = (shorter(_audio(suffix, codec)), out)
    return found


def late() -> Cases:
    """Timestamps that begin at 100 s are a recording that begins at 0."""
    kinds = [
        ("ts", "libx264"),
        ("mkv", "libx264"),
        ("mp4", "libx264"),
        ("webm", "libvpx"),
        ("mpg", "mpeg2video"),
    ]
    found = {f"{s}-{c}": (_video(s, c, start=100), SEEN) for s, c in kinds}
    heard = [("mka", "flac"), ("ts", "aac"), ("m4a", "aac")]
    return found | {f"{s}-{c}": (_audio(s, c, start=100), HEARD) for s, c in heard}


def turned() -> Cases:
    """Display matrices, turned and mirrored."""
    found: Cases = {}
    for suffix in ("mp4", "mov", "3gp", "mkv"):
        for degrees in (90, 180, 270):
            size = (odd.WIDTH, odd.HEIGHT) if degrees == 180 else (odd.HEIGHT, odd.WIDTH)
            out = Out(odd.SECONDS, 20, size, turned=ROTATIONS[degrees])
            found[f"{suffix}-{degrees}"] = (_video(suffix, "libx264", rotation=degrees), out)
    for suffix in ("mp4", "mov"):
        for name, (matrix, turned) in MIRRORS.items():
            size = (odd.HEIGHT, odd.WIDTH) if "transpos" in name else (odd.WIDTH, odd.HEIGHT)
            out = Out(odd.SECONDS, 20, size, turned=turned)
            found[f"{suffix}-{name}"] = (_with_matrix(suffix, matrix), out)
    return found


ROTATIONS = {  # counterclockwise, as av_display_rotation_set has them; the way back
    90: Image.Transpose.ROTATE_270,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_90,
}
MIRRORS = {  # each its own way back
    "mirrored": ((-1, 0, 0, 1), Image.Transpose.FLIP_LEFT_RIGHT),
    "flipped": ((1, 0, 0, -1), Image.Transpose.FLIP_TOP_BOTTOM),
    "transposed": ((0, 1, 1, 0), Image.Transpose.TRANSPOSE),
    "antitransposed": ((0, -1, -1, 0), Image.Transpose.TRANSVERSE),
}


def _with_matrix(suffix: str, matrix: tuple[int, ...]) -> Make:
    """The track header's matrix is the only one in the file that is not the identity's place."""
    a, b, c, d = (value * 65536 for value in matrix)
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)

    def write(folder: Path) -> Path:
        path = odd.video(folder / f"a.{suffix}", "libx264")
        content = path.read_bytes()
        place = content.rindex(identity)  # moov's own comes before it
        wanted = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
        path.write_bytes(content[:place] + wanted + content[place + len(identity) :])
        return path

    return write


def aspects() -> Cases:
    wide, high = (2 * odd.WIDTH, odd.HEIGHT), (odd.WIDTH // 2, odd.HEIGHT)
    found: Cases = {}
    for suffix, codec in (("mp4", "libx264"), ("mkv", "libx264"), ("ts", "libx264"), ("webm", "libvpx")):
        if (suffix, codec) != ("webm", "libvpx"):
            found[f"{suffix}-2"] = (_video(suffix, codec, aspect="2"), Out(odd.SECONDS, 20, wide))
            found[f"{suffix}-half"] = (_video(suffix, codec, aspect="1/2"), Out(odd.SECONDS, 20, high))
        found[f"{suffix}-mad"] = (
            _video(suffix, codec, aspect="30000"),
            Out(odd.SECONDS, 20, (odd.WIDTH, odd.HEIGHT)),
        )
    return found


def colours() -> Cases:
    """Matrices of colours that nobody converts; and what cameras write beside a picture."""
    found: Cases = {}
    for suffix in ("mp4", "mkv", "ts"):
        for name in ("YCgCo", "bt2020c", "ICtCp", "chroma-derived-c", "smpte2085"):
            out = Out(odd.SECONDS, 20, (odd.WIDTH, odd.HEIGHT), upright=False, note="only about right")
            found[f"{suffix}-{name}"] = (_video(suffix, "libx264", matrix=name), out)
        for name in ("bt709", "bt470bg", "smpte240m", "fcc", "bt2020nc"):
            out = Out(odd.SECONDS, 20, (odd.WIDTH, odd.HEIGHT), upright=False)
            found[f"{suffix}-{name}"] = (_video(suffix, "libx264", matrix=name), out)
    for suffix in ("avi", "mov", "mkv"):
        found[f"exif-{suffix}"] = (_with_exif(suffix), SEEN)
    return found


def _with_exif(suffix: str) -> Make:
    """Exif in each picture, as cameras write it: FFmpeg tells of it beside the frame."""
    exif = Image.Exif()
    exif[0x010F] = "camera"
    told = exif.tobytes()
    block = b"\xff\xe1" + struct.pack(">H", len(told) + 2) + told

    def write(folder: Path) -> Path:
        made = odd.Made(folder / f"a.{suffix}")
        stream = made.picture("mjpeg")
        packets = []
        for each in made.packets:
            content = bytes(each)
            packet = Packet(content[:2] + block + content[2:])
            packet.pts, packet.dts, packet.time_base = each.pts, each.dts, each.time_base
            packet.duration, packet.stream, packet.is_keyframe = each.duration, stream, True
            packets.append(packet)
        return made.write(lambda _: packets)

    return write


def timestamps() -> Cases:
    """One packet's time is far off: by one bit, forwards or back."""

    def wrong(suffix: str, codec: str, at: int, seconds: float) -> Make:
        def write(folder: Path) -> Path:
            made = odd.Made(folder / f"a.{suffix}")
            made.picture(codec)
            packet = made.packets[at]
            packet.pts += round(seconds / packet.time_base)
            if seconds < 0:
                packet.dts += round(seconds / packet.time_base)
            return made.write(lambda packets: made.packets)

        return write

    found: Cases = {}
    for suffix, codec in (("ts", "mpeg2video"), ("ts", "libx264"), ("nut", "ffv1"), ("mkv", "mpeg4")):
        for seconds in (3, 400, 40_000):
            found[f"{suffix}-{codec}-{seconds}"] = (
                wrong(suffix, codec, 9, seconds),
                Out(odd.SECONDS, 20, note="time" if seconds > 1 else None),
            )
    return found


def streams() -> Cases:
    """Which stream is the film, and which sound."""

    def two_pictures(suffix: str, first_black: bool, flags: bool) -> Make:
        def write(folder: Path) -> Path:
            made = odd.Made(folder / f"a.{suffix}")
            made.picture("libx264", (32, 32), black=True, default=False)
            made.picture("libx264", default=flags)
            return made.write()

        return write

    def cover(suffix: str) -> Make:
        """A large still that only its one picture tells from a film."""

        def write(folder: Path) -> Path:
            made = odd.Made(folder / f"a.{suffix}")
            made.picture("mjpeg", (640, 480), black=True, frames=1)
            made.picture("libx264")
            return made.write()

        return write

    def two_sounds(suffix: str, codec: str, default: int | None) -> Make:
        def write(folder: Path) -> Path:
            made = odd.Made(folder / f"a.{suffix}")
            for number, hertz in enumerate((440, 1000)):
                samples = odd.tone() if hertz == 440 else _tone(hertz)
                given = {} if default is None else {"default": number == default}
                made.sound(codec, samples, language=("ger", "eng")[number], **given)
            return made.write()

        return write

    found: Cases = {
        f"small-first-{suffix}": (two_pictures(suffix, True, True), SEEN) for suffix in ("mp4", "mov", "mkv")
    }
    found |= {f"cover-first-{suffix}": (cover(suffix), SEEN) for suffix in ("mp4", "mov", "mkv")}
    for suffix, codec in (("mkv", "flac"), ("mka", "aac"), ("mp4", "aac"), ("mov", "aac")):
        found[f"default-2-{suffix}"] = (two_sounds(suffix, codec, 1), Out(odd.SECONDS, 0, hertz=1000))
        found[f"default-1-{suffix}"] = (two_sounds(suffix, codec, 0), HEARD)
        found[f"ask-2-{suffix}"] = (two_sounds(suffix, codec, 0), Out(odd.SECONDS, 0, hertz=1000, track="2"))
        found[f"ask-de-{suffix}"] = (two_sounds(suffix, codec, 1), Out(odd.SECONDS, hertz=440, track="de"))
        found[f"ask-deu-{suffix}"] = (
            two_sounds(suffix, codec, 1),
            Out(odd.SECONDS, 0, hertz=440, track="deu"),
        )
        sentence = "has no audio track ko; it has 1 (ger), 2 (eng)"
        found[f"ask-ko-{suffix}"] = (two_sounds(suffix, codec, 1), Out(sentence=sentence, track="ko"))
    return found


def _tone(hertz: float, rate: int = odd.RATE) -> np.ndarray:
    time = np.arange(round(odd.SECONDS * rate)) / rate
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)[None]


def layouts() -> Cases:
    """Channels that hold everything, nothing, or the opposite of each other; rates; levels."""
    noise = np.random.default_rng(1).normal(0, 0.2, (1, odd.RATE * 2)).astype(np.float32)
    broken = odd.tone(2)
    broken[1, ::7] = np.nan
    found: Cases = {}
    for suffix, codec in (
        ("flac", "flac"),
        ("wav", "pcm_s16le"),
        ("m4a", "aac"),
        ("ogg", "libopus"),
        ("mp3", "libmp3lame"),
    ):
        for name, gains in {"opposite": (1, -1), "right-only": (0, 1), "left-only": (1, 0)}.items():
            note = "opposite phase" if name == "opposite" else None
            out = Out(odd.SECONDS, 0, hertz=440, note=note)
            found[f"{name}-{suffix}"] = (_audio(suffix, codec, odd.tone(gains=gains)), out)
    found["nan"] = (_audio("wav", "pcm_f32le", broken), Out(odd.SECONDS, 0, hertz=440, note="no numbers"))
    loud = np.concatenate([odd.tone(), noise])
    found["noise"] = (_audio("wav", "pcm_f32le", np.tile(loud, 3)), Out(6, 0, hertz=440, note="is noise"))
    quiet = Out(odd.SECONDS, 0, hertz=440, level=5e-5)
    for codec in ("pcm_f32le", "pcm_s24le"):
        found[f"quiet-{codec}"] = (_audio("wav", codec, odd.tone(gains=[10 ** (-70 / 20)])), quiet)
    over = Out(odd.SECONDS, 0, hertz=440, level=2.0)
    found["over-full-scale"] = (_audio("wav", "pcm_f32le", odd.tone(gains=[10.0])), over)
    for channels in (4, 6):
        found[f"{channels}-channels"] = (_audio("wav", "pcm_s16le", odd.tone(channels)), HEARD)
    for rate in (8_000, 11_025, 22_050, 32_000, 44_100, 96_000, 192_000):
        make = _audio("wav", "pcm_s16le", odd.tone(rate=rate), rate=rate)
        found[f"{rate}-Hz"] = (make, HEARD)
    found["pause"] = (_pause(30.0), Out(odd.SECONDS + 30, 0, hertz=440, level=0.01, note="pauses"))
    found["pause-100h"] = (_pause(360_000.0), Out(odd.SECONDS, 0, hertz=440, note="clock jumps"))
    return found


def _pause(seconds: float) -> Make:
    def write(folder: Path) -> Path:
        made = odd.Made(folder / "a.mka")
        made.sound("flac", odd.tone())
        half = len(made.packets) // 2

        def change(packets):
            for packet in packets[half:]:
                shift = round(seconds / packet.time_base)
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
            return packets

        return made.write(change)

    return write


def stills() -> Cases:
    """Photographs in every orientation, more than eight bits, and animations."""
    found: Cases = {}
    for kind in ("jpeg", "png", "webp", "tiff"):
        found[f"{kind}-1"] = (_photo(kind, 1), Out(0, 1, (odd.WIDTH, odd.HEIGHT)))
        for orientation in odd.TURNS:
            found[f"{kind}-{orientation}"] = (_photo(kind, orientation), Out(0, 1, (odd.WIDTH, odd.HEIGHT)))
    for kind in ("bmp", "gif", "ppm", "avif", "heif"):
        found[kind] = (_photo(kind, 1), Out(0, 1, (odd.WIDTH, odd.HEIGHT)))
    for kind in ("png", "tiff"):
        found[f"grey16-{kind}"] = (_grey(kind), Out(0, 1, (odd.WIDTH, odd.HEIGHT), upright=False))
    for kind in ("gif", "webp", "png"):
        found[f"animated-{kind}"] = (_animation(kind), Out(odd.SECONDS, 10, (odd.WIDTH, odd.HEIGHT)))
    found["cut-jpeg"] = (_cut_photo, Out(sentence="cannot be decoded as a picture"))
    return found


def _photo(kind: str, orientation: int) -> Make:
    return lambda folder: odd.photo(folder / f"a.{kind}", orientation)


def _grey(kind: str) -> Make:
    def write(folder: Path) -> Path:
        levels = np.full((odd.HEIGHT, odd.WIDTH), 100 * 257, np.uint16)
        Image.fromarray(levels).save(folder / f"grey.{kind}")
        return folder / f"grey.{kind}"

    return write


def _animation(kind: str) -> Make:
    return lambda folder: odd.animation(folder / f"a.{kind}")


def _cut_photo(folder: Path) -> Path:
    content = io.BytesIO()
    odd.quarters(640, 480).save(content, "JPEG")
    path = folder / "a.jpg"
    path.write_bytes(content.getvalue()[:1500])
    return path


def refused() -> Cases:
    """No media, or none that anybody should decode."""
    playlist = "is a playlist, a script or a device description"

    def text(name: str, content: str | bytes) -> Make:
        def write(folder: Path) -> Path:
            path = folder / name
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            return path

        return write

    def wav(rate: int, channels: int, bits: int, format: int = 1) -> bytes:
        size = max(bits // 8, 1) * channels
        header = struct.pack("<HHIIHH", format, channels, rate, rate * size, size % 65536, bits)
        body = bytes(32_000)
        chunks = b"WAVEfmt " + struct.pack("<I", 16) + header + b"data" + struct.pack("<I", len(body)) + body
        return b"RIFF" + struct.pack("<I", len(chunks)) + chunks

    return {
        "empty": (text("a.mp4", b""), Out(sentence="is empty")),
        "text": (text("a.mp4", "no film\n" * 99), Out(sentence="not media")),
        "noise": (text("a.mkv", np.random.default_rng(0).bytes(90_000)), Out(sentence="not media")),
        "zeros": (text("a.ts", bytes(90_000)), Out(sentence="not media")),
        "zip": (text("a.mov", b"PK\x03\x04" + bytes(2000)), Out(sentence="not media")),
        "hls": (
            text("a.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\na.ts\n"),
            Out(sentence="."),
        ),
        "concat": (text("a.mp4", "ffconcat version 1.0\nfile a.ts\n"), Out(sentence=playlist)),
        "sbg": (text("a.mp4", "base: 300+10/20\nNOW base\n"), Out(sentence=".")),
        "svg": (text("a.mp4", '<svg xmlns="http://www.w3.org/2000/svg"/>'), Out(sentence=playlist)),
        "sdp": (text("a.mp4", "v=0\nc=IN IP4 127.0.0.1\nm=audio 9 RTP/AVP 0\n"), Out(sentence=playlist)),
        "subtitles": (text("a.srt", "1\n00:00:00,000 --> 00:00:01,000\nHi\n"), Out(sentence="neither")),
        "wav-rate-1": (text("a.wav", wav(1, 1, 16)), Out(sentence="a sample rate of 1 Hz")),
        "wav-rate-0": (text("a.wav", wav(0, 1, 16)), Out(sentence=".")),
        "wav-255-channels": (text("a.wav", wav(8000, 255, 16)), Out(sentence="255 channels")),
        "wav-0-channels": (text("a.wav", wav(8000, 0, 16)), Out(sentence=".")),
        "wav-0-bit": (text("a.wav", wav(8000, 1, 0)), Out(sentence="a codec that is not known")),
        "wav-unknown": (text("a.wav", wav(8000, 1, 16, 0x7777)), Out(sentence="a codec that is not known")),
    }
