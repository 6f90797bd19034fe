"""What people know of a recording, read from the field's own file formats."""

from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from containers.common.errors import UserError
from containers.pyannote.contract import Turn
from containers.whisperx.contract import Transcript


class Utterance(NamedTuple):
    """Words said together; seconds where they are known."""

    text: str
    start: float | None
    end: float | None


def read_transcript(path: Path) -> list[Utterance]:
    """`.txt`: a text without times; `.stm`: an utterance a line; `.json`: a transcript.json, a word each.

    STM: `file channel speaker start end [<labels>] text` (NIST sctk, doc/infmts.htm). Raises UserError.
    """
    try:
        content = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} cannot be read: {error}.") from None
    if path.suffix == ".stm":
        return _read_stm(path, content)
    if path.suffix == ".json":
        try:
            transcript = Transcript.model_validate_json(content)
        except ValidationError as error:
            raise UserError(f"{path.name} is no transcript: {error.errors()[0]['msg']}.") from None
        return [
            said
            for segment in transcript.segments
            for said in (
                [Utterance(word.word, word.start, word.end) for word in segment.words]
                or [Utterance(segment.text, segment.start, segment.end)]
            )
        ]
    if path.suffix == ".txt":
        return [Utterance(content, None, None)]
    raise UserError(f"{path.name} is of no known kind: .txt, .stm or .json is wanted.")


def _read_stm(path: Path, content: str) -> list[Utterance]:
    found = []
    for number, line in enumerate(content.splitlines(), 1):
        if not line.strip() or line.startswith(";;"):
            continue
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and fields[5].startswith("<"):
            fields[5] = fields[5].partition(">")[2].strip()
        try:
            start, end = float(fields[3]), float(fields[4])
        except (IndexError, ValueError):
            raise UserError(
                f"{path.name}, line {number}: file channel speaker start end text is wanted."
            ) from None
        text = fields[5] if len(fields) == 6 else ""
        if text and text != "IGNORE_TIME_SEGMENT_IN_SCORING":
            found.append(Utterance(text, start, end))
    return sorted(found, key=lambda said: (said.start or 0.0, said.end or 0.0))


def read_turns(path: Path) -> list[Turn]:
    """RTTM's SPEAKER lines (NIST, The 2009 (RT-09) Rich Transcription Evaluation Plan, app. A).

    Raises UserError when a line is none.
    """
    turns = []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"{path.name} cannot be read: {error}.") from None
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            start, seconds, speaker = float(fields[3]), float(fields[4]), fields[7]
            turns.append(Turn(start=start, end=round(start + seconds, 6), speaker=speaker))
        except (IndexError, ValueError):
            raise UserError(
                f"{path.name}, line {number}: start, duration and speaker are not readable."
            ) from None
    if not turns:
        raise UserError(f"{path.name} has no SPEAKER line.")
    return turns
