"""Word times from a wav2vec2 aligner: whisperX's forced alignment, with weights of the store."""

from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from containers.common.contract import Span
from containers.common.media.audio import Waveform
from containers.common.models.checkpoints import only_weights
from containers.common.models.pyannet import quiet_loading
from containers.whisperx.letters import speller
from containers.whisperx.sentences import HeardWord

SAMPLE_RATE = 16_000


class _OneSentence:
    """In place of NLTK's sentence splitter, whose data whisperX would download; sentences are cut later."""

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


class Aligner(NamedTuple):
    model: Any  # CTC
    metadata: dict[str, Any]  # whisperX's: the dictionary of its characters, the language
    spell: Callable[[str], str] = str  # a word in those characters


@cache
def load_aligner(folder: Path, language: str, device: str) -> Aligner:
    """A transformers checkpoint, or weights by the name of the file that a bundle of torchaudio's fetches.

    Raises FileNotFoundError for a folder with neither.
    """
    with quiet_loading():
        import torchaudio
        from whisperx import alignment

    alignment.nltk_load = lambda path: _OneSentence()
    files = {path.name for path in folder.iterdir()}
    with only_weights():
        if "config.json" in files:
            return Aligner(
                *alignment.load_align_model(language, device, model_name=str(folder), model_cache_only=True)
            )
        for name in torchaudio.pipelines.__all__:
            bundle: Any = getattr(torchaudio.pipelines, name)
            if PurePosixPath(urlsplit(getattr(bundle, "_path", None) or "").path).name not in files:
                continue  # torch.hub takes the file that is there
            if isinstance(bundle, torchaudio.pipelines.Wav2Vec2FABundle):
                return _load_mms(bundle, folder, language, device)
            return Aligner(
                *alignment.load_align_model(language, device, model_name=name, model_dir=str(folder))
            )
    raise FileNotFoundError(f"{folder} holds neither a transformers model nor one of torchaudio's bundles.")


def _load_mms(bundle: Any, folder: Path, language: str, device: str) -> Aligner:
    """The one aligner for all languages. Without its star, which is whisperX's wildcard done otherwise."""
    model = bundle.get_model(with_star=False, dl_kwargs={"model_dir": str(folder)}).to(device)
    metadata = {"language": language, "dictionary": bundle.get_dict(star=None), "type": "torchaudio"}
    return Aligner(model, metadata, speller(language))


def align(
    aligner: Aligner, audio: Waveform, span: Span, words: list[HeardWord], device: str
) -> list[HeardWord] | None:
    """The same words with the aligner's times and scores; None where it can align nothing.

    `audio` is 16 kHz mono of the whole piece. Characters that the aligner does not know (digits, symbols)
    take whisperX's wildcard; a word of which nothing could be aligned keeps the times it had.
    """
    from whisperx import alignment

    model, metadata, spell = aligner
    spelled = [spell(word.word) for word in words]
    text = "".join(spelled)
    given: Any = [{"start": span.start, "end": span.end, "text": text}]
    found = alignment.align(given, model, metadata, audio, device, return_char_alignments=True)
    characters: list[Any] = [char for part in found["segments"] for char in part.get("chars") or []]
    if len(characters) != len(text):
        return None
    aligned, place = [], 0
    for word, letters in zip(words, spelled, strict=True):
        timed = [char for char in characters[place : place + len(letters)] if _is_timed(char)]
        place += len(letters)
        if timed:
            word = HeardWord(
                word=word.word,
                start=timed[0]["start"],
                end=timed[-1]["end"],
                probability=sum(char["score"] for char in timed) / len(timed),
            )
        aligned.append(word)
    return aligned


def _is_timed(character: dict[str, Any]) -> bool:
    return character["char"].strip() != "" and "start" in character and "end" in character
