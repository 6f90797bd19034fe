"""The transcript: for programs, as subtitles, and in the formats that are chosen."""

from tasks.outputs.as_json import to_json
from tasks.outputs.findings import Findings
from tasks.outputs.formats.write import Speech, write_speech
from tasks.people.known import name_transcript


def write_transcript(findings: Findings, asset: str) -> dict[str, bytes]:
    """transcript.json keeps the file's own labels; other files have the names of those who are known."""
    transcript = findings.utterances
    document = transcript.model_dump(mode="json", exclude_none=True)
    document |= {"language": transcript.language}  # null is said, not left out
    document |= {"names": findings.known} if findings.known else {}
    named = name_transcript(transcript, findings.known)
    speech = Speech(named, findings.tags, asset, findings.writing)
    return {"transcript.json": to_json(document), **write_speech(speech)}
