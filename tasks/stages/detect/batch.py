"""The faces of some pictures, by one call of the faceapi image."""

from collections.abc import Sequence
from pathlib import Path

from containers.faceapi.contract import DetectRequest, DetectResult
from tasks.calls.invoke import invoke
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.options import DetectOptions
from tasks.stages.output import StageOutput

BATCH = 16  # pictures a call: small enough for true progress and any time-out, large enough to be cheap


def detect_batch(
    pictures: Sequence[tuple[float, str]], folder: Path, options: DetectOptions, output: StageOutput
) -> list[FrameFaces]:
    """Of pictures with their seconds and URIs, in their order; adds the image's cost to `output`."""
    request = DetectRequest(
        images=[uri for _, uri in pictures],
        detector=options.detector,
        min_confidence=options.face_threshold,
        min_face=options.min_face,
        result_uri=(folder / "faces.json").as_uri(),
    )
    answer = invoke("faceapi", request, DetectResult)
    output.add_cost(answer)
    return [
        FrameFaces(time=time, width=seen.width, height=seen.height, faces=seen.faces)
        for (time, _), seen in zip(pictures, answer.value.images, strict=True)
    ]
