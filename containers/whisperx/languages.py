"""Which language is spoken where, and which models a language has.

Whisper names one language per window. A recording in which people switch is asked stretch by stretch, and a
stretch is judged together with the whole recording: what is spoken often is likelier than what would appear
once, for a second.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from containers.common.contract import Span
from containers.common.languages import CODES
from containers.common.media.audio import Waveform
from containers.common.models.store import catalogue, has_model
from containers.whisperx.choice import best_whisper, this_machine
from containers.whisperx.contract import LanguageModels, TranscribeRequest
from containers.whisperx.speech import SAMPLE_RATE, Stretch, widen

# The table: aligners are those of whisperX 3.8 (whisperx/alignment.py).
_ALIGNED = (
    "ar ca cs da de el en es eu fa fi fr gl he hi hr hu it ja ka ko lv ml nl nn no pl pt ro ru sk sl sv te "
    "tl tr uk ur vi zh"
)
TABLE = {code: LanguageModels(aligner=f"align-{code}") for code in _ALIGNED.split()}
ANY = "align-mms"  # the aligner for a language whose own the store does not have

PAUSE = 0.25  # seconds: a switch of language needs at least this pause,
QUIET = 25.0  # dB below the stretch's loud moments, which voice activity need not notice
FRAME = 160  # samples of a loudness: 10 ms
SURE = 0.5  # probability above which a stretch's own answer is taken for one to be compared with
CERTAIN = 0.8  # probability of a language that few words must have not to be taken for the one beside them
SHORTEST = 3.0  # seconds of speech that Whisper can tell the language of
# Of the recording's own mix, against what Whisper says. On eight mixtures of three languages (seeds 1 to 8 of
# benchmarks/switching.py) 0.35 to 0.65 name 69 or 70 of the 72 stretches, 1 names 66 and 1.5 names 64.
MIX_WEIGHT = 0.5
RAREST = 0.02  # share that a language has before it was heard
TRUSTED = 4.0  # seconds of speech after which Whisper's answer counts in full


# What Whisper base takes voices for that it does not know; where somebody really speaks one of these, most of
# the recording says so.
RARE = frozenset({"bo", "br", "cy", "fo", "haw", "jw", "la", "mg", "mi", "mn", "nn", "oc", "sa", "yi"})
RARE_WEIGHT = 0.25


class Utterance(NamedTuple):
    """Speech between two pauses: it is in one language."""

    span: Span
    voiced: list[Span]

    @property
    def seconds(self) -> float:
        return self.span.end - self.span.start


def models_of(language: str, asked: str, added: Mapping[str, LanguageModels], best: str) -> LanguageModels:
    """The Whisper and the aligner for one language: what the request says, else `best` and the aligner of the
    table where stored, else the one for all languages."""
    own, built_in = added.get(language, LanguageModels()), TABLE.get(language, LanguageModels())
    aligner = own.aligner or next(filter(_stored, (built_in.aligner, ANY)), None)
    if asked != "auto":
        return LanguageModels(model=asked, aligner=aligner)
    return LanguageModels(model=own.model or best, aligner=aligner)


def first_model(request: TranscribeRequest) -> str:
    """The Whisper that detects languages: the one asked for, or the language's own where it is known."""
    if request.language and "," not in request.language:
        return str(models_of(request.language, request.model, request.languages, best_of(request)).model)
    return best_of(request) if request.model == "auto" else request.model


def best_of(request: TranscribeRequest) -> str:
    """What `auto` stands for where a language has no Whisper of its own."""
    return request.best or best_whisper(this_machine(), request.task).model


def possible_models(asked: str, added: Mapping[str, LanguageModels], best: str) -> list[str]:
    """Ids of all models that a transcription could use with this request and this store."""
    found = [models_of(language, asked, added, best) for language in sorted({*CODES, *added})]
    named = {model for pair in found for model in (pair.model, pair.aligner) if model}
    return sorted(named | {best if asked == "auto" else asked})


