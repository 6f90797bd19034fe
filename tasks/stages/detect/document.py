"""Faces and their tracks, for programs."""

from pydantic import BaseModel

from tasks.outputs.as_json import to_json
from tasks.outputs.findings import Findings
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track


class FacesDocument(BaseModel):
    """`faces.json`: the faces of every sampled frame that has some, and their tracks."""

    frames: list[FrameFaces]
    tracks: list[Track]


def write_faces(findings: Findings) -> dict[str, bytes]:
    faces = FacesDocument(
        frames=[frame for frame in findings.frames if frame.faces], tracks=findings.tracks_with_voices
    )
    no_descriptor = {"frames": {"__all__": {"faces": {"__all__": {"descriptor"}}}}}
    return {"faces.json": to_json(faces.model_dump(mode="json", exclude=no_descriptor))}
