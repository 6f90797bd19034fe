"""`python -m benchmarks.decode OTHER`: decoding of this tree and of another checkout, in turn, on several.

Whole processes are measured, so that starting Python and loading libraries count on both sides; OTHER's
`decode_media` is looked for where this tree has it and where it was before. Prints medians of processor time
and the ratio, pair by pair.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np

from tasks.media.demo import build_demo_video

ROOT = Path(__file__).parents[1]
TIMES = 10  # so often the sample comes one after the other
DECODE = """
import sys
from pathlib import Path
try:
    from tasks.media.decoding import decode_media
except ImportError:
    from tasks.media.decode import decode_media
decode_media(Path(sys.argv[1]), Path(sys.argv[2]), frame_rate=1)
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode", description=__doc__)
    parser.add_argument("other", type=Path, help="another checkout of this project")
    parser.add_argument("--media", type=Path, help="instead of what is made of the sample video")
    parser.add_argument("--runs", type=int, default=5, help="of each, after one that does not count")
    chosen = parser.parse_args(arguments)
    print("| media | this tree, s | the other, s | ratio |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        media = {chosen.media.name: chosen.media} if chosen.media else dict(_made(Path(folder)))
        for name, path in media.items():
            pairs = [
                [_seconds(tree, path.absolute(), Path(folder)) for tree in (ROOT, chosen.other)]
                for _ in range(chosen.runs + 1)
            ][1:]
            ours, theirs = (statistics.median(each) for each in zip(*pairs, strict=True))
            ratio = statistics.median(one / other for one, other in pairs)
            print(f"| {name} | {ours:.2f} | {theirs:.2f} | {ratio:.2f} |", flush=True)
    return 0


def _made(folder: Path) -> Iterator[tuple[str, Path]]:
    """Progressive media of kinds that people have."""
    sample = build_demo_video(folder / "sample.mp4")
    yield "H.264 720p and AAC, 30 s", sample
    yield f"the same {TIMES} times", _repeated(sample, folder / "long.mp4")
    broadcast = _encoded(sample, folder / "short.ts", "mpeg2video", "mp2")
    yield f"MPEG-2 576p and stereo MP2, {30 * TIMES} s", _repeated(broadcast, folder / "long.ts")
    sound = _encoded(sample, folder / "short.flac", None, "flac")
    yield f"stereo FLAC, {30 * TIMES} s", _repeated(sound, folder / "long.mka")


def _encoded(sample: Path, target: Path, picture: str | None, sound: str) -> Path:
    """Its sound in two channels that differ, as two microphones hear it."""
    with av.open(str(sample)) as source, av.open(str(target), "w") as sink:
        audio: Any = sink.add_stream(sound, rate=48_000, layout="stereo")
        video: Any = sink.add_stream(picture, rate=25, width=720, height=576) if picture else None
        if video:
            video.pix_fmt, video.codec_context.bit_rate = "yuv420p", 5_000_000
        kind = audio.codec_context.format.name
        resampler = av.AudioResampler("fltp", "mono", 48_000)
        out = av.AudioResampler(kind, "stereo", 48_000, frame_size=1152)
        noise = np.random.default_rng(0)
        for frame in source.decode(*([source.streams.video[0]] if video else []), source.streams.audio[0]):
            if isinstance(frame, av.VideoFrame):
                assert video
                shown = frame.reformat(720, 576, "yuv420p")
                shown.pict_type = 0
                sink.mux(video.encode(shown))
                continue
            for block in resampler.resample(frame):
                wave = block.to_ndarray()
                pair = np.concatenate([wave, 0.7 * np.roll(wave, 9)])
                pair += noise.normal(0, 1e-3, pair.shape)
                both = av.AudioFrame.from_ndarray(pair.astype(np.float32), "fltp", "stereo")
                both.sample_rate, both.pts, both.time_base = 48_000, block.pts, block.time_base
                for each in out.resample(both):
                    sink.mux(audio.encode(each))
        for stream in filter(None, (audio, video)):
            sink.mux(stream.encode(None))
    return target


def _repeated(path: Path, target: Path) -> Path:
    """Its packets TIMES times, one round after the other."""
    with av.open(str(target), "w") as sink:
        streams: list[Any] = []
        ends: list[int] = []  # of each stream
        for _ in range(TIMES):
            with av.open(str(path)) as source:
                if not streams:
                    streams = [sink.add_stream_from_template(each) for each in source.streams]
                    ends = [0] * len(streams)
                shift: dict[int, int] = {}
                for packet in source.demux():
                    if packet.dts is None or packet.pts is None:
                        continue
                    number = packet.stream.index
                    shift.setdefault(number, ends[number] - packet.dts)
                    packet.pts += shift[number]
                    packet.dts += shift[number]
                    ends[number] = max(ends[number], max(packet.pts, packet.dts) + (packet.duration or 1))
                    packet.stream = streams[number]
                    sink.mux(packet)
    return target


def _seconds(tree: Path, media: Path, folder: Path) -> float:
    """Processor time of one process that decodes."""
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, "-c", DECODE, str(media), str(Path(out, "decoded"))]
        process = subprocess.Popen(command, cwd=tree, env={**os.environ, "PYTHONPATH": str(tree)})
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
