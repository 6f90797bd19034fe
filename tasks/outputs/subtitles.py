"""Subtitles people can read (SRT, WebVTT) and speaker turns that tools read (RTTM)."""

import re
from html import escape

from containers.pyannote.contract import Diarization
from containers.whisperx.contract import Transcript
from tasks.outputs.cues import Cue, Voice, list_cues

# Players lay a line out from the right when it begins so; without it a full stop stands on the wrong side.
TO_THE_LEFT, POP = "\u202b", "\u202c"
RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]")
# SubRip has no way to write a character that players take for markup: one that is not seen parts it.
MARKUP = re.compile(r"[<{](?=[\\/\w])")
NUMBERED = re.compile(r"SPEAKER_\d+")
JOINER = "\u2060"


def to_srt(transcript: Transcript) -> str:
    """SubRip: numbered cues, the speaker in brackets before the first line.

    One who speaks alone is told only by name.
    """
    speakers = {segment.speaker for segment in transcript.segments} - {None}

    def name(speaker: str) -> str:
        told = len(speakers) > 1 or not NUMBERED.fullmatch(speaker)
        return f"[{speaker}] " if told else ""

    cues = list_cues(transcript, name)
    blocks = []
    for number, cue in enumerate(cues, start=1):
        lines = [MARKUP.sub(lambda found: found[0] + JOINER, line) for line in cue.lines]
        blocks.append(f"{number}\n{_times(cue, ',')}\n" + "".join(f"{_directed(line)}\n" for line in lines))
    return "\n".join(blocks)


def to_vtt(transcript: Transcript) -> str:
    """WebVTT: the speaker as a voice span, so that players can style or hide it."""
    blocks = ["WEBVTT\n"]
    for cue in list_cues(transcript):
        blocks.append(f"{_times(cue, '.')}\n" + "".join(f"{_spoken(voice)}\n" for voice in cue.voices))
    return "\n".join(blocks)


def to_rttm(diarization: Diarization, uri: str) -> str:
    """NIST RTTM, one SPEAKER line a turn, overlap kept; white space in `uri` becomes underscores."""
    name = "_".join(uri.split())
    return "".join(
        f"SPEAKER {name} 1 {turn.start:.3f} {turn.end - turn.start:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        for turn in diarization.turns
    )


def _spoken(voice: Voice) -> str:
    text = escape("\n".join(map(_directed, voice.lines)), quote=False)
    return f"<v {escape(voice.speaker)}>{text}</v>" if voice.speaker else text


def _directed(line: str) -> str:
    return f"{TO_THE_LEFT}{line}{POP}" if RIGHT_TO_LEFT.search(line) else line


def _times(cue: Cue, point: str) -> str:
    return f"{_clock(cue.start, point)} --> {_clock(cue.end, point)}"


def _clock(seconds: float, point: str) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
