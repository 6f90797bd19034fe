"""`python -m flows.listen SOURCE`: who says what now, and the sound without its noise, while it is heard."""

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import TextIO

import numpy as np
import soundfile
from rich.console import Console
from rich.live import Live

from containers.common import storage
from containers.common.documents.live import LiveSpeech, LiveTurn, LiveWords
from containers.common.errors import UserError
from containers.common.media.audio import Waveform
from tasks.live.listen import LEAST_LATENCY, MOST_LATENCY, Listening, listening
from tasks.live.sound import BLOCK, RATE, hear_microphone, play_file, read_pipe
from tasks.outputs.report_view import speaker_name

SUFFIXES = (".wav", ".flac", ".ogg")


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 the sound has ended or was stopped, 1 it cannot be heard, 2 wrong usage."""
    chosen = _parser().parse_args(arguments)
    lines = sys.stderr if chosen.denoised == "-" else sys.stdout
    try:
        with ExitStack() as opened:
            target = _open_target(chosen.denoised, opened)
            sound = _until_stopped(_limited(_source(chosen), chosen.seconds))
            with listening(sound, chosen.latency, target, chosen.words, chosen.language) as stream:
                show = _print_json if chosen.json else _print_lines
                show(stream, lines, timed=chosen.speed > 0)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.listen",
        description="Listen as it is spoken: voice activity, growing turns, words, and sound without noise. "
        "Ctrl-C ends it well.",
    )
    parser.add_argument("source", help="a file (played at its own speed), - for a pipe, or 'microphone'")
    parser.add_argument("--device", help="which microphone (ALSA's default; `arecord -L` lists them)")
    parser.add_argument(
        "--raw-rate", type=int, metavar="HZ", help="the pipe is raw signed 16-bit mono at this rate"
    )
    parser.add_argument(
        "--speed", type=float, default=1.0, help="of a file; 0: as fast as possible (%(default)s)"
    )
    parser.add_argument("--seconds", type=float, help="stop after this many seconds of sound")
    parser.add_argument(
        "--latency",
        type=float,
        default=1.0,
        help=f"seconds until a turn is settled, {LEAST_LATENCY:g} to {MOST_LATENCY:g}: "
        "the later, the surer (%(default)s)",
    )
    parser.add_argument(
        "--denoised",
        metavar="FILE",
        help=f"write the sound without noise to a file ({', '.join(SUFFIXES)}), or with - to standard output "
        "as raw signed 16-bit mono at 48 kHz; lines then go to standard error",
    )
    parser.add_argument(
        "--words",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="write down what is said, as each stretch of speech ends (%(default)s)",
    )
    parser.add_argument("--language", help="of the words: code or name, several with commas; else found")
    parser.add_argument("--json", action="store_true", help="print every event as a line of JSON")
    return parser


def _source(chosen: argparse.Namespace) -> Iterator[Waveform]:
    if chosen.source == "-":
        return read_pipe(sys.stdin.buffer, chosen.raw_rate)
    if chosen.source == "microphone":
        return hear_microphone(chosen.device)
    path = Path(chosen.source)
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    return play_file(path, chosen.speed)


def _limited(sound: Iterable[Waveform], seconds: float | None) -> Iterable[Waveform]:
    blocks = None if seconds is None else max(round(seconds * RATE / BLOCK), 1)
    return sound if blocks is None else (block for block, _ in zip(sound, range(blocks), strict=False))


def _until_stopped(sound: Iterable[Waveform]) -> Iterator[Waveform]:
    """Ends with the first Ctrl-C or SIGTERM, so that what was heard is still said; the second ends it."""
    stopped: list[int] = []

    def stop(number: int, frame: object) -> None:
        stopped.append(number)
        signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return takewhile(lambda _: not stopped, sound)


def _open_target(denoised: str | None, opened: ExitStack) -> Callable[[Waveform], None] | None:
    if denoised is None:
        return None
    if denoised == "-":

        def write(samples: Waveform) -> None:
            sys.stdout.buffer.write((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
            sys.stdout.buffer.flush()

        return write
    path = Path(denoised)
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f"{path.name} has to end in {', '.join(SUFFIXES)}.")
    place = opened.enter_context(storage.writing(path.absolute().as_uri()))
    kind = path.suffix[1:].upper()
    return opened.enter_context(soundfile.SoundFile(place, "w", RATE, 1, format=kind)).write


def _print_json(stream: Listening, lines: TextIO, timed: bool) -> None:
    for event in stream:
        print(event.model_dump_json(exclude_none=True), file=lines, flush=True)
    told: dict[str, object] = {"kind": "end", "seconds": round(stream.seconds, 3)}
    if timed:
        told["late"] = stream.delays.figures()
    print(json.dumps(told), file=lines, flush=True)


def _print_lines(stream: Listening, lines: TextIO, timed: bool) -> None:
    """A line for each ended turn; on a terminal, below them, what is going on."""
    console = Console(file=lines, highlight=False)
    now: dict[str, LiveSpeech | LiveTurn] = {}
    speakers: set[str] = set()
    with Live("", console=console, transient=True, auto_refresh=False) as live:
        for event in stream:
            if isinstance(event, LiveWords):
                for part in event.segments:
                    who = f"{speaker_name(part.speaker)}: " if part.speaker else ""
                    console.print(f"  {who}{part.text.strip()}", markup=False, soft_wrap=True)
                continue
            key = event.speaker if isinstance(event, LiveTurn) else ""
            if event.open if isinstance(event, LiveTurn) else event.end is None:
                now[key] = event
            else:
                now.pop(key, None)
                if isinstance(event, LiveTurn):
                    speakers.add(event.speaker)
                    console.print(_line(event), markup=False)
            live.update(" ".join(map(_current, now.values())), refresh=console.is_terminal)
    console.print(f"{stream.seconds:.1f} s heard, {len(speakers)} speakers.")
    for what, late in stream.delays.figures().items() if timed else ():
        console.print(f"{what}: {late['median']:.2f} s late, 95 % within {late['p95']:.2f} s")


def _line(turn: LiveTurn) -> str:
    return f"{_clock(turn.start)} - {_clock(turn.end)}  {speaker_name(turn.speaker)}"


def _current(event: LiveSpeech | LiveTurn) -> str:
    if isinstance(event, LiveSpeech):
        return f"speech since {_clock(event.start)}"
    return f"· {speaker_name(event.speaker)} since {_clock(event.start)}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:05.2f}"


if __name__ == "__main__":
    sys.exit(main())
