"""The deepfilternet image: noise out of speech, streamed from the input file to the output file."""

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

from containers.common import storage
from containers.common.handler import Stopwatch, make_handler
from containers.common.models import has_model, open_model
from containers.deepfilternet import native, torch_engine
from containers.deepfilternet.contract import Denoised, DenoiseRequest, NoiseTrack
from containers.deepfilternet.noise import NoiseMeter, decide
from containers.deepfilternet.picture import Spectrogram, draw
from containers.deepfilternet.sound import (
    RATE,
    Block,
    Sound,
    choose_format,
    read_blocks,
    survey,
    write_blocks,
)

NATIVE, TORCH = "deepfilternet3", "deepfilternet3-torch"


def choose_engine(asked: Literal["auto", "native", "torch"]) -> Literal["native", "torch"]:
    """`auto` is native, if its model is there: faster per core, a tenth of the memory, and no torch."""
    if asked == "auto":
        return "torch" if has_model(TORCH) and not has_model(NATIVE) else "native"
    return asked


def denoise(request: DenoiseRequest, stopwatch: Stopwatch) -> Denoised:
    """Estimates the noise and, where asked or of help, writes the denoised audio to `audio_uri`.

    What is written has the input's rate, channels and length and is aligned with it to the sample.
    """
    engine = choose_engine(request.engine)
    before, after = Spectrogram(), Spectrogram()
    pictured = request.spectrogram_uri is not None
    with storage.reading(request.audio) as source, tempfile.TemporaryDirectory() as folder:
        sound = survey(source)
        chosen = choose_format(request.format, request.audio_uri, sound.rate)
        meter = NoiseMeter(sound.gain)
        blocks = _passing(read_blocks(source, RATE, sound.layout), before if pictured else None, 1)
        louder = (block * sound.gain for block in blocks)
        cleaned = _run(engine, request, sound, louder, meter, stopwatch)
        cleaned = _passing(cleaned, after if pictured else None, 1 / sound.gain)
        target = Path(folder, "cleaned")
        write_blocks(target, cleaned, sound, chosen)
        noise = meter.estimate()
        applied, reason = decide(request.mode, noise)
        if applied:
            with storage.writing(request.audio_uri) as place:
                shutil.move(target, place)
    if request.noise_uri:
        track = NoiseTrack(track=meter.track())
        storage.write_bytes(request.noise_uri, track.model_dump_json(exclude_none=True).encode())
    if request.spectrogram_uri:
        with storage.writing(request.spectrogram_uri) as place:
            draw(place, before, after, sound.rate, sound.duration, "used" if applied else "not used")
    return Denoised(
        applied=applied,
        reason=reason,
        audio=request.audio_uri if applied else None,
        sample_rate=sound.rate,
        channels=sound.channels,
        duration=sound.duration,
        engine=engine,
        noise=noise,
    )


def _run(
    engine: str,
    request: DenoiseRequest,
    sound: Sound,
    blocks: Iterable[Block],
    meter: NoiseMeter,
    stopwatch: Stopwatch,
) -> Iterator[Block]:
    started = time.perf_counter()
    folder, ref = open_model(NATIVE if engine == "native" else TORCH)
    stopwatch.used(ref)
    model = folder / native.MODEL_FILE
    if engine == "torch":
        model = folder
        torch_engine.load(folder)
    stopwatch.loaded(time.perf_counter() - started)
    run = torch_engine.denoise if engine == "torch" else native.denoise
    return run(model, blocks, sound.channels, meter, request.attenuation_limit_db, request.post_filter)


def _passing(blocks: Iterable[Block], spectrogram: Spectrogram | None, gain: float) -> Iterator[Block]:
    for block in blocks:
        scaled = block * gain
        if spectrogram:
            spectrogram.add(scaled)
        yield scaled


handler = make_handler("deepfilternet", DenoiseRequest, denoise)
