"""Opening media: what other libraries have set in the same process stops no decoder."""

import subprocess
import sys
from pathlib import Path

import av.logging
import pytest

from containers.common.media.container import open_media

ROOT = Path(__file__).parents[3]
# A decoder with threads of its own is freed, again and again, while they warn of damage.
DECODE = """
import sys
import av
import av.logging
from containers.common.media.container import open_media
from pathlib import Path
av.logging.set_level(av.logging.ERROR)  # as torchvision does when it is imported
for _ in range(60):
    with open_media(Path(sys.argv[1])) as container:
        container.streams.video[0].thread_type = "AUTO"
        container.streams.video[0].codec_context.thread_count = 4
        try:
            for number, frame in enumerate(container.decode(video=0)):
                if number > 2:
                    break
        except av.FFmpegError:
            pass
"""


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """H.264 of which every second picture is cut to pieces."""
    path = tmp_path / "damaged.h264"
    pieces: list[bytes] = []
    with av.open(str(path), "w", format="h264") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "5"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(40):
            frame = av.VideoFrame(320, 240, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes((number * 7 + at * at) % 251 for at in range(plane.buffer_size)))
            pieces += [bytes(packet) for packet in stream.encode(frame)]
    path.write_bytes(
        b"".join(piece if at % 2 == 0 else piece[: len(piece) // 2] for at, piece in enumerate(pieces))
    )
    return path


def test_a_decoder_that_warns_is_freed(damaged: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DECODE, str(damaged)], cwd=ROOT, capture_output=True, timeout=120, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_level_that_somebody_set_is_taken_back(damaged: Path) -> None:
    av.logging.set_level(av.logging.ERROR)
    open_media(damaged).close()
    assert av.logging.get_level() is None
