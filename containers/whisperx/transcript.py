"""From stretches of speech to the transcript: each in its own language, with that language's models."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from containers.common.contract import Span
from containers.common.documents.speech import Dropped, Segment, Transcript
from containers.common.media.audio import Waveform
from containers.whisperx import align, encoder, words
from containers.whisperx.contract import TranscribeRequest
from containers.whisperx.doubts import cut_loops, is_loop, judge_segments, judge_stretch
from containers.whisperx.languages import (
    best_of,
    first_model,
    language_of_rest,
    models_of,
    spoken_most,
)
from containers.whisperx.rests import Rest, believe, find_rests
from containers.whisperx.runs import find_runs
from containers.whisperx.segments import split_segments
from containers.whisperx.speech import Stretch
from containers.whisperx.times import cut_at_pauses, find_pauses, refine

BLOCK = 20  # stretches whose encoder output is held at a time: ten minutes of speech, some 60 MB
OWN_TIMES = "whisper"
TRIES = 2  # times that voice without words is heard again
REMEMBERED = 1000  # characters of what was said before; the decoder takes as many of their tokens as fit


class Models(Protocol):
    """Loaded models by catalogue id; `device` is where they compute."""

    device: str

    def whisper(self, model: str) -> Any: ...
    def aligner(self, model: str, language: str) -> Any: ...


class Passage(NamedTuple):
    """Speech in one language; `rest` where it was left without words, `bursts` between its pauses."""

    stretch: Stretch
    language: str
    rest: Rest | None = None
    bursts: list[Span] | None = None


@dataclass
class Before:
    """What was said last, for a decoder that goes on with it."""

    text: str = ""
    language: str = ""

    def of(self, language: str) -> str:
        return self.text if language == self.language else ""

    def follow(self, part: Passage, hypothesis: words.Hypothesis) -> None:
        """A loop or silence would go on in what follows."""
        lost = hypothesis.repeats or hypothesis.is_silence
        self.text = "" if lost else f"{self.of(part.language)} {hypothesis.text}"[-REMEMBERED:]
        self.language = part.language


class Said(NamedTuple):
    segments: list[Segment]
    dropped: list[Dropped]
    word_times: dict[str, str]


def transcribe_speech(
    models: Models,
    audio: Waveform,
    stretches: list[Stretch],
    expected: list[str],
    request: TranscribeRequest,
) -> Transcript:
    """16 kHz mono, shape (samples,), and its stretches of speech in; segments of timed words out."""
    segments: list[Segment] = []
    dropped: list[Dropped] = []
    word_times: dict[str, str] = {}
    before = Before()
    for start in range(0, len(stretches), BLOCK):
        block = stretches[start : start + BLOCK]
        for part, hypothesis in _listen(models, audio, block, expected, request, before):
            said = _write(models, audio, part, hypothesis, request)
            segments += said.segments
            dropped += said.dropped
            word_times |= said.word_times
    segments.sort(key=lambda segment: segment.start)
    dropped.sort(key=lambda part: part.start)
    seconds = [(str(part.language), word.end - word.start) for part in segments for word in part.words]
    return Transcript(
        segments=segments,
        language=spoken_most(seconds),
        dropped=dropped or None,
        word_times=word_times or None,
    )


def _listen(
    models: Models,
    audio: Waveform,
    stretches: list[Stretch],
    expected: list[str],
    request: TranscribeRequest,
    before: Before,
) -> Iterator[tuple[Passage, words.Hypothesis]]:
    """Every part of the stretches that is in one language, with what Whisper writes for it."""
    first, best = first_model(request), best_of(request)
    whisper = models.whisper(first)
    spans = [stretch.span for stretch in stretches]
    batches = encoder.by_length(spans, request.batch_size)
    waiting: dict[str, list[tuple[Stretch, str]]] = {}
    encoded = [encoder.encode(whisper, audio, [spans[row] for row in batch]) for batch in batches]
    places = {row: (number, place) for number, batch in enumerate(batches) for place, row in enumerate(batch)}
    runs = find_runs(whisper, audio, stretches, expected, encoded, places, request)
    if request.condition_on_previous_text:
        views = [
            encoder.rows(encoded[number], [place])
            for number, place in (places[row] for row in sorted(places))
        ]
        whole = [Stretch(span, stretch.voiced) for span, stretch in zip(spans, stretches, strict=True)]
        yield from _in_order(models, audio, whole, views, runs, expected, request, before)
        return
    ready: list[list[tuple[int, Passage]]] = [[] for _ in batches]
    for row, parts in enumerate(runs):
        for stretch, language in parts:
            model = str(models_of(language, request.model, request.languages, best).model)
            if len(parts) == 1 and model == first:
                number, place = places[row]
                whole = Stretch(spans[row], stretch.voiced)  # what was encoded
                ready[number].append((place, Passage(whole, language)))
            else:
                waiting.setdefault(model, []).append((stretch, language))
    for number, chosen in enumerate(ready):
        if chosen:
            chosen.sort(key=lambda pair: pair[0])
            view = encoder.rows(encoded[number], [place for place, _ in chosen])
            alike = [part for _, part in chosen]
            yield from _decode(models, first, audio, view, alike, expected, request)
        encoded[number] = None
    for model, parts in waiting.items():
        for batch in encoder.by_length([stretch.span for stretch, _ in parts], request.batch_size):
            chosen_parts = [Passage(*parts[place]) for place in batch]
            view = encoder.encode(models.whisper(model), audio, [part.stretch.span for part in chosen_parts])
            yield from _decode(models, model, audio, view, chosen_parts, expected, request)


def _in_order(
    models: Models,
    audio: Waveform,
    stretches: list[Stretch],
    views: list[Any],
    runs: list[list[tuple[Stretch, str]]],
    expected: list[str],
    request: TranscribeRequest,
    before: Before,
) -> Iterator[tuple[Passage, words.Hypothesis]]:
    """One part after the other, each in the light of what was said before; `views` are encoded stretches."""
    first, best = first_model(request), best_of(request)
    for whole, view, parts in zip(stretches, views, runs, strict=True):
        for stretch, language in parts:
            model = str(models_of(language, request.model, request.languages, best).model)
            part = Passage(whole if len(parts) == 1 else stretch, language)
            if len(parts) > 1 or model != first:
                view = encoder.encode(models.whisper(model), audio, [part.stretch.span])
            text = before.of(language)
            for found, hypothesis in _decode(
                models, model, audio, view, [part], expected, request, TRIES, text
            ):
                if not found.rest:
                    before.follow(found, hypothesis)
                yield found, hypothesis


def _decode(
    models: Models,
    name: str,
    audio: Waveform,
    encoded: Any,
    parts: list[Passage],
    expected: list[str],
    request: TranscribeRequest,
    tries: int = TRIES,
    before: str = "",
) -> Iterator[tuple[Passage, words.Hypothesis]]:
    """What Whisper `name` writes for encoded parts, and for the voice in them that it left without words."""
    whisper = models.whisper(name)
    spans, spoken = [part.stretch.span for part in parts], [part.language for part in parts]
    hypotheses = words.decode(whisper, encoded, spans, spoken, request, before=before)
    hypotheses = words.fall_back(whisper, encoded, spans, spoken, request, hypotheses, before)
    if request.task == "translate":
        tries = 0  # a translation's words lie where its own order puts them, not each where it was said
    rests: list[Passage] = []
    for row, (part, first) in enumerate(zip(parts, hypotheses, strict=True)):
        pauses = find_pauses(audio, part.stretch.span)
        bursts = cut_at_pauses(part.stretch.voiced, pauses)
        if is_loop(first, part.stretch, bursts):
            alone = (encoder.rows(encoded, [row]), [spans[row]], [part.language])
            (first,) = words.decode(whisper, *alone, request, words.NO_REPEAT)
        first = first._replace(words=refine(first.words, pauses, part.stretch.span))
        found = believe(first, part.rest) if part.rest else first
        if found is None:
            continue
        yield part._replace(bursts=bursts), found
        if tries and not found.is_silence:
            left = find_rests(first.words, part.stretch._replace(voiced=bursts))
            rests += [Passage(rest.stretch, part.language, rest) for rest in left if rest != part.rest]
    for batch in encoder.by_length([rest.stretch.span for rest in rests], request.batch_size):
        chosen = [rests[place] for place in batch]
        yield from _hear_rests(models, audio, chosen, expected, request, tries - 1)


def _hear_rests(
    models: Models,
    audio: Waveform,
    rests: list[Passage],
    expected: list[str],
    request: TranscribeRequest,
    tries: int,
) -> Iterator[tuple[Passage, words.Hypothesis]]:
    """What is said there, perhaps in a language that is too short to be found beside the other one."""
    first, best = first_model(request), best_of(request)
    encoded = encoder.encode(models.whisper(first), audio, [rest.stretch.span for rest in rests])
    if len(expected) != 1:
        found = encoder.detect_languages(models.whisper(first), encoded)
        rests = [
            rest._replace(language=language_of_rest(answer, rest.language, expected))
            for rest, answer in zip(rests, found, strict=True)
        ]
    names = [str(models_of(rest.language, request.model, request.languages, best).model) for rest in rests]
    for name in dict.fromkeys(names):
        places = [place for place, other in enumerate(names) if other == name]
        chosen = [rests[place] for place in places]
        view = encoder.rows(encoded, places)
        if name != first:
            view = encoder.encode(models.whisper(name), audio, [part.stretch.span for part in chosen])
        yield from _decode(models, name, audio, view, chosen, expected, request, tries)


def _write(
    models: Models, audio: Waveform, part: Passage, hypothesis: words.Hypothesis, request: TranscribeRequest
) -> Said:
    """What is kept of one part, what is dropped, and what timed its words."""
    silent = judge_stretch(hypothesis, part.stretch)
    if silent:
        return Said([], [silent], {})
    said, dropped = cut_loops(hypothesis.words, part.stretch, part.bursts)
    timed_by = OWN_TIMES
    aligner = models_of(part.language, request.model, request.languages, best_of(request)).aligner
    language = words.text_language(part.language, request.task)
    if aligner and said and request.align and request.task == "transcribe":
        loaded = models.aligner(aligner, part.language)
        aligned = align.align(loaded, audio, part.stretch.span, said, models.device)
        said, timed_by = (aligned, aligner) if aligned else (said, timed_by)
    segments = split_segments(said, part.stretch.span, language)
    if language != part.language:
        segments = [segment.model_copy(update={"translated_from": part.language}) for segment in segments]
    kept, unheard = judge_segments(segments, part.stretch, hypothesis.logprob, timed_by == OWN_TIMES)
    return Said(kept, dropped + unheard, {language: timed_by} if kept else {})
