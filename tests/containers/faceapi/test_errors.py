"""What cannot be done is said in one sentence, of the same type as the Python images' errors."""

import shutil

import pytest
from PIL import Image
from pydantic import ValidationError

from containers.common import storage
from containers.common.errors import ModelCorrupt, ModelMissing
from containers.common.models import store as models
from containers.faceapi.contract import DetectRequest
from containers.model_downloader.publish import publish
from tests.containers.model_downloader.s3 import serving


@pytest.fixture
def save(tmp_path):
    def write(name: str, content: bytes) -> str:
        (tmp_path / name).write_bytes(content)
        return (tmp_path / name).as_uri()

    return write


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({}, "images: Invalid input: expected array, received undefined."),
        ({"images": []}, "images: Too small: expected array to have >=1 items."),
        (
            {"images": ["a"], "detector": "yolo"},
            'detector: Invalid option: expected one of "tiny"|"ssd"|"auto".',
        ),
        ({"images": ["a"], "min_confidence": 1}, "min_confidence: Too big: expected number to be <1."),
        ({"images": ["a"], "input_size": 400}, "input_size: Invalid number: must be a multiple of 32."),
        ({"images": ["a"], "landmark": True}, 'the request: Unrecognized key: "landmark".'),
        ({"images": ["a"], "boxes": []}, "boxes: one list for each of images is wanted."),
        (["a"], "the request: Invalid input: expected object, received array."),
    ],
)
def test_a_wrong_request_is_refused_as_pydantic_would(worker, request_, sentence):
    assert worker.refuse(request_) == ("UserError", f"faceapi refuses the request: {sentence}")
    with pytest.raises(ValidationError):
        DetectRequest.model_validate(request_)


def test_a_missing_picture(worker, tmp_path):
    missing = tmp_path / "none.jpg"
    assert worker.refuse({"images": [missing.as_uri()]}) == (
        "StorageError",
        f"There is no file at {missing}.",
    )


@pytest.mark.parametrize("uri", ["http://example.com/a.jpg", "photo.jpg", "file:///%zz.jpg"])
def test_a_picture_from_elsewhere(worker, uri):
    assert worker.refuse({"images": [uri]}) == (
        "StorageError",
        f"'{uri}' is neither a file:// nor an s3:// URI.",
    )


def test_an_empty_picture(worker, save):
    assert worker.refuse({"images": [save("empty.jpg", b"")]}) == ("MediaError", "empty.jpg is empty.")


@pytest.mark.parametrize(
    "content",
    [
        b"this is no picture",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        b"%PDF-1.4",
        b"GIF89a",
    ],
)
def test_anything_but_a_picture(worker, save, content):
    kind, sentence = worker.refuse({"images": [save("a photo.jpg", content)]})
    assert kind == "MediaError"
    assert sentence.startswith("a photo.jpg cannot be decoded as a JPEG, PNG or WebP picture (")


def test_half_a_picture_is_named_among_good_ones(worker, samples, save):
    whole = storage.read_bytes(samples[0])
    half = save("half.jpg", whole[: len(whole) // 2])
    kind, sentence = worker.refuse({"images": [samples[0], half, samples[1]]})
    assert kind == "MediaError"
    assert sentence.startswith("half.jpg cannot be decoded")


def test_a_decompression_bomb(worker, tmp_path):
    Image.new("1", (20_000, 20_000)).save(tmp_path / "bomb.png")
    refused = worker.refuse({"images": [(tmp_path / "bomb.png").as_uri()]})
    assert refused == ("MediaError", "bomb.png has more than 100 megapixels.")


@pytest.mark.slow
def test_a_result_that_cannot_be_written(worker, samples, tmp_path):
    (tmp_path / "file").touch()
    target = tmp_path / "file" / "faces.json"
    refused = worker.refuse({"images": samples[:1], "result_uri": target.as_uri()})
    assert refused == ("StorageError", f"{target} cannot be written: file already exists.")


def test_a_missing_model_in_the_words_of_the_python_images(start_worker, samples, tmp_path, monkeypatch):
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path))
    with pytest.raises(ModelMissing) as error:
        models.open_model("faceapi")
    assert start_worker().refuse({"images": samples[:1]}) == ("ModelMissing", str(error.value))


def test_a_corrupt_model_in_the_words_of_the_python_images(
    start_worker, samples, store, tmp_path, monkeypatch
):
    shutil.copytree(store, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "faceapi" / "face_expression_model.bin").open("r+b") as weights:
        weights.write(b"other")
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path))
    with pytest.raises(ModelCorrupt) as error:
        models.open_model("faceapi")
    worker = start_worker()
    assert worker.refuse({"images": samples[:1]}) == ("ModelCorrupt", str(error.value))


@pytest.mark.slow
def test_a_model_that_arrives_later_is_found_by_the_same_worker(
    start_worker, samples, store, tmp_path, monkeypatch
):
    monkeypatch.setenv("MEDIAFLOW_MODELS", str(tmp_path))
    worker = start_worker()
    assert worker.refuse({"images": samples[:1]})[0] == "ModelMissing"
    shutil.copytree(store / "faceapi", tmp_path / "faceapi")
    assert len(worker.detect(samples[0]).result.images[0].faces) == 3


@pytest.mark.slow
def test_the_model_comes_from_an_s3_store_checked_and_once(
    start_worker, samples, store, tmp_path, monkeypatch
):
    with serving() as (_, place):
        publish([models.catalogue()["faceapi"]], store, place)
        monkeypatch.setenv("MEDIAFLOW_MODELS", place)
        monkeypatch.setenv("MEDIAFLOW_MODEL_CACHE", str(tmp_path))
        monkeypatch.setenv("AWS_REGION", "us-east-1")
        assert len(start_worker().detect(samples[0]).result.images[0].faces) == 3
        (cached,) = tmp_path.rglob("face_expression_model.bin")
        cached.write_bytes(b"half")
        digest = models.sha256_of(store / "faceapi" / "face_expression_model.bin")
        uri = f"{place}/objects/{digest}"
        storage.write_bytes(uri, b"other")
        kind, sentence = start_worker().refuse({"images": samples[:1]})
        assert (kind, sentence.partition(":")[0]) == ("ModelCorrupt", "s3")
        assert sentence.startswith(f"{uri} does not match its SHA-256 in the catalogue: run `uv run python")
