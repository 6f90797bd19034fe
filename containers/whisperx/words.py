"""From stretches of speech to timed words, by Whisper on CTranslate2.

Whisper's encoder is given the 30 s that it was trained on, silence after the speech: with less the decoder
writes sentences twice or ends early. Its output serves the language, the decoder and the word times, so that
nothing is encoded twice. Word times are dynamic time warping over the decoder's cross-attention
(faster-whisper's), so no aligner is needed.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from containers.common.contract import Span
from containers.common.errors import UserError
from containers.common.media.audio import Waveform
from containers.whisperx.contract import TranscribeRequest
from containers.whisperx.sentences import HeardWord, join_pieces

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

SAMPLE_RATE = 16_000
FRAMES = 100  # spectrogram frames a second; the encoder halves them
MARGIN = 2.0  # seconds of silence after the speech: without it the decoder misses where it ends
PROMPT_TOKENS = 223  # half of Whisper's context less one

UNLIKELY = -1.0  # mean log probability of a text, Whisper's own limit
HOTTEST, SAMPLES = 1.0, 5  # the last temperature, and texts that are sampled at each: Whisper's own
NUMERALS = re.compile(r"[0-9%$]|\u00c2\u00a3")  # as byte-level tokens have them; the last is a pound sign
NO_REPEAT = 5  # tokens in a row that are not said twice when a loop is decoded again


class Limits(NamedTuple):
    """Whisper's own (Radford et al., 2022, section 4.5), or a request's: a text that compresses better than
    this may be a loop, and where the other two hold nothing was said."""

    compression: float = 2.4
    logprob: float = UNLIKELY
    no_speech: float = 0.6


class Heard(NamedTuple):
    """What Whisper wrote for one stretch, and how sure it was."""

    words: list[HeardWord]
    text: str
    logprob: float  # mean log probability of a token
    no_speech: float  # probability that nothing was said
    compression: float
    limits: Limits = Limits()

    @property
    def is_silence(self) -> bool:
        return self.no_speech > self.limits.no_speech and self.logprob < self.limits.logprob

    @property
    def repeats(self) -> bool:
        return self.compression > self.limits.compression

    @property
    def fails(self) -> bool:
        """Whether Whisper would try again at a higher temperature."""
        return self.repeats or (self.logprob < self.limits.logprob and not self.is_silence)


@cache
def load_whisper(folder: Path, compute_type: str, device: str) -> "WhisperModel":
    """faster-whisper's model with the store's weights; it uses as many cores as OMP_NUM_THREADS says.

    Raises UserError when the device cannot compute in this type.
    """
    # whisperX's class adds to it a way of decoding in batches that `decode` does without, and costs torch,
    # transformers and pyannote.audio to import.
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(str(folder), device=device, compute_type=compute_type)
    except ValueError as error:  # CTranslate2's sentence names the type and the device
        raise UserError(f"{str(error).rstrip('.')}.") from None


def find_device(asked: str) -> str:
    """'cuda' or 'cpu'. Raises UserError when a GPU is asked for and there is none."""
    if asked == "cpu":
        return asked
    import ctranslate2

    found = ctranslate2.get_cuda_device_count() > 0
    if asked == "cuda" and not found:
        raise UserError("device is 'cuda', but CTranslate2 finds no GPU here; 'auto' takes what there is.")
    return "cuda" if found else "cpu"


def find_compute_type(asked: str, device: str) -> str:
    return {"cuda": "float16", "cpu": "int8"}[device] if asked == "auto" else asked


def languages(model: "WhisperModel") -> set[str]:
    """The codes that this Whisper has a token for."""
    tokens = model.hf_tokenizer
    return {code for code in model.supported_languages if tokens.token_to_id(f"<|{code}|>") is not None}


def encode(model: "WhisperModel", audio: Waveform, spans: list[Span], short: bool = False) -> Any:
    """The encoder's output for spans of 16 kHz mono, CTranslate2's (spans, frames, features).

    `short` costs as much as there is speech, and is enough to tell the language by.
    """
    import ctranslate2

    count = model.feature_extractor.nb_max_frames
    if short:
        longest = max(span.end - span.start for span in spans) + MARGIN
        count = min(round(longest * FRAMES), count)
    batch = []
    for span in spans:
        piece = audio[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)]
        features = model.feature_extractor(piece)[:, :-1]
        batch.append(_fit(features, count))
    return model.model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(np.stack(batch))))


def rows(encoded: Any, chosen: list[int]) -> Any:
    """Some rows of an encoder's output."""
    import ctranslate2

    if chosen == list(range(encoded.shape[0])):
        return encoded
    return ctranslate2.StorageView.from_array(np.ascontiguousarray(_array(encoded)[chosen]))


