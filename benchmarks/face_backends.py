"""`python -m benchmarks.face_backends`: face-api's networks in ONNX Runtime against face-api in WebAssembly.

Both backends of the faceapi image get face-api's sample pictures, one after the other in one run, models
loaded.
Writes its table into faces.md, and how far the two are apart at most.
"""

import os
import time
from pathlib import Path

import numpy as np

from containers.common.documents.faces import Face
from containers.faceapi.contract import DetectRequest, DetectResult
from flows.runs.images import running_images
from tasks.calls.invoke import invoke
from tasks.media.demo import PICTURES

REPORT = Path(__file__).with_name("faces.md")
MARKS = ("<!-- backends -->", "<!-- end of backends -->")
BACKENDS = {"wasm": "face-api in WebAssembly", "native": "its networks in ONNX Runtime"}
DETECTORS = ("ssd", "tiny", "auto")
SAMPLES = [(PICTURES / f"sample{number}.jpg").as_uri() for number in range(1, 7)]


def run(backend: str) -> tuple[dict[str, float], dict[str, list[Face]]]:
    """By detector: seconds a picture with everything that a face is described by, and the faces."""
    os.environ["MEDIAFLOW_FACEAPI_BACKEND"] = backend
    seconds, faces = {}, {}
    with running_images():
        for detector in DETECTORS:
            request = DetectRequest(images=SAMPLES, detector=detector)
            invoke("faceapi", request, DetectResult)  # loads
            started = time.perf_counter()
            answer = invoke("faceapi", request, DetectResult)
            seconds[detector] = (time.perf_counter() - started) / len(SAMPLES)
            faces[detector] = [face for picture in answer.value.images for face in picture.faces]
    return seconds, faces


def apart(ours: list[Face], theirs: list[Face]) -> list[float]:
    """Largest differences of box (pixels), landmarks (pixels), score, expressions and descriptor."""
    values = (
        lambda face: list(face.detection.box.model_dump().values()),
        lambda face: face.landmarks,
        lambda face: face.detection.score,
        lambda face: list(face.expressions.values()),
        lambda face: face.descriptor,
    )
    return [
        max(
            float(np.abs(np.subtract(value(one), value(other))).max())
            for one, other in zip(ours, theirs, strict=True)
        )
        for value in values
    ]


def main() -> None:
    found = {backend: run(backend) for backend in BACKENDS}
    (before, theirs), (after, ours) = found["wasm"], found["native"]
    lines = [
        f"{len(SAMPLES)} pictures with 22 faces, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}.",
        "",
        f"| detector | {BACKENDS['wasm']} | {BACKENDS['native']} | ratio | faces "
        "| box | landmarks | score | expressions | descriptor |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for detector in DETECTORS:
        box, landmarks, *rest = apart(ours[detector], theirs[detector])
        lines.append(
            f"| {detector} | {before[detector]:.2f} s | {after[detector]:.2f} s "
            f"| {before[detector] / after[detector]:.1f} | {len(ours[detector])} "
            f"| {box:.2f} px | {landmarks:.2f} px | " + " | ".join(f"{value:.0e}" for value in rest) + " |"
        )
    table = "\n".join(lines)
    print(table)
    text = REPORT.read_text(encoding="utf-8")
    start, end = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    REPORT.write_text(f"{start}{MARKS[0]}\n{table}\n{MARKS[1]}{end}", encoding="utf-8")


if __name__ == "__main__":
    main()
