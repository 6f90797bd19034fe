"""The deepfilternet image: noise out of speech, streamed from the input file to the output file."""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from containers.common import storage
from containers.common.models.store import open_model
from containers.common.runtime.handler import Stopwatch, make_handler
from containers.deepfilternet import native, torch_engine
from containers.deepfilternet.contract import Denoised, DenoiseRequest, NoiseTrack
from containers.deepfilternet.engine import MODELS, choose_engine
from containers.deepfilternet.mix import HOP, Powers, Removed, choose_shares, lowered_db, mix, share_of
from containers.deepfilternet.noise import NoiseMeter, decide
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
        stopwatch.covered(sound.duration)
        chosen = choose_format(request.format, request.audio_uri, sound.rate)
        meter = NoiseMeter(sound.gain)
        cleaned = Path(folder, "cleaned")
        louder = (block * sound.gain for block in read_blocks(source, RATE, sound.layout))
        found = _run(engine, request, sound, louder, meter, stopwatch)
        keep_blocks(cleaned, (block * (sound.lift / sound.gain) for block in found))
        noise = meter.estimate()
        applied, reason = decide(request.mode, noise)
        lowered = None
        if applied:

            def pairs() -> Iterator[tuple[Block, Block]]:
                return paired(read_blocks(source, RATE, sound.layout), cleaned, sound.channels, sound.lift)

            shares, lowered = _shares(request, sound, pairs)
            _write(request, sound, chosen, pairs(), shares)
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
        attenuation_limit_db=lowered,
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
    if engine == "torch":
        torch_engine.check_installed()
    folder, ref = open_model(MODELS[engine])
    stopwatch.used(ref)
    model = folder / native.MODEL_FILE
    if engine == "torch":
        model = folder
        torch_engine.load(folder)
    stopwatch.loaded(time.perf_counter() - started)
    run = torch_engine.denoise if engine == "torch" else native.denoise
    return run(model, blocks, sound.channels, meter, request.post_filter)


def _shares(
    request: DenoiseRequest, sound: Sound, pairs: Callable[[], Iterator[tuple[Block, Block]]]
) -> tuple[Powers, float | None]:
    """(share of what was removed that is given back, by how many decibels noise is lowered)."""
    limit = request.attenuation_limit_db
    if limit != "auto":
        return np.full((HOP + 1, sound.channels), share_of(limit)), limit
    removed = Removed(sound.channels)
    for given, cleaned in pairs():
        removed.add(given, cleaned)
    kept, taken = removed.powers()
    shares = choose_shares(kept, taken)
    return shares, lowered_db(shares, taken)


def _write(
    request: DenoiseRequest,
    sound: Sound,
    chosen: str,
    pairs: Iterable[tuple[Block, Block]],
    shares: Powers,
) -> None:
    before, after = Spectrogram(), Spectrogram()

    def seen(spectrogram: Spectrogram, block: Block) -> None:
        if request.spectrogram_uri:
            spectrogram.add(block)

    def sources() -> Iterator[tuple[Block, Block]]:
        for given, cleaned in pairs:
            seen(before, given)
            yield given, cleaned

    def mixed() -> Iterator[Block]:
        for block in mix(sources(), shares):
            seen(after, block)
            yield block

    with storage.writing(request.audio_uri) as place:
        write_blocks(place, mixed(), sound, chosen)
    if request.spectrogram_uri:
        with storage.writing(request.spectrogram_uri) as place:
            draw(place, before, after, sound.rate, sound.duration)


handler = make_handler("deepfilternet", DenoiseRequest, denoise)