def _array(encoded: Any) -> np.ndarray:
    import ctranslate2

    if encoded.dtype == ctranslate2.DataType.bfloat16:  # which NumPy has not
        encoded = encoded.to(ctranslate2.DataType.float32)
    return np.asarray(encoded.to_device(ctranslate2.Device.cpu))


def detect_languages(model: "WhisperModel", encoded: Any) -> list[dict[str, float]]:
    """Code to probability, for each row of an encoder's output."""
    found = model.model.detect_language(encoded)
    return [{token[2:-2]: float(probability) for token, probability in row} for row in found]


def detect_within(
    model: "WhisperModel", encoded: Any, row: int, whole: Span, parts: Iterable[Span]
) -> list[dict[str, float]]:
    """The same for parts of one row: cheap, and a little blurred by what is beside them."""
    import ctranslate2

    held = _array(encoded)[row]
    answers = []
    for part in parts:
        start, end = (round((time - whole.start) * FRAMES / 2) for time in (part.start, part.end))
        piece = np.ascontiguousarray(held[None, start : max(end, start + 1)])
        answers += detect_languages(model, ctranslate2.StorageView.from_array(piece))
    return answers


def decode(
    model: "WhisperModel",
    encoded: Any,
    spans: list[Span],
    spoken: list[str],
    request: TranscribeRequest,
    no_repeat: int = 0,
    before: str = "",
    temperature: float | None = None,
) -> list[Heard]:
    """What is said in each span, in the language given for it, from their encoder output.

    Without Whisper's own time stamps: with them, what follows the last one in a stretch would be lost. No run
    of `no_repeat` tokens is written twice, unless that is 0. `before` is the text that the spans go on with.
    """
    import ctranslate2
    from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens

    heat = request.temperature if temperature is None else temperature
    tokenizers = {code: tokenizer(model, code, request.task) for code in set(spoken)}
    anyone = tokenizers[spoken[0]]
    hints = anyone.encode(" " + request.initial_prompt.strip()) if request.initial_prompt else []
    hints += anyone.encode(" " + before.strip()) if before.strip() else []
    suppressed = set(get_suppressed_tokens(anyone, (-1,)) or ())
    if request.suppress_numerals:
        suppressed |= numerals(model, anyone.eot)
    search: dict[str, Any] = {"beam_size": request.beam_size}
    if heat:
        ctranslate2.set_random_seed(0)  # the same sound gives the same text
        search = {"beam_size": 1, "num_hypotheses": SAMPLES, "sampling_topk": 0, "sampling_temperature": heat}
    results = model.model.generate(
        encoded,
        [model.get_prompt(tokenizers[code], hints, True, hotwords=request.hotwords) for code in spoken],
        no_repeat_ngram_size=no_repeat,
        max_length=model.max_length,
        suppress_tokens=sorted(suppressed),
        return_scores=True,
        return_no_speech_prob=True,
        **search,
    )
    limits = Limits(
        request.compression_ratio_threshold, request.logprob_threshold, request.no_speech_threshold
    )
    heard: list[Heard] = []
    tokens = [result.sequences_ids[0] for result in results]
    words = _time_words(model, encoded, spans, spoken, tokens, tokenizers, request.task)
    for row, result in enumerate(results):
        text = tokenizers[spoken[row]].decode(tokens[row])
        logprob = result.scores[0] * len(tokens[row]) / (len(tokens[row]) + 1)
        ratio = get_compression_ratio(text)
        heard.append(Heard(words[row], text, logprob, result.no_speech_prob, ratio, limits))
    return heard


