"""The asset folder's files, from what the stages found: names and JSON shapes that others read."""

import json
from urllib.parse import unquote

import numpy as np
from pydantic import BaseModel

from containers.audioset.contract import Tags
from containers.common import storage
from containers.pyannote.contract import Diarization
from containers.whisperx.contract import Transcript
from tasks.outputs.assign import assign_speakers
from tasks.outputs.subtitles import to_rttm, to_srt, to_vtt
from tasks.people.known import name_transcript, spread_names
from tasks.stages.denoise.run import DenoisedAudio
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track
from tasks.stages.embed.run import FaceVector
from tasks.stages.link.run import Speaking, name_segments, name_tracks, name_turns
from tasks.stages.look.run import PictureVector


class Findings(BaseModel):
    """Everything an analysis found; empty where the media had nothing or a stage failed."""

    transcript: Transcript = Transcript(segments=[], language=None)
    diarization: Diarization = Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[])
    tags: Tags = Tags(predictions=[])
    frames: list[FrameFaces] = []
    tracks: list[Track] = []
    vectors: list[FaceVector] = []
    pictures: list[PictureVector] = []
    denoised: DenoisedAudio | None = None
    speaking: Speaking = Speaking()
    names: dict[str, str] = {}  # of known people, by appearance: face3, SPEAKER_00

    @property
    def utterances(self) -> Transcript:
        """The transcript with a speaker for every word, and who is seen speaking each segment."""
        return name_segments(assign_speakers(self.transcript, self.diarization), self.tracks, self.speaking)

    @property
    def heard(self) -> Diarization:
        """The diarization with the faces that are seen speaking."""
        return name_turns(self.diarization, self.speaking)

    @property
    def seen(self) -> list[Track]:
        """The tracks with the voices that are heard when they speak."""
        tracks = name_tracks(self.tracks, self.speaking)
        return [track.model_copy(update={"name": self.names.get(f"face{track.id}")}) for track in tracks]

    @property
    def known(self) -> dict[str, str]:
        """PERSON_000 and SPEAKER_00 to the names of those who are known."""
        return spread_names(self.names, self.tracks, self.speaking)


class FacesDocument(BaseModel):
    """`faces.json`: the faces of every sampled frame that has some, and their tracks."""

    frames: list[FrameFaces]
    tracks: list[Track]


def write_documents(findings: Findings, asset: str) -> dict[str, bytes]:
    """File name to content, for all files that are made of findings alone."""
    transcript = findings.utterances
    faces = FacesDocument(frames=[frame for frame in findings.frames if frame.faces], tracks=findings.seen)
    no_descriptor = {"frames": {"__all__": {"faces": {"__all__": {"descriptor"}}}}}
    return {
        "transcript.json": _json(
            transcript.model_dump(mode="json", exclude_none=True) | _language(transcript) | _names(findings)
        ),
        "transcript.srt": to_srt(name_transcript(transcript, findings.known)).encode(),
        "transcript.vtt": to_vtt(name_transcript(transcript, findings.known)).encode(),
        "diarization.json": _json(findings.heard.model_dump(mode="json", exclude_none=True)),
        "diarization.rttm": to_rttm(findings.diarization, asset).encode(),
        "tags.json": _json(findings.tags.model_dump(mode="json", exclude={"embeddings"})),
        "faces.json": _json(faces.model_dump(mode="json", exclude=no_descriptor)),
    }


def embedding_rows(findings: Findings) -> list[dict[str, object]]:
    """Rows for embeddings.parquet: a vector, the model that made it, and where in the media it belongs."""
    boxes = {frame.time: frame.faces for frame in findings.frames}
    tracks = {track.id: track for track in findings.tracks}
    faces = [
        {
            "model": face.model,
            "vector": face.vector,
            "metadata": {
                "kind": "face",
                "time": face.time,
                "face": face.face,
                "thumbnail": _in_cache(face.crop),
                "track": face.track,
                **_appearance(tracks.get(face.track)),
                **boxes[face.time][face.face].detection.model_dump(mode="json"),
            },
        }
        for face in findings.vectors
    ]
    heard: dict[str, tuple[float, float]] = {}
    for turn in findings.diarization.turns:
        start, end = heard.get(turn.speaker, (turn.start, turn.end))
        heard[turn.speaker] = (min(start, turn.start), max(end, turn.end))
    voices = [
        {
            "model": speaker.model,
            "vector": speaker.embedding,
            "metadata": {
                "kind": "voice",
                "speaker": speaker.speaker,
                "time": heard[speaker.speaker][0],
                "end": heard[speaker.speaker][1],
            },
        }
        for speaker in findings.diarization.speakers
    ]
    pictures = [
        {
            "model": picture.model,
            "vector": picture.vector,
            "metadata": {
                "kind": "picture",
                "time": picture.time,
                "end": picture.end,
                "thumbnail": _in_cache(picture.thumbnail),
            },
        }
        for picture in findings.pictures
    ]
    return faces + voices + _sound_rows(findings.tags) + pictures


def _appearance(track: Track | None) -> dict[str, object]:
    """The whole of what a best crop stands for: who, from when until when, in how many samples."""
    if track is None:
        return {}
    return {"person": track.person, "shown": [track.start, track.end], "samples": len(track.seen)}


def _in_cache(uri: str | None) -> str | None:
    """<what>/<stage key>/<name>, as stages leave files in the asset's cache: it may move with the output."""
    return uri and unquote("/".join(uri.split("/")[-3:]))


def _sound_rows(tags: Tags) -> list[dict[str, object]]:
    """One row for each window that the tagger embedded; none where the model embeds nothing."""
    if tags.embeddings is None:
        return []
    with storage.reading(tags.embeddings) as path, np.load(path) as stored:
        return [
            {
                "model": "panns-cnn14",
                "vector": vector.tolist(),
                "metadata": {"kind": "sound", "time": float(start), "end": float(end)},
            }
            for (start, end), vector in zip(stored["times"], stored["vectors"], strict=True)
        ]


def _language(transcript: Transcript) -> dict[str, str | None]:
    return {"language": transcript.language}  # null is said, not left out


def _names(findings: Findings) -> dict[str, dict[str, str]]:
    return {"names": findings.known} if findings.known else {}


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()
