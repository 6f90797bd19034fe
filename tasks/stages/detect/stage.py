"""Faces, and what they show."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.stages.detect.options import DetectOptions
from tasks.stages.stage import Call, Inputs, Stage

if TYPE_CHECKING:
    from tasks.checks.table import Table
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Detect(Stage):
    name = "detect"
    about = "faces, and what they show"
    serves = "faces"
    image = "faceapi"
    reads = ("picture",)
    options = DetectOptions
    prewarm = True
    section = "Faces"

    def weights(self, options: DetectOptions) -> list[str]:
        return ["faceapi"]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.detect.run import detect

        decoded = given.decoded
        pictures = (decoded.frames, decoded.shots, given.work, given.options)
        return detect, (*pictures, given.media, decoded.seekable)

    def output(self) -> "type[StageOutput]":
        from tasks.stages.detect.run import DetectedFaces

        return DetectedFaces

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"frames": output.frames, "tracks": output.tracks}

    def documents(self, findings: "Findings", asset: str) -> dict[str, bytes]:
        from tasks.stages.detect.document import write_faces

        return write_faces(findings)

    def tables(self) -> "Sequence[Table]":
        from tasks.stages.detect.checks import TABLES

        return TABLES


STAGE = Detect()
