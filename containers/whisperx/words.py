"""From what Whisper's encoder heard to timed words, by its decoder on CTranslate2.

The encoder's output serves the language, the decoder and the word times, so that nothing is encoded twice.
Word times are dynamic time warping over the decoder's cross-attention (faster-whisper's), so no aligner is
needed.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from containers.common.contract import Span
from containers.common.errors import UserError
from containers.whisperx.contract import TranscribeRequest
from containers.whisperx.encoder import rows
from containers.whisperx.sentences import HeardWord, join_pieces

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

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


class Hypothesis(NamedTuple):
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


def decode(
    model: "WhisperModel",
    encoded: Any,
    spans: list[Span],
    spoken: list[str],
    request: TranscribeRequest,
    no_repeat: int = 0,
    before: str = "",
    temperature: float | None = None,
) -> list[Hypothesis]:
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
    hypotheses: list[Hypothesis] = []
    tokens = [result.sequences_ids[0] for result in results]
    words = _time_words(model, encoded, spans, spoken, tokens, tokenizers, request.task)
    for row, result in enumerate(results):
        text = tokenizers[spoken[row]].decode(tokens[row])
        logprob = result.scores[0] * len(tokens[row]) / (len(tokens[row]) + 1)
        ratio = get_compression_ratio(text)
        hypotheses.append(Hypothesis(words[row], text, logprob, result.no_speech_prob, ratio, limits))
    return hypotheses


def fall_back(
    model: "WhisperModel",
    encoded: Any,
    spans: list[Span],
    spoken: list[str],
    request: TranscribeRequest,
    hypotheses: list[Hypothesis],
    before: str = "",
) -> list[Hypothesis]:
    """The same with what fails decoded again at rising temperatures, until it does not, as Whisper does.

    Where all fail the likeliest is taken, of those that repeat nothing if there are some.
    """
    step, heat = request.temperature_increment_on_fallback, request.temperature
    tries = [[first] for first in hypotheses]
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


def _best(tries: list[Hypothesis]) -> Hypothesis:
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
