"""The deepfilternet image: noise out of speech, streamed from the input file to the output file."""

import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from containers.common import storage
from containers.common.audio import Waveform, stream_audio
from containers.common.errors import MediaError
from containers.common.handler import Stopwatch, make_handler
from containers.common.models import has_model, open_model
from containers.deepfilternet import native, torch_engine
from containers.deepfilternet.contract import Denoised, DenoiseRequest

SAMPLE_RATE = 48_000
NATIVE, TORCH = "deepfilternet3", "deepfilternet3-torch"
MAX_SAMPLES = (2**32 - 64) // 2  # a WAV file's sizes are 32 bit


def choose_engine(asked: Literal["auto", "native", "torch"]) -> Literal["native", "torch"]:
    """`auto` is native, if its model is there: faster per core, a tenth of the memory, and no torch."""
    if asked == "auto":
        return "torch" if has_model(TORCH) and not has_model(NATIVE) else "native"
    return asked


def denoise(request: DenoiseRequest, stopwatch: Stopwatch) -> Denoised:
    """Writes the denoised audio to `audio_uri`: as long as the input and aligned with it to the sample."""
    engine = choose_engine(request.engine)
    with storage.reading(request.audio) as source, storage.writing(request.audio_uri) as target:
        cleaned = _run(engine, request, stream_audio(source, SAMPLE_RATE), stopwatch)
        samples = write_wav(target, cleaned)
    return Denoised(
        audio=request.audio_uri, sample_rate=SAMPLE_RATE, duration=samples / SAMPLE_RATE, engine=engine
    )


def _run(
    engine: str, request: DenoiseRequest, blocks: Iterator[Waveform], stopwatch: Stopwatch
) -> Iterator[Waveform]:
    started = time.perf_counter()
    folder, ref = open_model(NATIVE if engine == "native" else TORCH)
    stopwatch.used(ref)
    if engine == "torch":
        torch_engine.load(folder)
        stopwatch.loaded(time.perf_counter() - started)
        yield from torch_engine.denoise(folder, blocks, request.attenuation_limit_db, request.post_filter)
        return
    archive = folder / native.MODEL_FILE
    with native.open_denoiser(archive, request.attenuation_limit_db, request.post_filter) as denoiser:
        stopwatch.loaded(time.perf_counter() - started)
        yield from denoiser.denoise(blocks)


def write_wav(target: Path, blocks: Iterator[Waveform]) -> int:
    """Writes 16-bit mono WAV at 48 kHz; samples beyond [-1, 1] are held at its ends. Returns the samples."""
    samples = 0
    with _wav_writer(target) as wav:
        for block in blocks:
            samples += len(block)
            if samples > MAX_SAMPLES:
                raise MediaError("The audio is longer than the 12 hours that one WAV file can hold.")
            wav.writeframesraw(np.clip(np.rint(block * 32768), -32768, 32767).astype("<i2").tobytes())
    return samples


@contextmanager
def _wav_writer(target: Path) -> Iterator[wave.Wave_write]:
    with target.open("wb") as stream, wave.open(stream, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(SAMPLE_RATE)
        yield wav


handler = make_handler("deepfilternet", DenoiseRequest, denoise)
