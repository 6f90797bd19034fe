"""`python -m containers.whisperx.listen`: the words of stretches of speech, one after another.

On standard input, for each stretch, a line of JSON, documents.live.LiveStretch, and its sound behind it:
raw mono float32 at 16 kHz. On standard output one JSON object a line, LiveWords: what is said in it, with
the stream's times. A stretch in which nothing is said is answered too, without segments.
"""

import argparse
import sys
from typing import BinaryIO, TextIO

import numpy as np

from containers.common.documents.live import LiveStretch, LiveWords, Ready
from containers.common.runtime.handler import Stopwatch
from containers.common.runtime.live import run_live
from containers.whisperx.app import open_transcriber
from containers.whisperx.contract import TranscribeRequest


def listen_stream(source: BinaryIO, target: TextIO, language: str | None) -> None:
    """Until `source` ends. Raises ModelMissing, ModelCorrupt, UserError for an unknown language."""
    stopwatch = Stopwatch()
    transcriber = open_transcriber(TranscribeRequest(audio="", language=language), stopwatch)

    def tell(event: Ready | LiveWords) -> None:
        print(event.model_dump_json(exclude_none=True), file=target, flush=True)

    tell(Ready(models=list(stopwatch.models.values())))
    while line := source.readline():
        stretch = LiveStretch.model_validate_json(line)
        samples = np.frombuffer(source.read(4 * stretch.samples), np.float32)
        found = transcriber(samples, stretch.first)
        tell(LiveWords(start=stretch.start, end=stretch.end, segments=found.segments))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m containers.whisperx.listen")
    parser.add_argument("--language", help="code or name, or several with commas, of what is spoken")
    chosen = parser.parse_args()
    return run_live(lambda: listen_stream(sys.stdin.buffer, sys.stdout, chosen.language))


if __name__ == "__main__":
    sys.exit(main())
