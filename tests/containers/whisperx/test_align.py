"""Word times by a wav2vec2 aligner of the store: a tiny one, of the class the real ones are."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from containers.common.contract import Span
from containers.common.models import store as models
from containers.whisperx import align
from containers.whisperx.segments import split_segments
from containers.whisperx.sentences import HeardWord
from tests.containers.networks import make_mms

RATE = 16_000
pytestmark = pytest.mark.slow
SAID = [
    HeardWord(" Call", 0.0, 0.4, 0.9),
    HeardWord(" 1984", 0.4, 0.9, 0.9),
    HeardWord(" now!", 0.9, 1.4, 0.9),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Wav2Vec2ForCTC with two narrow layers and letters for tokens; random, so its times mean nothing."""
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2CTCTokenizer,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForCTC,
        Wav2Vec2Processor,
    )

    folder = tmp_path_factory.mktemp("align-en")
    letters = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'"]
    (folder / "vocab.json").write_text(json.dumps({letter: n for n, letter in enumerate(letters)}))
    torch.manual_seed(0)
    narrow = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = Wav2Vec2Config(vocab_size=len(letters), conv_dim=[32] * 7, pad_token_id=0, **narrow)
    Wav2Vec2ForCTC(config).save_pretrained(folder)
    tokenizer = Wav2Vec2CTCTokenizer(str(folder / "vocab.json"))
    Wav2Vec2Processor(Wav2Vec2FeatureExtractor(), tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture
def mms(tmp_path, monkeypatch) -> Path:
    make_mms(tmp_path / "model.pt", monkeypatch)
    return tmp_path


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("th", [" สวัสดี", " ครับ", " ๒๕"]),
        ("ko", [" 오늘", " 회의는", " 12시에!"]),
        ("am", [" ሰላም", " ...", " ዓለም"]),
    ],
)
def test_words_of_any_script_by_the_one_aligner_for_all(mms, speech, language, said):
    loaded = align.load_aligner(mms, language, "cpu")
    assert len(loaded.metadata["dictionary"]) == 28
    words = [HeardWord(word, 0.5 * place, 0.5 * place + 0.4, 0.9) for place, word in enumerate(said)]
    aligned = align.align(loaded, speech, Span(start=10.0, end=12.0), words, "cpu")
    assert [word.word for word in aligned] == said
    assert all(10.0 <= word.start < word.end <= 12.0 for word in aligned)
    assert all(before.end <= after.start for before, after in pairwise(aligned))


def test_every_word_has_a_time_inside_its_stretch(folder, speech):
    """Numbers and punctuation too, although the aligner has no tokens for them."""
    loaded = align.load_aligner(folder, "en", "cpu")
    span = Span(start=10.0, end=12.0)
    aligned = align.align(loaded, speech, span, SAID, "cpu")
    assert [word.word for word in aligned] == [word.word for word in SAID]
    assert all(10.0 <= word.start < word.end <= 12.0 for word in aligned)
    assert all(before.end <= after.start for before, after in pairwise(aligned))
    (segment,) = split_segments(aligned, span, "en")
    assert all(0 <= word.score <= 1 for word in segment.words)


def test_what_cannot_be_aligned_is_left_to_whisper(folder, speech):
    loaded = align.load_aligner(folder, "en", "cpu")
    assert align.align(loaded, speech, Span(start=10.0, end=10.02), SAID, "cpu") is None


def test_a_folder_that_holds_no_aligner(tmp_path):
    (tmp_path / "model.bin").write_bytes(b"?")
    with pytest.raises(FileNotFoundError, match="neither a transformers model nor"):
        align.load_aligner(tmp_path, "en", "cpu")


def test_the_store_s_aligner_times_the_words_and_is_named(transcribe, sentence, make_store, folder):
    plain = transcribe(sentence)
    starter = models.store_folder()
    files = {
        name: {file.name: file for file in (starter / name).iterdir()}
        for name in ("whisper-base", "pyannet-segmentation")
    }
    make_store({**files, "align-en": {file.name: file for file in folder.iterdir()}})
    aligned = transcribe(sentence)
    assert plain["word_times"] == {"en": "whisper"}
    assert aligned["word_times"] == {"en": "align-en"}
    ours, whispers = ([w for s in found["segments"] for w in s["words"]] for found in (aligned, plain))
    assert [word["word"] for word in ours] == [word["word"] for word in whispers]
    assert [word["start"] for word in ours] != [word["start"] for word in whispers]
    assert all(before["end"] <= after["start"] for before, after in pairwise(ours))
    assert all(0 <= word["start"] < word["end"] <= 3.8 and 0 <= word["score"] <= 1 for word in ours)
    assert np.ptp([word["start"] for word in ours]) > 0
