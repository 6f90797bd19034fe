"""`python -m containers.pyannote.listen`: voice activity and speaker turns of a stream.

Raw mono float32 at 16 kHz on standard input; on standard output one JSON object a line, contract.LiveEvent.
Voice activity is decided every 10 ms; the diarizer has a thread of its own, so that its windows do not hold
voice activity up.
"""

import argparse
import sys
from collections.abc import Iterable
from queue import Queue
from threading import Lock, Thread
from typing import BinaryIO, TextIO

import numpy as np

from containers.common.documents.live import LiveSettled, LiveSpeech, LiveTurn, Ready
from containers.common.media.audio import Waveform
from containers.common.models.pyannet import SEGMENTATION, SEGMENTATION_FILE, quiet_loading
from containers.common.models.store import open_model
from containers.common.runtime.live import read_samples, run_live
from containers.pyannote.activity import FRAME, MODEL, ActivityDetector
from containers.pyannote.app import EMBEDDING, EMBEDDING_FILE

AHEAD = 500  # frames of 10 ms that voice activity may be ahead of the turns


class _Lines:
    """JSON lines from two threads."""

    def __init__(self, target: TextIO) -> None:
        self._target, self._lock = target, Lock()

    def write(self, events: Iterable[Ready | LiveSettled | LiveSpeech | LiveTurn]) -> None:
        for event in events:
            with self._lock:
                print(event.model_dump_json(exclude_none=True), file=self._target, flush=True)


def listen_stream(source: BinaryIO, target: TextIO, latency: float) -> None:
    """Until `source` ends. Raises ModelMissing, ModelCorrupt."""
    folders, refs = zip(*(open_model(model) for model in (SEGMENTATION, EMBEDDING, MODEL)), strict=True)
    with quiet_loading():
        from containers.pyannote.online import OnlineDiarizer

        diarizer = OnlineDiarizer(folders[0] / SEGMENTATION_FILE, folders[1] / EMBEDDING_FILE, latency)
    detector, lines = ActivityDetector(folders[2]), _Lines(target)
    blocks: Queue[Waveform | None] = Queue(AHEAD)
    failed: list[BaseException] = []

    def diarize() -> None:
        block: Waveform | None = np.zeros(0, np.float32)
        settled = 0.0
        try:
            while (block := blocks.get()) is not None:
                lines.write(diarizer.push(block))
                if diarizer.settled > settled:
                    settled = diarizer.settled
                    lines.write([LiveSettled(until=settled)])
            lines.write(diarizer.finish())
        except BaseException as error:  # noqa: BLE001 - raised again in the main thread
            failed.append(error)
            while block is not None:  # so that the main thread never waits for room
                block = blocks.get()

    thread = Thread(target=diarize)
    thread.start()
    lines.write([Ready(models=list(refs))])
    try:
        for block in read_samples(source, FRAME):
            blocks.put(block)
            if len(block) == FRAME:  # the network takes whole frames
                lines.write(detector.push(block))
            if failed:
                break
        lines.write(detector.finish())
    finally:
        blocks.put(None)
        thread.join()
    if failed:
        raise failed[0]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m containers.pyannote.listen")
    parser.add_argument("--latency", type=float, default=1.0, help="seconds until a turn is settled")
    chosen = parser.parse_args()
    return run_live(lambda: listen_stream(sys.stdin.buffer, sys.stdout, chosen.latency))


if __name__ == "__main__":
    sys.exit(main())
