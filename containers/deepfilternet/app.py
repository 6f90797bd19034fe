"""The deepfilternet image: noise out of speech, streamed from the input file to the output file."""

import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from containers.common import storage
from containers.common.handler import Stopwatch, make_handler
from containers.common.models import open_model
from containers.deepfilternet import native, torch_engine
from containers.deepfilternet.contract import Denoised, DenoiseRequest, NoiseTrack
from containers.deepfilternet.engine import MODELS, choose_engine
from containers.deepfilternet.noise import NoiseMeter, choose_limit, decide
from containers.deepfilternet.picture import Spectrogram, draw
from containers.deepfilternet.sound import (
    RATE,
    Block,
    Sound,
    choose_format,
    keep_blocks,
    paired,
    read_blocks,
    survey,
    write_blocks,
)


def denoise(request: DenoiseRequest, stopwatch: Stopwatch) -> Denoised:
    """Estimates the noise and, where asked or of help, writes the denoised audio to `audio_uri`.

    What is written has the input's rate, channels and length and is aligned with it to the sample. The
    model runs first, over everything; how much of its output is used depends on what it has heard.
    """
    engine = choose_engine(request.engine)
    with storage.reading(request.audio) as source, tempfile.TemporaryDirectory() as folder:
        sound = survey(source)
        chosen = choose_format(request.format, request.audio_uri, sound.rate)
        meter = NoiseMeter(sound.gain)
        cleaned = Path(folder, "cleaned")
        louder = (block * sound.gain for block in read_blocks(source, RATE, sound.layout))
        found = _run(engine, request, sound, louder, meter, stopwatch)
        keep_blocks(cleaned, (block / sound.gain for block in found))
        noise = meter.estimate()
        applied, reason = decide(request.mode, noise)
        limit = choose_limit(request.attenuation_limit_db, noise)
        if applied:
            pairs = paired(read_blocks(source, RATE, sound.layout), cleaned, sound.channels)
            _write(request, sound, chosen, pairs, limit)
    if request.noise_uri:
        track = NoiseTrack(track=meter.track())
        storage.write_bytes(request.noise_uri, track.model_dump_json(exclude_none=True).encode())
    return Denoised(
        applied=applied,
        reason=reason,
        audio=request.audio_uri if applied else None,
        sample_rate=sound.rate,
        channels=sound.channels,
        duration=sound.duration,
        engine=engine,
        attenuation_limit_db=limit,
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
    folder, ref = open_model(MODELS[engine])
    stopwatch.used(ref)
    model = folder / native.MODEL_FILE
    if engine == "torch":
        model = folder
        torch_engine.load(folder)
    stopwatch.loaded(time.perf_counter() - started)
    run = torch_engine.denoise if engine == "torch" else native.denoise
    return run(model, blocks, sound.channels, meter, request.post_filter)


def _write(
    request: DenoiseRequest,
    sound: Sound,
    chosen: str,
    pairs: Iterable[tuple[Block, Block]],
    limit: float | None,
) -> None:
    """Mixes as upstream does: input x g + model output x (1 - g), with g = 10^(-limit / 20)."""
    share = 0.0 if limit is None else 10 ** (-limit / 20)
    before, after = Spectrogram(), Spectrogram()

    def mixed() -> Iterator[Block]:
        for given, cleaned in pairs:
            block = np.asarray(given * share + cleaned * (1 - share), np.float32)
            if request.spectrogram_uri:
                before.add(given)
                after.add(block)
            yield block

    with storage.writing(request.audio_uri) as place:
        write_blocks(place, mixed(), sound, chosen)
    if request.spectrogram_uri:
        with storage.writing(request.spectrogram_uri) as place:
            draw(place, before, after, sound.rate, sound.duration)


handler = make_handler("deepfilternet", DenoiseRequest, denoise)
