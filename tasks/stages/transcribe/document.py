"""The transcript: for programs, and as subtitles for people."""

from tasks.outputs.as_json import to_json
from tasks.outputs.findings import Findings
from tasks.outputs.subtitles import to_srt, to_vtt
from tasks.people.known import name_transcript


def write_transcript(findings: Findings) -> dict[str, bytes]:
    """transcript.json keeps the file's own labels; subtitles have the names of those who are known."""
    transcript = findings.utterances
    document = transcript.model_dump(mode="json", exclude_none=True)
    document |= {"language": transcript.language}  # null is said, not left out
    document |= {"names": findings.known} if findings.known else {}
    named = name_transcript(transcript, findings.known)
    return {
        "transcript.json": to_json(document),
        "transcript.srt": to_srt(named, findings.writing).encode(),
        "transcript.vtt": to_vtt(named, findings.writing).encode(),
    }
