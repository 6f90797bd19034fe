"""The media of the case "real length": six minutes of the packaged faces and voices, with noise.

The demo video's thirty seconds filmed four times: mirrored or not, closer or further, lighter or darker, with
grain. These two minutes come three times, and the call each time with another noise, of a street, of a fan or
of nothing. Mouths stay with the sound.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from containers.common.media.audio import load_audio
from tasks.evaluation.synthesis import fan, street
from tasks.media.demo import FRAME_RATE, HEIGHT, WIDTH, build_demo_video, sample_speech

FILMED, TIMES = 4, 3
ROUND = 30  # seconds
SECONDS = FILMED * TIMES * ROUND
RATE = 16_000  # Hz of the packaged call
GRAIN = 2  # levels, standard deviation
NOISES = (None, street, fan)
NOISE_DB = -14  # of the noise, the call being 0


def build_real_length(path: Path) -> Path:
    """Writes mp4 with H.264 and AAC, 1280 x 720 at 25 frames a second, SECONDS long, to `path`."""
    demo, film = (path.with_name(name) for name in ("round.mp4", "film.mp4"))
    build_demo_video(demo)
    with av.open(str(film), "w", format="mp4") as sink:
        stream = sink.add_stream("libx264", rate=FRAME_RATE, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p")
        stream.codec_context.options = {"preset": "superfast", "crf": "23"}
        for number, frame in enumerate(_pictures(demo)):
            frame.pts, frame.time_base = number, Fraction(1, FRAME_RATE)
            sink.mux(stream.encode(frame))
        sink.mux(stream.encode(None))
    sounds = _sound()
    with av.open(str(path), "w", format="mp4") as sink, av.open(str(film)) as source:
        filmed = source.streams.video[0]
        video = sink.add_stream_from_template(filmed)
        audio = sink.add_stream("aac", rate=RATE, layout="mono")
        for again in range(TIMES):
            source.seek(0)
            for number, packet in enumerate(source.demux(filmed)):
                if packet.dts is None or packet.pts is None or packet.time_base is None:
                    continue  # the end
                shift = round(again * FILMED * ROUND / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, video
                sink.mux(packet)
                if number % FRAME_RATE == 0:  # in step, so that no player has to look far for either
                    sink.mux(audio.encode(next(sounds)))
        sink.mux(audio.encode(None))
    for made in (demo, film):
        made.unlink()
    return path


def _pictures(demo: Path) -> Iterator[av.VideoFrame]:
    random = np.random.default_rng(0)
    grains = [random.normal(0, GRAIN, (HEIGHT, WIDTH)).astype(np.int16) for _ in range(7)]
    for number in range(FILMED):
        with av.open(str(demo)) as source:
            for place, frame in enumerate(source.decode(video=0)):
                yield _filmed(frame.to_ndarray(format="yuv420p"), number, grains[place % len(grains)])


def _filmed(planes: np.ndarray, number: int, grain: np.ndarray) -> av.VideoFrame:
    """A frame (height * 3 / 2, width) of YUV 4:2:0 as the film `number` has it."""
    parts = [
        planes[:HEIGHT],
        *(each.reshape(HEIGHT // 2, WIDTH // 2) for each in np.split(planes[HEIGHT:], [HEIGHT // 4])),
    ]
    margin = 16 * number  # pixels, left out at both sides, and as much of the height
    kept = (WIDTH - 2 * margin, (HEIGHT - margin) // 4 * 4)
    top = (HEIGHT - kept[1]) // 4 * 2
    seen = []
    for part, scale in zip(parts, (1, 2, 2), strict=True):
        across, down = (
            slice(margin // scale, (margin + kept[0]) // scale),
            slice(top // scale, (top + kept[1]) // scale),
        )
        seen.append(part[down, across][:, :: -1 if number % 2 else 1].reshape(-1))
    small = np.concatenate(seen).reshape(kept[1] * 3 // 2, kept[0])
    whole = av.VideoFrame.from_ndarray(small, format="yuv420p").reformat(WIDTH, HEIGHT).to_ndarray()
    lit = (whole[:HEIGHT].astype(np.int16) * (20 - number)) // 20 + grain
    whole[:HEIGHT] = np.clip(lit, 16, 235)
    return av.VideoFrame.from_ndarray(whole, format="yuv420p")


def _sound() -> Iterator[av.AudioFrame]:
    """A second after the other."""
    call = load_audio(sample_speech().as_uri(), RATE)
    call = np.pad(call, (0, ROUND * RATE))[: ROUND * RATE]
    level = float(np.sqrt((call**2).mean())) * 10 ** (NOISE_DB / 20)
    for number in range(FILMED * TIMES):
        heard = call.copy()
        if noise := NOISES[number % len(NOISES)]:
            made = noise(len(call), np.random.default_rng(number))
            heard += made * level / float(np.sqrt((made**2).mean()))
        for second, samples in enumerate(np.split((np.clip(heard, -1, 1) * 32767).astype(np.int16), ROUND)):
            frame = av.AudioFrame.from_ndarray(samples[None], "s16", "mono")
            frame.sample_rate, frame.time_base = RATE, Fraction(1, RATE)
            frame.pts = (number * ROUND + second) * RATE
            yield frame
