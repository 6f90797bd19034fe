"""Who speaks when, for programs; and a vector for each voice."""

from typing import Any

from tasks.outputs.as_json import to_json
from tasks.outputs.findings import Findings
from tasks.outputs.subtitles import to_rttm


def write_diarization(findings: Findings, asset: str) -> dict[str, bytes]:
    return {
        "diarization.json": to_json(
            findings.diarization_with_faces.model_dump(mode="json", exclude_none=True)
        ),
        "diarization.rttm": to_rttm(findings.diarization, asset).encode(),
    }


def voice_rows(findings: Findings) -> list[dict[str, Any]]:
    """One for each speaker, with the first and the last second in which the voice is heard."""
    spans: dict[str, tuple[float, float]] = {}
    for turn in findings.diarization.turns:
        start, end = spans.get(turn.speaker, (turn.start, turn.end))
        spans[turn.speaker] = (min(start, turn.start), max(end, turn.end))
    return [
        {
            "model": speaker.model,
            "vector": speaker.embedding,
            "metadata": {
                "kind": "voice",
                "speaker": speaker.speaker,
                "time": spans[speaker.speaker][0],
                "end": spans[speaker.speaker][1],
            },
        }
        for speaker in findings.diarization.speakers
    ]
