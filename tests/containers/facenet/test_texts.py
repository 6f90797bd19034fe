"""Texts, and pictures in their space, as vectors of Multilingual E5 and SigLIP.

The weights that people fetch are in no registry: the path is proved with small networks of their classes, in
the files that are published.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import AutoTokenizer, BertModel, SiglipImageProcessor, SiglipModel, SiglipTokenizer

from containers.common.errors import UserError
from containers.facenet.app import handler
from containers.facenet.contract import TextResult
from containers.facenet.words import E5Words
from tests.containers.facenet.networks import SAID, make_e5, make_siglip

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("error")]


@pytest.fixture(scope="module")
def saved(make_store, tmp_path_factory) -> dict[str, Path]:
    torch.manual_seed(0)
    folders = {}
    for model, make in (("siglip-base", make_siglip), ("multilingual-e5-small", make_e5)):
        folders[model] = tmp_path_factory.mktemp(model)
        make(folders[model])
    make_store({model: {file.name: file for file in folder.iterdir()} for model, folder in folders.items()})
    return folders


def read(*texts: str, model: str, **options: object) -> np.ndarray:
    answer = handler({"action": "text", "texts": list(texts), "model": model, **options}, None)
    assert [used["id"] for used in answer["models"]] == [model]
    return np.array(TextResult.model_validate(answer["result"]).vectors)


@pytest.mark.parametrize(("asked", "prefix"), [(True, "query: "), (False, "passage: ")])
def test_sentences_are_the_mean_of_their_tokens(saved, asked: bool, prefix: str) -> None:
    folder = saved["multilingual-e5-small"]
    tokenizer, network = AutoTokenizer.from_pretrained(folder), BertModel.from_pretrained(folder).eval()
    expected = []
    for text in SAID:  # one by one, so that nothing is padded
        with torch.inference_mode():
            tokens = network(**tokenizer(prefix + text, return_tensors="pt")).last_hidden_state[0]
        expected.append(torch.nn.functional.normalize(tokens.mean(0), dim=0).numpy())
    vectors = read(*SAID, model="multilingual-e5-small", asked=asked, batch_size=3)
    assert vectors.shape == (4, 32)
    assert np.abs(vectors - np.array(expected)).max() < 1e-5


def test_a_long_text_is_read_as_far_as_the_model_goes(saved) -> None:
    long = "The price is too high. " * 300
    (vector,) = read(long, model="multilingual-e5-small")
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_descriptions_and_pictures_are_in_one_space_as_transformers_own(saved, look, samples) -> None:
    folder = saved["siglip-base"]
    network = SiglipModel.from_pretrained(folder).eval()
    tokenizer = SiglipTokenizer.from_pretrained(folder)
    pictures = [Image.open(path).convert("RGB") for path in samples[:2]]
    processor = SiglipImageProcessor.from_pretrained(folder)
    with torch.inference_mode():
        given = tokenizer(SAID, padding="max_length", max_length=64, return_tensors="pt")
        whole = network(**given, **processor(pictures, return_tensors="pt"))
    texts = read(*SAID, model="siglip-base")
    seen = look(*pictures, model="siglip-base")
    assert np.abs(texts - whole.text_embeds.numpy()).max() < 1e-5
    assert np.abs(seen - whole.image_embeds.numpy()).max() < 1e-5


@pytest.mark.parametrize("written", ["A DOG, on a beach!", " 회의\t는 ", "x▁y", "", "ﬁne " * 90])
def test_descriptions_are_read_as_transformers_reads_them(saved, written: str) -> None:
    folder = saved["siglip-base"]
    network = SiglipModel.from_pretrained(folder).eval()
    settings = {"padding": "max_length", "max_length": 64, "truncation": True, "return_tensors": "pt"}
    given = SiglipTokenizer.from_pretrained(folder)([written], **settings)
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(network.text_model(**given).pooler_output)
    assert np.abs(read(written, model="siglip-base") - expected.numpy()).max() < 1e-5


def test_few_pieces_of_a_vocabulary_give_the_tokens_that_all_give(saved) -> None:
    folder = saved["multilingual-e5-small"]
    few, whole = E5Words(folder, 64), Tokenizer.from_file(str(folder / "tokenizer.json"))
    whole.enable_truncation(64)
    rng = random.Random(0)
    letters = "".join(SAID) + " 　ﬁ😀"
    written = ["", "a <s> b", *("".join(rng.choices(letters, k=rng.randint(1, 90))) for _ in range(40))]
    for text in written:
        assert few([text])[0].tokens == whole.encode(text).ids, text


@pytest.mark.parametrize("model", ["siglip-base", "multilingual-e5-small"])
def test_a_question_imports_neither_torch_nor_transformers(saved, model: str) -> None:
    asked = {"action": "text", "texts": ["a dog"], "model": model, "asked": True}
    program = (
        "import json, sys; from containers.facenet.app import handler; "
        f"handler({asked}, None); print(json.dumps(sorted({{'torch', 'transformers'}} & set(sys.modules))))"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout.splitlines()[-1]) == []


def test_a_model_that_reads_no_texts(saved) -> None:
    with pytest.raises(UserError, match="'mtcnn' does not read texts: choose multilingual-e5-small"):
        read("a", model="mtcnn")
