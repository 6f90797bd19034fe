"""What the networks are computed on."""

import pytest

from containers.common.errors import UserError

pytestmark = pytest.mark.slow

CUDA_HERE = "the npm package @tensorflow/tfjs-node-gpu is not installed"


def test_without_cuda_auto_is_web_assembly(node):
    script = 'import { chooseBackend } from "./backend.mjs"; console.log(chooseBackend({}))'
    assert node(script) == "wasm\n"


def test_cuda_that_cannot_be_had_is_refused_in_one_sentence(start_worker, samples):
    worker = start_worker(MEDIAFLOW_FACEAPI_BACKEND="cuda")
    kind, sentence = worker.refuse({"images": samples[:1]})
    assert kind == UserError.__name__
    assert sentence.startswith(f"face-api cannot use CUDA: {CUDA_HERE}")


def test_an_unknown_backend_is_refused(start_worker, samples):
    worker = start_worker(MEDIAFLOW_FACEAPI_BACKEND="metal")
    assert worker.refuse({"images": samples[:1]}) == (
        "UserError",
        "MEDIAFLOW_FACEAPI_BACKEND is 'metal', not auto, cuda or wasm.",
    )
