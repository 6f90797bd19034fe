"""Who speaks is who is seen."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tasks.stages.stage import Call, Inputs, Stage

if TYPE_CHECKING:
    from tasks.stages.output import StageOutput


class LinkSpeakers(Stage):
    name = "link"
    about = "which face speaks"
    image = "faceapi"
    reads = ("sound", "picture")
    needs = ("diarize", "embed")
    after = ("detect",)

    def weights(self, options: object) -> list[str]:
        return ["faceapi"]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.detect.track import name_people
        from tasks.stages.link.run import link_speakers

        faces = given.found["detect"]
        tracks = name_people(faces.tracks, given.found["embed"].people)
        turns = given.found["diarize"].diarization.turns
        hold = 1 / given.options.frame_rate
        sound, shots = given.decoded.audio_16k, given.decoded.shots
        seekable, mouths = given.decoded.seekable, given.work / "mouths"
        seen = (faces.frames, shots, tracks, hold, seekable)
        return link_speakers, (given.media, sound, given.decoded.start, turns, *seen, mouths)

    def output(self) -> "type[StageOutput]":
        from tasks.stages.link.run import Speaking

        return Speaking

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"speaking": output}


STAGE = LinkSpeakers()