def cut_utterances(audio: Waveform, stretch: Stretch) -> list[Utterance]:
    """The stretch cut at its pauses; what is too short to have its own language stays with its neighbour.

    `audio` is 16 kHz mono of the whole piece, shape (samples,).
    """
    parts: list[list[Span]] = []
    for span in _audible(audio, stretch):
        if parts and span.start - parts[-1][-1].end < PAUSE:
            parts[-1].append(span)
        else:
            parts.append([span])
    while len(parts) > 1:
        shortest = min(range(len(parts)), key=lambda place: _seconds(parts[place]))
        if _seconds(parts[shortest]) >= SHORTEST:
            break
        before = parts[shortest][0].start - parts[shortest - 1][-1].end if shortest else float("inf")
        last = shortest == len(parts) - 1
        after = float("inf") if last else parts[shortest + 1][0].start - parts[shortest][-1].end
        first = shortest - 1 if before <= after else shortest
        parts[first : first + 2] = [parts[first] + parts[first + 1]]
    return [Utterance(Span(start=part[0].start, end=part[-1].end), part) for part in parts]


def agree(whole: Mapping[str, float], parts: Iterable[Mapping[str, float]]) -> bool:
    """Whether a stretch's utterances say nothing else than the stretch as a whole, so that none is looked at
    more closely."""
    spoken = max(whole, key=whole.__getitem__)
    return whole[spoken] > SURE and all(max(part, key=part.__getitem__) == spoken for part in parts)


def choose_languages(
    found: list[Mapping[str, float]], seconds: list[float], expected: Sequence[str] = ()
) -> list[str]:
    """One language for each utterance in turn, from Whisper's probabilities.

    The recording's own mix of languages is estimated by expectation maximisation and is the prior of each
    utterance, whose own evidence counts the less the shorter it is.
    """
    codes = sorted(set(expected) or set().union(*found))
    if not found or len(codes) == 1:
        return codes * len(found)
    trust = np.minimum(np.array(seconds) / TRUSTED, 1.0)[:, None]
    given = np.array([[max(row.get(code, 0.0), 1e-6) for code in codes] for row in found])
    usual = np.array([RARE_WEIGHT if code in RARE and not expected else 1.0 for code in codes])
    evidence = trust * np.log(given * usual)
    weight = np.array(seconds)[:, None]
    mix = np.full(len(codes), 1 / len(codes))
    for _ in range(20):
        joint = np.exp(evidence) * mix
        mix = (weight * joint / joint.sum(axis=1, keepdims=True)).sum(axis=0) / weight.sum()
        mix = np.maximum(mix, RAREST)
    return [codes[best] for best in (evidence + MIX_WEIGHT * np.log(mix)).argmax(axis=1)]


def spoken_most(seconds: Iterable[tuple[str, float]]) -> str | None:
    """The language with most seconds of words."""
    totals: dict[str, float] = {}
    for language, length in seconds:
        totals[language] = totals.get(language, 0.0) + length
    return max(totals, key=totals.__getitem__) if totals else None


def language_of_rest(found: Mapping[str, float], beside: str, expected: Sequence[str] = ()) -> str:
    """The language of a few words that were left out, by Whisper's probabilities: mostly that beside them."""
    codes = [code for code in found if code in expected] if expected else list(found)
    best = max(codes, key=found.__getitem__, default=beside)
    return best if found.get(best, 0.0) > CERTAIN else beside


def join_runs(utterances: list[Utterance], spoken: list[str], whole: Span) -> list[tuple[Stretch, str]]:
    """Neighbouring utterances of one language, together again, with the sound around them in `whole`."""
    runs = []
    for language, run in groupby(zip(utterances, spoken, strict=True), key=lambda pair: pair[1]):
        parts = [utterance for utterance, _ in run]
        runs.append((language, [voice for part in parts for voice in part.voiced]))
    spans = [Span(start=voiced[0].start, end=voiced[-1].end) for _, voiced in runs]
    wide = widen(spans, whole)
    return [(Stretch(span, voiced), language) for span, (language, voiced) in zip(wide, runs, strict=True)]


def _audible(audio: Waveform, stretch: Stretch) -> list[Span]:
    """The voiced spans without the quiet moments in them."""
    first = round(stretch.span.start * SAMPLE_RATE)
    samples = audio[first : round(stretch.span.end * SAMPLE_RATE)]
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return stretch.voiced
    loudness = 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12)
    loud = loudness > np.percentile(loudness, 95) - QUIET
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int)))
    spans = []
    for start, end in (first + edges.reshape(-1, 2) * FRAME) / SAMPLE_RATE:
        for voice in stretch.voiced:
            if max(start, voice.start) < min(end, voice.end):
                spans.append(Span(start=max(start, voice.start), end=min(end, voice.end)))
    return spans or stretch.voiced


def _seconds(spans: list[Span]) -> float:
    return sum(span.end - span.start for span in spans)


def _stored(model: str | None) -> bool:
    return model in catalogue() and has_model(str(model))
