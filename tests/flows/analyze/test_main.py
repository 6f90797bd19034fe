"""The main job as a person runs it: a command, a media file, a folder with everything in it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import jiwer
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from pyannote.core import Segment, Timeline
from pyannote.database.util import load_rttm
from pyannote.metrics.diarization import DiarizationErrorRate

from containers.common.documents.faces import Face
from containers.common.documents.sounds import Tags
from containers.common.documents.speakers import Diarization
from containers.common.documents.speech import Transcript
from tasks.asset.manifest import Manifest
from tasks.media.demo import SHOT_SECONDS, SHOTS, demo_truth
from tasks.outputs.embeddings import read_embeddings
from tests.commands import run_module

ROOT = Path(__file__).parents[3]
FILES = {
    "transcript.json",
    "transcript.srt",
    "transcript.vtt",
    "diarization.json",
    "diarization.rttm",
    "tags.json",
    "noise.json",
    "faces.json",
    "embeddings.parquet",
    "quality.json",
    "report.html",
    "manifest.json",
}
pytestmark = pytest.mark.slow


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "flows.analyze", *map(str, arguments)]


def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
    return run_module("flows.analyze", *arguments)


def asset_folders(output: Path) -> list[Path]:
    return (
        [path for path in output.iterdir() if re.fullmatch("[0-9a-f]{16}", path.name)]
        if output.is_dir()
        else []
    )


def read_manifest(output: Path) -> Manifest:
    (folder,) = asset_folders(output)
    return Manifest.model_validate_json((folder / "manifest.json").read_bytes())


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_asset_folder_holds_every_document(demo: tuple[Path, str]) -> None:
    (folder,) = asset_folders(demo[0])
    assert {path.name for path in folder.iterdir()} == FILES | {"faces"}


def test_every_person_of_every_shot_is_one_track(demo: tuple[Path, str]) -> None:
    (folder,) = asset_folders(demo[0])
    tracks = json.loads((folder / "faces.json").read_bytes())["tracks"]
    assert [sum(track["start"] // SHOT_SECONDS == number for track in tracks) for number in range(6)] == [
        shot.faces for shot in SHOTS
    ]
    assert all(track["end"] - track["start"] >= SHOT_SECONDS - 1 for track in tracks)
    assert {int(path.stem) for path in (folder / "faces").iterdir()} == {track["id"] for track in tracks}
    rows = read_embeddings(folder / "embeddings.parquet", "faceapi")
    assert {row["metadata"]["track"] for row in rows} == {track["id"] for track in tracks}


def test_each_document_validates_against_its_contract(demo: tuple[Path, str]) -> None:
    (folder,) = asset_folders(demo[0])
    Transcript.model_validate_json((folder / "transcript.json").read_bytes())
    Diarization.model_validate_json((folder / "diarization.json").read_bytes())
    Tags.model_validate_json((folder / "tags.json").read_bytes())
    for frame in json.loads((folder / "faces.json").read_bytes())["frames"]:
        assert frame.keys() == {"time", "width", "height", "faces"}
        for face in frame["faces"]:
            Face.model_validate(face)


def test_every_file_is_named_in_the_manifest_with_its_hash(demo: tuple[Path, str]) -> None:
    from containers.common.models.store import sha256_of

    (folder,) = asset_folders(demo[0])
    manifest = read_manifest(demo[0])
    named = {name for name in manifest.files if not name.startswith("faces/")}
    assert named == FILES - {"manifest.json"}
    assert all(sha256_of(folder / name) == entry.sha256 for name, entry in manifest.files.items())
    assert manifest.complete
    assert {model.id for model in manifest.models} == {
        "deepfilternet3",
        "whisper-base",
        "pyannet-segmentation",
        "ge2e-speaker",
        "firered-aed",
        "faceapi",
        "mtcnn",
    }


def test_two_people_talk_and_each_is_heard_at_the_right_time(demo: tuple[Path, str]) -> None:
    (folder,) = asset_folders(demo[0])
    reference = next(iter(load_rttm(demo_truth().rttm).values()))
    found = next(iter(load_rttm(folder / "diarization.rttm").values()))
    whole = Timeline([Segment(0, demo_truth().duration)])
    assert len(found.labels()) == 2
    assert DiarizationErrorRate()(reference, found, uem=whole) < 0.10


def test_words_have_times_scores_and_speakers(demo: tuple[Path, str]) -> None:
    (folder,) = asset_folders(demo[0])
    transcript = json.loads((folder / "transcript.json").read_bytes())
    assert transcript["language"] == "en"
    assert transcript["segments"][0].keys() == {"start", "end", "text", "speaker", "language", "words"}
    for segment in transcript["segments"]:
        assert segment["words"]
        for word in segment["words"]:
            assert segment["start"] <= word["start"] <= word["end"] <= segment["end"]
            assert word.keys() == {"word", "start", "end", "score", "speaker"}


def test_the_words_are_the_ones_that_were_spoken(demo: tuple[Path, str]) -> None:
    """Against the transcript that pyannote.audio packages with its sample."""
    (folder,) = asset_folders(demo[0])
    spoken = [line.split(maxsplit=5)[5] for line in demo_truth().rttm.with_suffix(".stm").open()]
    found = [segment["text"] for segment in json.loads((folder / "transcript.json").read_bytes())["segments"]]

    def plain(lines: list[str]) -> str:
        return " ".join(re.findall(r"[\w']+", " ".join(lines).lower()))

    assert jiwer.wer(plain(spoken), plain(found)) <= 0.2


def test_every_visible_face_is_found(demo: tuple[Path, str]) -> None:
    (folder,) = asset_folders(demo[0])
    found = {
        round(frame["time"]): len(frame["faces"])
        for frame in json.loads((folder / "faces.json").read_bytes())["frames"]
    }
    for second, visible in demo_truth().faces.items():
        assert found.get(second, 0) >= visible, f"second {second}"


def test_vectors_say_which_model_made_them(demo: tuple[Path, str]) -> None:
    (folder,) = asset_folders(demo[0])
    rows = pq.read_table(folder / "embeddings.parquet").to_pylist()
    dimensions = {row["model"]: len(row["vector"]) for row in rows}
    assert dimensions == {"faceapi": 128, "ge2e-speaker": 256, "phash-256": 256}
    manifest = read_manifest(demo[0])
    assert manifest.embeddings == {model: sum(row["model"] == model for row in rows) for model in dimensions}


def test_a_pipe_gets_plain_lines_and_a_summary(demo: tuple[Path, str]) -> None:
    printed = demo[1]
    assert "\x1b" not in printed
    for stage in ("decode", "denoise", "transcribe", "diarize", "tag", "detect", "embed", "index"):
        assert f"{stage}: started" in printed
        assert f"{stage}: done" in printed
    assert "report.html" in printed
    assert "Traceback" not in printed
    assert "Warning" not in printed


def test_a_second_run_redoes_nothing_and_a_copy_is_the_same_asset(
    demo: tuple[Path, str], demo_video: Path, tmp_path: Path
) -> None:
    before = tree(demo[0])
    copy = shutil.copy(demo_video, tmp_path / "another name.mp4")
    done = run(copy, "--output", demo[0])
    assert done.returncode == 0
    assert "Nothing changed" in done.stdout
    assert tree(demo[0]) == before


def test_another_option_redoes_only_what_depends_on_it(
    demo: tuple[Path, str], demo_video: Path, tmp_path: Path
) -> None:
    output = shutil.copytree(demo[0], tmp_path / "out")
    done = run(demo_video, "--output", output, "--num-speakers", 1)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = {stage.name for stage in read_manifest(output).stages if stage.kept}
    assert kept == {"denoise", "transcribe", "tag", "detect", "embed", "look"}


def test_sound_without_picture_and_the_other_way_round(speech_wav: Path, tmp_path: Path) -> None:
    import av

    silent = tmp_path / "silent.mp4"
    with av.open(str(silent), "w") as container:
        video = container.add_stream("mpeg4", rate=10, width=320, height=180)
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((180, 320, 3), 40, np.uint8), format="rgb24")
            frame.pts = number
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
    quiet = tmp_path / "quiet.wav"
    with av.open(str(quiet), "w") as container:
        audio = container.add_stream("pcm_s16le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), format="s16", layout="mono")
        frame.sample_rate = 16_000
        container.mux(audio.encode(frame))
    for media in (silent, quiet):
        output = tmp_path / media.stem
        done = run(media, "--output", output)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder,) = asset_folders(output)
        heard = {"noise.json"} if media == quiet else set()
        assert {path.name for path in folder.iterdir()} == FILES - {"noise.json"} | heard
        transcript = json.loads((folder / "transcript.json").read_bytes())
        assert transcript == {"segments": [], "language": None}
        assert json.loads((folder / "faces.json").read_bytes()) == {"frames": [], "tracks": []}
    skipped = {stage.name: stage.status for stage in read_manifest(tmp_path / "silent").stages}
    assert skipped["transcribe"] == skipped["diarize"] == skipped["tag"] == "skipped"


@pytest.mark.parametrize("kind", ["corrupt", "empty", "text", "missing", "folder is a file"])
def test_bad_input_is_one_sentence_and_leaves_nothing(
    kind: str, demo_video: Path, demo: tuple[Path, str], tmp_path: Path
) -> None:
    media = tmp_path / "broken.mp4"
    output = tmp_path / "out"
    if kind == "corrupt":
        media.write_bytes(os.urandom(50_000))
    elif kind == "empty":
        media.touch()
    elif kind == "text":
        media.write_text("Not a video.\n" * 100)
    elif kind == "folder is a file":
        media = demo_video
        output.write_text("I was here first.")
    done = run(media, "--output", output)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert asset_folders(output) == []


def test_a_wrong_option_is_one_sentence(demo_video: Path, tmp_path: Path) -> None:
    done = run(demo_video, "--output", tmp_path, "--frame-rate", "many")
    assert done.returncode == 1
    assert done.stderr.startswith("--frame-rate: ")
    assert len(done.stderr.strip().splitlines()) == 1


def descendants(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"'{text}' was never printed")


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=120)
    assert alive == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_run_ended_half_way_leaves_no_process_and_is_continued(
    number: int, code: int, clip: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        command(clip, "--output", tmp_path),
        cwd=ROOT,
        env={**os.environ, "MEDIAFLOW_KEEP_WARM": "0"},  # images that are its own
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_line(process, "denoise: done")
    children = descendants(process)
    assert len(children) >= 2, "a server and at least one worker"
    process.send_signal(number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code
    assert "Traceback" not in said
    assert_gone(children)
    assert asset_folders(tmp_path) == []
    done = run(clip, "--output", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = {stage.name for stage in read_manifest(tmp_path).stages if stage.kept}
    assert {"decode", "denoise"} <= kept
    assert {path.name for path in asset_folders(tmp_path)[0].iterdir()} == FILES


def test_two_analyses_at_once_do_not_disturb_each_other(
    clip: Path, tmp_path: Path, demo: tuple[Path, str]
) -> None:
    other = tmp_path / "other.wav"
    other.write_bytes(clip.read_bytes() + b"\0" * 32_000)
    runs = [
        subprocess.Popen(
            command(media, "--output", tmp_path / "out"),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for media in (clip, clip, other)
    ]
    for process in runs:
        _, said = process.communicate(timeout=400)
        assert process.returncode == 0, said
        assert said == ""
    assert len(asset_folders(tmp_path / "out")) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_one_sentence_and_nothing_half_written(speech_wav: Path, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
    try:
        done = run(speech_wav, "--output", disk / "out")
        assert done.returncode == 1
        assert "full" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert asset_folders(disk / "out") == []
    finally:
        subprocess.run(["umount", disk], check=True)
