"""Word times from a wav2vec2 aligner: whisperX's forced alignment, with weights of the store."""

from functools import cache
from pathlib import Path
from typing import Any

from containers.common.contract import Span
from containers.common.media.audio import Waveform
from containers.common.models.checkpoints import only_weights
from containers.common.models.pyannet import quiet_loading
from containers.whisperx.sentences import HeardWord

SAMPLE_RATE = 16_000


class _OneSentence:
    """In place of NLTK's sentence splitter, whose data whisperX would download; sentences are cut later."""

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


@cache
def load_aligner(folder: Path, language: str, device: str) -> tuple[Any, dict[str, Any]]:
    """A CTC model and its dictionary: a transformers checkpoint, or torchaudio's bundle of that file name."""
    with quiet_loading():
        import torchaudio
        from whisperx import alignment

    alignment.nltk_load = lambda path: _OneSentence()
    files = {path.name for path in folder.iterdir()}
    with only_weights():
        if "config.json" in files:
            return alignment.load_align_model(language, device, model_name=str(folder), model_cache_only=True)
        for name in torchaudio.pipelines.__all__:
            bundle = getattr(torchaudio.pipelines, name)
            if getattr(bundle, "_path", None) in files:  # torch.hub takes the file that is there
                return alignment.load_align_model(language, device, model_name=name, model_dir=str(folder))
    raise FileNotFoundError(f"{folder} holds neither a transformers model nor one of torchaudio's bundles.")


def align(
    aligner: tuple[Any, dict[str, Any]], audio: Waveform, span: Span, words: list[HeardWord], device: str
) -> list[HeardWord] | None:
    """The same words with the aligner's times and scores; None where it can align nothing.

    `audio` is 16 kHz mono of the whole piece. Characters that the aligner does not know (digits, symbols)
    take whisperX's wildcard; a word of which nothing could be aligned keeps the times it had.
    """
    from whisperx import alignment

    model, metadata = aligner
    text = "".join(word.word for word in words)
    given: Any = [{"start": span.start, "end": span.end, "text": text}]
    found = alignment.align(given, model, metadata, audio, device, return_char_alignments=True)
    characters: list[Any] = [char for part in found["segments"] for char in part.get("chars") or []]
    if len(characters) != len(text):
        return None
    aligned, place = [], 0
    for word in words:
        timed = [char for char in characters[place : place + len(word.word)] if _is_timed(char)]
        place += len(word.word)
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
