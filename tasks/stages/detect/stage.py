"""Faces, and what they show."""

from tasks.stages.detect.options import DetectOptions
from tasks.stages.stage import Call, Inputs, Stage


class Detect(Stage):
    name = "detect"
    about = "faces, and what they show"
    image = "faceapi"
    reads = ("picture",)
    options = DetectOptions
    prewarm = True

    def weights(self, options: DetectOptions) -> list[str]:
        return ["faceapi"]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.detect.run import detect

        return detect, (given.decoded.frames, given.decoded.shots, given.work, given.options)


STAGE = Detect()
