"""Three images built completely: each answers, is not root, and has nothing that it does not use."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from containers.common.contract import Answer
from containers.common.image import CONTAINERS, image
from containers.common.index.found import SearchResult
from containers.common.index.version import IndexVersion
from containers.deepfilternet.contract import Denoised
from containers.faceapi.contract import DetectResult
from deployments.images.build import FLOWS, revision
from tasks.outputs.embeddings import write_embeddings

pytestmark = pytest.mark.slow
PHOTOGRAPH = CONTAINERS / "faceapi/node_modules/@vladmandic/face-api/demo/sample1.jpg"
BUILT = ["faiss", "deepfilternet", "faceapi"]
COMPILERS = re.compile(r"(.*-)?(cc|gcc|g\+\+|c\+\+|clang|cpp|ld|as|make|cmake|rustc|cargo)(-[\d.]+)?")
INSTALLERS = re.compile(r"(pip|npm|npx|uv|yarn|corepack|easy_install|conda)[\d.]*")
TESTS = {"tests", "test", "__tests__"}


@pytest.mark.parametrize("name", BUILT)
def test_an_image_runs_as_a_user_who_is_not_root(built, name) -> None:
    made = built(name)
    assert made.config["User"] == "10001"
    told = subprocess.run(made.run("id", "-u"), capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "10001"
    mine = [path for path in (made.root / "opt").rglob("*") if path.lstat().st_uid == 10001]
    assert not mine, "its user can change nothing that it runs"


@pytest.mark.parametrize("name", BUILT)
def test_an_image_says_what_it_is(built, name) -> None:
    labels = built(name).config["Labels"]
    told = {key.rpartition(".")[2]: value for key, value in labels.items() if "opencontainers" in key}
    assert told == {
        "title": f"mediaflow-{name}",
        "version": image(name).version,
        "revision": revision(),
        "licenses": "Apache-2.0",
    }
    assert (built(name).root / "opt/mediaflow/LICENSE").is_file()


@pytest.mark.parametrize("name", BUILT)
def test_an_image_has_no_compiler_installer_cache_or_test(built, name) -> None:
    root = built(name).root
    programs = {
        path.name
        for folder in ("usr/bin", "usr/sbin", "usr/local/bin", "opt/venv/bin", "opt/uv/bin")
        for path in (root / folder).glob("*")
    }
    assert not {program for program in programs if COMPILERS.fullmatch(program)}
    assert not {program for program in programs if INSTALLERS.fullmatch(program)}
    assert not list((root / "root").glob(".cache/*")) + list((root / "root").glob(".npm/*"))
    assert not [path for path in (root / "opt").rglob("*") if path.name in TESTS and path.is_dir()]
    assert not list((root / "opt").rglob("Dockerfile"))
    assert not list((root / "run").glob("*.sh")) + list((root / "run").glob("*.pem")), "the build's secrets"


@pytest.mark.parametrize("name", BUILT)
def test_an_image_keeps_its_budget(built, name) -> None:
    folder = built(name).root / "opt"
    used = sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir()) / 1e6
    assert 0.5 * image(name).unpacked_mb < used <= image(name).unpacked_mb


def test_faiss_builds_an_index_and_searches_it(built, media, tmp_path) -> None:
    vectors = np.random.default_rng(0).normal(size=(200, 16)).astype(np.float32)
    rows = [{"model": "faces", "vector": vector.tolist(), "metadata": {}} for vector in vectors]
    write_embeddings(media / "party.parquet", "party", rows)
    where = {"index_uri": "file:///media/index"}
    given = {"action": "build", "model": "faces", "vectors": ["file:///media/party.parquet"]}
    with built("faiss").function({media: "/media"}, tmp_path / "log") as invoke:
        version = Answer[IndexVersion].model_validate(invoke(where | given)).value
        assert (version.count, version.dimension) == (200, 16)
        asked = {"action": "search", "vectors": vectors[[7, 42]].tolist(), "k": 1}
        found = Answer[SearchResult].model_validate(invoke(where | asked)).value
    assert [matches[0].score for matches in found.matches] == pytest.approx([1, 1], abs=1e-5)
    assert [matches[0].id for matches in found.matches] == ["party#7", "party#42"]


def test_deepfilternet_takes_noise_out(built, media, store, speech_wav, tmp_path) -> None:
    samples, rate = soundfile.read(speech_wav, dtype="float32", frames=5 * 16000)
    noise = np.random.default_rng(0).normal(scale=0.03, size=samples.shape)
    soundfile.write(media / "noisy.wav", samples + noise, rate)
    event = {"audio": "file:///media/noisy.wav", "audio_uri": "file:///media/clean.wav", "mode": "on"}
    mounts = {store: "/opt/models:ro", media: "/media"}
    with built("deepfilternet").function(mounts, tmp_path / "log") as invoke:
        answer = Answer[Denoised].model_validate(invoke(event))
        assert (answer.value.applied, answer.value.engine) == (True, "native")
        cleaned, _ = soundfile.read(media / "clean.wav")
        assert len(cleaned) == len(samples)
        before, after = (np.mean((sound - samples) ** 2) for sound in (samples + noise, cleaned))
        assert after < before / 4
        refused = invoke(event | {"engine": "torch"})
        assert refused["errorType"] == "UserError"
        assert "deepfilternet-torch" in refused["errorMessage"]


def test_faceapi_finds_the_faces_of_a_photograph(built, media, store, tmp_path) -> None:
    shutil.copy(PHOTOGRAPH, media / "photo.jpg")
    mounts = {store: "/opt/models:ro", media: "/media:ro"}
    with built("faceapi").function(mounts, tmp_path / "log") as invoke:
        answer = Answer[DetectResult].model_validate(invoke({"images": ["file:///media/photo.jpg"]}))
        assert len(answer.value.images[0].faces) == 3
        assert invoke({"images": ["file:///media/none.jpg"]})["errorType"] == "StorageError"


def test_the_same_image_answers_one_request_from_storage_as_an_ecs_task(built, media, store) -> None:
    shutil.copy(PHOTOGRAPH, media / "photo.jpg")
    (media / "request.json").write_text(json.dumps({"images": ["file:///media/photo.jpg"]}))
    made = built("faceapi")
    uris = {f"MEDIAFLOW_{name}_URI": f"file:///media/{name.lower()}.json" for name in ("REQUEST", "ANSWER")}
    command = made.run(*made.start, mounts={store: "/opt/models:ro", media: "/media"}, **uris)
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    answer = Answer[DetectResult].model_validate_json((media / "answer.json").read_bytes())
    assert len(answer.value.images[0].faces) == 3


@pytest.mark.parametrize("name", ["faiss", "faceapi"])
def test_an_image_that_is_told_nothing_says_so(built, name) -> None:
    made = built(name)
    done = subprocess.run(made.run(*made.start), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "AWS_LAMBDA_RUNTIME_API" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_image_of_the_flows_has_what_a_worker_and_a_run_of_it_need(built) -> None:
    made = built(FLOWS)
    assert made.config["User"] == "10001"
    for words, wanted in (
        (["prefect", "worker", "start", "--type", "ecs", "--help"], "--pool"),
        (["python", "-m", "flows.batch", "--help"], "--at-once"),
        (["python", "-m", "flows.analyze", "s3:media", "--runtime", "aws"], "s3:media"),
        (["python", "-c", "import flows.batch.flow, prefect_aws.workers; print('ready')"], "ready"),
    ):
        done = subprocess.run(made.run(*words), capture_output=True, text=True, timeout=240, check=False)
        assert wanted in done.stdout + done.stderr, done
        assert "Traceback" not in done.stderr
    heavy = {"torch", "whisperx", "pyannote", "faiss", "tensorflow"}
    (packages,) = (made.root / "opt/venv/lib").glob("*/site-packages")
    assert not heavy & {path.name for path in packages.iterdir()}, "models run in their own images"
