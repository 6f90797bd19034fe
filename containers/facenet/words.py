"""Texts to tokens by the published vocabularies of Multilingual E5 and SigLIP, without transformers."""

import json
import re
import string
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from containers.facenet.encoder import Text
from containers.facenet.published import read_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY, PIECES, SETTINGS = "tokenizer.json", "spiece.model", "tokenizer_config.json"
UNKNOWN, SPACE = "<unk>", "▁"  # as SentencePiece writes them
FEW = 2000  # characters for which only those pieces of the vocabulary are taken that they can be made of


class Words(Protocol):
    def __call__(self, texts: list[str]) -> list[Text]: ...


class E5Words:
    """Of a long text the first `longest` tokens.

    A vocabulary of 250,000 pieces is 0.5 s in the making, and of a question only pieces that stand in it are
    possible: by these alone it falls into the same tokens.
    """

    def __init__(self, folder: Path, longest: int) -> None:
        self._file = folder / VOCABULARY
        self._longest = longest
        self._described: dict[str, Any] = read_json(self._file)
        self._whole: Tokenizer | None = None

    def __call__(self, texts: list[str]) -> list[Text]:
        if not self._whole and self._is_little(texts):
            return self._of_few(texts)
        if not self._whole:
            from tokenizers import Tokenizer

            self._whole = self._set(Tokenizer.from_file(str(self._file)))
        return [_all_seen(encoded.ids) for encoded in self._whole.encode_batch(texts)]

    def _is_little(self, texts: list[str]) -> bool:
        """Nor with a mark like <s> written in it, which parts a text before anything else."""
        marks = [token["content"] for token in self._described["added_tokens"]]
        little = sum(map(len, texts)) <= FEW and not any(mark in text for text in texts for mark in marks)
        return little and self._described["model"]["type"] == "Unigram"

    def _of_few(self, texts: list[str]) -> list[Text]:
        model = self._described["model"]
        pieces: list[tuple[str, float]] = model["vocab"]
        marks = {token["content"] for token in self._described["added_tokens"]}
        # What is unknown costs more than the least likely piece, so that one stays.
        least = min(range(len(pieces)), key=lambda number: pieces[number][1])
        always = {number for number, (piece, _) in enumerate(pieces) if piece in marks}
        always |= {least, model["unk_id"]}
        bare = self._built(sorted(always), model)
        possible = set(_within(_split(bare, texts), max(len(piece) for piece, _ in pieces)))
        kept = sorted(always | {number for number, (piece, _) in enumerate(pieces) if piece in possible})
        found = self._built(kept, model).encode_batch(texts)
        return [_all_seen([kept[token] for token in encoded.ids]) for encoded in found]

    def _built(self, kept: list[int], model: dict[str, Any]) -> "Tokenizer":
        from tokenizers import Tokenizer

        fewer = {"vocab": [model["vocab"][number] for number in kept], "unk_id": kept.index(model["unk_id"])}
        place = {number: new for new, number in enumerate(kept)}
        described: dict[str, Any] = self._described | {"model": model | fewer}
        described["added_tokens"] = [
            token | {"id": place[token["id"]]} for token in described["added_tokens"] if token["id"] in place
        ]
        described["post_processor"] = _numbered(described.get("post_processor"), place)
        return self._set(Tokenizer.from_str(json.dumps(described)))

    def _set(self, tokenizer: "Tokenizer") -> "Tokenizer":
        tokenizer.no_padding()
        tokenizer.enable_truncation(self._longest)
        return tokenizer


class SiglipWords:
    """Exactly `longest` tokens, as transformers' SiglipTokenizer makes them: lower case, without punctuation
    (the authors' `canonicalize_text`), ended and filled up by marks."""

    def __init__(self, folder: Path, longest: int) -> None:
        from sentencepiece import SentencePieceProcessor
        from sentencepiece import sentencepiece_model_pb2 as protobuf

        settings = read_json(folder / SETTINGS)
        described: Any = protobuf.ModelProto  # pyright: ignore[reportAttributeAccessIssue]  made when imported
        model = described.FromString((folder / PIECES).read_bytes())
        model.normalizer_spec.add_dummy_prefix = False
        self._pieces: Any = SentencePieceProcessor()
        self._pieces.LoadFromSerializedProto(model.SerializeToString())
        # A text begins behind a word that is none, since SentencePiece takes a leading space off.
        self._skipped = len(self._pieces.encode(UNKNOWN))
        self._end, self._pad = (
            self._pieces.piece_to_id(_mark(settings, name)) for name in ("eos_token", "pad_token")
        )
        self._lower = settings.get("do_lower_case", True)
        # Of the class, where a folder does not say. Google's say that what fills up is looked at too.
        self._masked = "attention_mask" in settings.get("model_input_names", ["attention_mask"])
        self._longest = longest

    def __call__(self, texts: list[str]) -> list[Text]:
        return [self._tokens(text) for text in texts]

    def _tokens(self, text: str) -> Text:
        text = f"{SPACE}{text.replace(SPACE, ' ')}"
        text = (text.lower() if self._lower else text).translate(str.maketrans("", "", string.punctuation))
        text = re.sub(r"\s+", " ", text).strip()
        found = self._pieces.encode(UNKNOWN + text)[self._skipped :][: self._longest - 1]
        tokens = [*found, self._end, *[self._pad] * (self._longest - len(found) - 1)]
        return Text(tokens, len(found) + 1 if self._masked else len(tokens))


def _all_seen(tokens: list[int]) -> Text:
    return Text(tokens, len(tokens))


def _mark(settings: dict[str, Any], name: str) -> str:
    mark = settings.get(name, "</s>")
    return mark["content"] if isinstance(mark, dict) else mark


def _split(tokenizer: "Tokenizer", texts: list[str]) -> Iterable[str]:
    for text in texts:
        if tokenizer.normalizer:
            text = tokenizer.normalizer.normalize_str(text)
        if tokenizer.pre_tokenizer:
            yield from (part for part, _ in tokenizer.pre_tokenizer.pre_tokenize_str(text))
        else:
            yield text


def _within(parts: Iterable[str], longest: int) -> Iterable[str]:
    """All that stands in one of the parts, up to so many characters."""
    for part in parts:
        for start in range(len(part)):
            for end in range(start + 1, min(start + longest, len(part)) + 1):
                yield part[start:end]


def _numbered(processor: dict[str, Any] | None, place: dict[int, int]) -> dict[str, Any] | None:
    """The marks around a text by their new numbers."""
    if not processor or "special_tokens" not in processor:
        return processor
    marks = {
        name: mark | {"ids": [place[number] for number in mark["ids"]]}
        for name, mark in processor["special_tokens"].items()
    }
    return processor | {"special_tokens": marks}