def fall_back(
    model: "WhisperModel",
    encoded: Any,
    spans: list[Span],
    spoken: list[str],
    request: TranscribeRequest,
    heard: list[Heard],
    before: str = "",
) -> list[Heard]:
    """The same with what fails decoded again at rising temperatures, until it does not, as Whisper does.

    Where all fail the likeliest is taken, of those that repeat nothing if there are some.
    """
    step, heat = request.temperature_increment_on_fallback, request.temperature
    tries = [[first] for first in heard]
    while step and (heat := heat + step) <= HOTTEST + 1e-6:
        failed = [row for row, each in enumerate(tries) if each[-1].fails]
        if not failed:
            break
        chosen = [spans[row] for row in failed], [spoken[row] for row in failed]
        view = rows(encoded, failed)
        # At high temperatures the text before is left out: it may be what Whisper stumbles over.
        again = decode(model, view, *chosen, request, 0, before if heat <= HOTTEST / 2 else "", heat)
        for row, other in zip(failed, again, strict=True):
            tries[row].append(other)
    return [_best(each) for each in tries]


def _best(tries: list[Heard]) -> Heard:
    if not tries[-1].fails:
        return tries[-1]
    sound = [each for each in tries if not each.repeats]
    return max(sound or tries, key=lambda each: each.logprob)


@lru_cache(maxsize=8)
def numerals(model: "WhisperModel", specials: int) -> frozenset[int]:
    """Tokens with a digit or a sign that stands for a word; those from `specials` on are no text."""
    known = model.hf_tokenizer.get_vocab().items()
    return frozenset(token for text, token in known if token < specials and NUMERALS.search(text))


def _time_words(
    model: "WhisperModel",
    encoded: Any,
    spans: list[Span],
    spoken: list[str],
    tokens: list[list[int]],
    tokenizers: "dict[str, Tokenizer]",
    task: str,
) -> list[list[HeardWord]]:
    """faster-whisper's word times, one language after the other: its alignment takes one at a time."""
    timed: list[list[HeardWord]] = [[] for _ in spans]
    limit = encoded.shape[1] * 2  # the encoder halves the frames
    for code in dict.fromkeys(spoken):
        chosen = [row for row, other in enumerate(spoken) if other == code]
        segments: Any = [
            [
                {
                    "tokens": tokens[row],
                    "start": spans[row].start,
                    "end": spans[row].end,
                    "seek": round(spans[row].start * model.frames_per_second),
                }
            ]
            for row in chosen
        ]
        lengths: Any = [
            min(round((spans[row].end - spans[row].start) * model.frames_per_second), limit) for row in chosen
        ]
        model.add_word_timestamps(
            segments,
            tokenizers[code],
            rows(encoded, chosen),
            lengths,
            "\"'“¿([{-",
            "\"'.。,，!！?？:：”)]}、",  # noqa: RUF001
            0.0,
        )
        for row, (segment,) in zip(chosen, segments, strict=True):
            pieces = [HeardWord(**word) for word in segment.get("words", [])]
            timed[row] = join_pieces(pieces, text_language(code, task))
    return timed


def tokenizer(model: "WhisperModel", language: str, task: str = "transcribe") -> "Tokenizer":
    from faster_whisper.tokenizer import Tokenizer

    return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task=task, language=language)


def text_language(spoken: str, task: str) -> str:
    """Of what is written: Whisper translates into English alone."""
    return spoken if task == "transcribe" else "en"


def check_prompt(model: "WhisperModel", request: TranscribeRequest) -> None:
    """Raises UserError when prompt and hotwords do not fit Whisper's context."""
    hints = " ".join(filter(None, (request.initial_prompt, request.hotwords)))
    tokens = len(model.hf_tokenizer.encode(hints, add_special_tokens=False).ids)
    if tokens > PROMPT_TOKENS:
        raise UserError(
            f"Prompt and hotwords are {tokens} tokens long; Whisper takes {PROMPT_TOKENS} at most."
        )


def _fit(features: np.ndarray, count: int) -> np.ndarray:
    """Cut or filled with the spectrogram's silence to `count` frames."""
    if features.shape[1] >= count:
        return features[:, :count]
    return np.pad(features, ((0, 0), (0, count - features.shape[1])))


def by_length(spans: Iterable[Span], batch_size: int) -> list[list[int]]:
    """Numbers of the spans in batches of like length, so that little is computed on silence."""
    lengths = [span.end - span.start for span in spans]
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
