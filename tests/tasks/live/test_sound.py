"""Where live sound comes from: files at their own speed, pipes with and without a format, microphones."""

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from containers.common.errors import UserError
from tasks.live.sound import BLOCK, RATE, hear_microphone, play_file, read_pipe


def tone(rate: int, seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate).astype(np.float32)


def is_the_tone(blocks: list[np.ndarray]) -> bool:
    sound = np.concatenate(blocks)
    assert all(len(block) == BLOCK for block in blocks[:-1])
    spectrum = np.abs(np.fft.rfft(sound))
    return (
        abs(spectrum.argmax() * RATE / len(sound) - 440) < 5 and abs(len(sound) - RATE / 2) < RATE / 20
    )  # MP3 pads


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "tone.wav", tone(16_000), 16_000)
    return tmp_path / "tone.wav"


def test_a_file_is_played_at_its_own_speed(wav) -> None:
    started = time.monotonic()
    assert is_the_tone(list(play_file(wav, 1)))
    assert time.monotonic() - started >= 0.49


def test_a_file_at_speed_0_is_read_as_fast_as_possible(wav) -> None:
    assert is_the_tone(list(play_file(wav, 0)))


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "mp3"])
def test_a_pipe_may_say_its_format(suffix) -> None:
    stream = io.BytesIO()
    soundfile.write(stream, tone(44_100), 44_100, format=suffix.upper())
    pipe = io.BufferedReader(_Unseekable(stream.getvalue()))
    assert is_the_tone(list(read_pipe(pipe)))


def test_a_raw_pipe_has_the_rate_that_it_is_given() -> None:
    raw = (tone(8_000) * 32767).astype("<i2").tobytes()
    assert is_the_tone(list(read_pipe(io.BytesIO(raw), 8_000)))


def test_text_in_a_pipe_is_refused() -> None:
    with pytest.raises(UserError, match=r"^What comes through the pipe is no sound .* --raw-rate"):
        list(read_pipe(io.BytesIO(b"hello " * 2000)))


def test_a_playlist_in_a_pipe_opens_no_other_file(wav) -> None:
    playlist = f"ffconcat version 1.0\nfile {wav}\n".encode()
    with pytest.raises(UserError, match="no sound that can be decoded"):
        list(read_pipe(io.BytesIO(playlist)))


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is Linux's")
def test_a_microphone_is_heard_through_alsa(tmp_path) -> None:
    """ALSA itself, with a device of its own that plays a file: there is no sound card on a test machine."""
    (tone(RATE, 1) * 32767).astype("<i2").tofile(tmp_path / "spoken.raw")
    settings = tmp_path / "asound.conf"
    settings.write_text(
        'pcm.null { type null }\npcm.spoken { type file slave.pcm null file "/dev/null" '
        f'infile "{tmp_path}/spoken.raw" format raw }}\n'
    )
    program = (
        "from itertools import islice; from tasks.live.sound import hear_microphone\n"
        "import numpy as np; np.concatenate(list(islice(hear_microphone('spoken'), 50))).tofile('heard')\n"
    )
    environment = os.environ | {
        "ALSA_CONFIG_PATH": str(settings),
        "PYTHONPATH": str(Path(__file__).parents[3]),
    }
    subprocess.run([sys.executable, "-c", program], check=True, cwd=tmp_path, env=environment, timeout=60)
    assert is_the_tone([np.fromfile(tmp_path / "heard", np.float32)])


@pytest.mark.skipif(sys.platform != "linux", reason="ALSA is Linux's")
def test_a_microphone_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match=r"^The microphone 'nowhere' cannot be opened"):
        list(hear_microphone("nowhere"))


class _Unseekable(io.RawIOBase):
    """A pipe's way of being read."""

    def __init__(self, content: bytes) -> None:
        self._stream = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        return self._stream.readinto(buffer)
