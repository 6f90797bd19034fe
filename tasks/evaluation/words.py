"""Word and character error rates, and how far words' times are off.

WER = (S + D + I) / N over all items together, after Whisper's normalisation (A. Radford et al., Robust Speech
Recognition via Large-Scale Weak Supervision, 2022, app. C). CER is the same over characters without spaces.
Korean has its numbers in one spelling and is counted with the reference's spaces as well (`korean.py`).
Alignment errors: words that were recognised, whose time the reference has.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import jiwer
import numpy as np
import pandas as pd
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from containers.common.contract import Span
from containers.common.documents.speech import Segment, Transcript, Word
from tasks.evaluation.korean import read_numbers, spaced_alike
from tasks.evaluation.nist import Utterance, choices
from tasks.evaluation.statistics import Measure, Value, ratio

# Written without spaces between words: WER counts characters (Radford et al., app. C).
WITHOUT_SPACES = frozenset(["zh", "ja", "th", "lo", "my", "km", "yue"])


def _median_error(rows: pd.DataFrame) -> Value:
    """Weighted median of all absolute errors of the rows, milliseconds."""
    errors = rows["time_errors"].tolist()
    lengths = np.array([len(each) for each in errors], dtype=np.intp)
    every = 1000 * np.abs(np.concatenate([np.zeros(0), *errors]))
    order = np.argsort(every, kind="stable")
    owner = np.repeat(np.arange(len(rows)), lengths)[order]

    def value(weights: np.ndarray) -> float:
        total = np.cumsum(weights[owner])
        if not len(total) or total[-1] == 0:
            return np.nan
        return float(every[order[np.searchsorted(total, total[-1] / 2)]])

    return value


MEASURES = [
    Measure("wer", "Word error rate", "lower", ratio("errors", "words")),
    Measure("cer", "Character error rate", "lower", ratio("character_errors", "characters")),
    Measure(
        "wer_spaced",
        "Word error rate, spaces as in the reference (Korean)",
        "lower",
        ratio("spaced_errors", "spaced_words"),
        amount="spaced_words",
    ),
    Measure("alignment", "Median alignment error", "lower", _median_error, "ms", 0),
]


class _Token(NamedTuple):
    text: str
    start: float | None
    end: float | None


@cache
def normaliser(language: str | None) -> Callable[[str], str]:
    """Whisper's: numbers, spellings and contractions in English; elsewhere case and punctuation; in Korean
    numbers too.

    Marks stay, since in many scripts they are vowels; scripts without spaces are split into characters.
    """
    if language == "en":
        return EnglishTextNormalizer()
    basic = BasicTextNormalizer(preserve_marks=True, split_letters=language in WITHOUT_SPACES)
    if language == "ko":
        return lambda text: basic(read_numbers(text)).strip()
    return lambda text: basic(text).strip()


def score_words(
    reference: Sequence[Utterance],
    found: Transcript,
    language: str | None,
    scored: Sequence[Span] | None = None,
) -> dict[str, Any]:
    """One row: counts of words and characters, of errors, the texts, and errors of times in seconds.

    What the reference says not to score, and what lies outside of `scored`, counts on neither side:
    utterances and words whose middle is there (as NIST's sclite has it).
    """
    normalise = normaliser(language)
    kept, found = scored_parts(reference, found, scored)
    hypothesis = normalise(" ".join(segment.text for segment in found.segments))
    said = resolve(kept, hypothesis, normalise)
    words, characters = _count(said.split(), hypothesis.split()), _count(_letters(said), _letters(hypothesis))
    times = time_errors(kept, found, language)
    spaced = spaced_alike(said.split(), hypothesis.split()) if language == "ko" else None
    return {
        "words": words["total"],
        "substitutions": words["substitutions"],
        "deletions": words["deletions"],
        "insertions": words["insertions"],
        "errors": words["errors"],
        "characters": characters["total"],
        "character_errors": characters["errors"],
        "time_errors": times,
        "spaced_words": words["total"] if spaced is not None else 0,
        "spaced_errors": _count(said.split(), spaced)["errors"] if spaced is not None else 0,
        "said": said,
        "heard": hypothesis,
        "as_said": " ".join(plain(each) for each in kept),
        "as_heard": " ".join(segment.text.strip() for segment in found.segments),
    }


def scored_parts(
    reference: Sequence[Utterance], found: Transcript, scored: Sequence[Span] | None
) -> tuple[list[Utterance], Transcript]:
    """What counts of both."""
    kept = [said for said in reference if not said.ignored and _inside(said.start, said.end, scored)]
    return kept, _scored_part(found, [said for said in reference if said.ignored], scored)


def plain(said: Utterance) -> str:
    """As it is spoken: of what may be said the first, of what may be left out everything."""
    return " ".join("".join(part[0] for part in _choices(said)).split())


def resolve(reference: Sequence[Utterance], hypothesis: str, normalise: Callable[[str], str]) -> str:
    """The reference's words, normalised; where it allows several, those that `hypothesis` agrees with best.

    Choices are made one after another, each by the errors of the whole.
    """
    parts = [[normalise(one) for one in part] for said in reference for part in _choices(said)]
    chosen = [part[0] for part in parts]
    tokens = hypothesis.split()

    def errors(words: list[str]) -> int:
        return _count(" ".join(words).split(), tokens)["errors"]

    for place, part in enumerate(parts):
        if len(part) > 1:
            chosen[place] = min(part, key=lambda one: errors([*chosen[:place], one, *chosen[place + 1 :]]))
    return " ".join(" ".join(chosen).split())


def _choices(said: Utterance) -> list[list[str]]:
    return choices(said.text) if said.marked else [[said.text]]


def _inside(start: float | None, end: float | None, spans: Sequence[Span] | None) -> bool:
    """Whether the middle lies in a span; what has no time does, and everything where no spans are given."""
    if spans is None or start is None or end is None:
        return True
    return any(span.start <= (start + end) / 2 < span.end for span in spans)


def _scored_part(
    found: Transcript, ignored: Sequence[Utterance], scored: Sequence[Span] | None
) -> Transcript:
    """The words that count; a segment without words is judged as a whole."""
    if not ignored and scored is None:
        return found
    out = [Span(start=said.start or 0.0, end=said.end or 0.0) for said in ignored]

    def counts(one: Word | Segment) -> bool:
        return _inside(one.start, one.end, scored) and not (out and _inside(one.start, one.end, out))

    segments = []
    for segment in found.segments:
        if not segment.words:
            segments += [segment] if counts(segment) else []
        elif kept := [word for word in segment.words if counts(word)]:
            whole = len(kept) == len(segment.words)
            text = segment.text if whole else " ".join(word.word for word in kept)
            segments.append(segment.model_copy(update={"words": kept, "text": text}))
    return found.model_copy(update={"segments": segments})


def time_errors(reference: Sequence[Utterance], found: Transcript, language: str | None) -> list[float]:
    """Found less true time, seconds, of the starts and ends of recognised words that have a true time."""
    normalise = normaliser(language)
    true = [token for said in reference for token in _tokens(normalise, said)]
    hypothesis = [
        token
        for segment in found.segments
        for word in segment.words
        for token in _tokens(normalise, Utterance(word.word, word.start, word.end))
    ]
    if not true or not hypothesis:
        return []
    aligned = jiwer.process_words(" ".join(t.text for t in true), " ".join(t.text for t in hypothesis))
    errors = []
    for chunk in aligned.alignments[0]:
        if chunk.type == "equal":
            sure = true[chunk.ref_start_idx : chunk.ref_end_idx]
            for one, other in zip(sure, hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx], strict=True):
                for known, time in ((one.start, other.start), (one.end, other.end)):
                    if known is not None and time is not None:
                        errors.append(round(time - known, 4))
    return errors


def _tokens(normalise: Callable[[str], str], said: Utterance) -> list[_Token]:
    """Normalised words; the first has the utterance's start and the last its end."""
    written = "".join(part[0] for part in _choices(said))
    texts = [text for word in written.split() for text in normalise(word).split()]
    last = len(texts) - 1
    return [
        _Token(text, said.start if number == 0 else None, said.end if number == last else None)
        for number, text in enumerate(texts)
    ]


def _letters(text: str) -> list[str]:
    return list(text.replace(" ", ""))


def _count(said: list[str], hypothesis: list[str]) -> dict[str, int]:
    """Errors of the cheapest alignment of two sequences of tokens."""
    if not said or not hypothesis:
        found = {"substitutions": 0, "deletions": len(said), "insertions": len(hypothesis)}
    else:
        aligned = jiwer.process_words(" ".join(said), " ".join(hypothesis))
        found = {name: getattr(aligned, name) for name in ("substitutions", "deletions", "insertions")}
    return found | {"total": len(said), "errors": sum(found.values())}
