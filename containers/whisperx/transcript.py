"""From stretches of speech to the transcript: each in its own language, with that language's models."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from containers.common.contract import Span
from containers.common.documents.speech import Dropped, Segment, Transcript
from containers.common.media.audio import Waveform
from containers.whisperx import align, encoder, words
from containers.whisperx.contract import LanguageModels, TranscribeRequest
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
    transcriber = _Transcriber(models, audio, expected, request)
    for start in range(0, len(stretches), BLOCK):
        for part, hypothesis in transcriber.listen(stretches[start : start + BLOCK]):
            said = transcriber.write(part, hypothesis)
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


class _Transcriber:
    """One recording, 16 kHz mono, on its way to words, with what was asked for."""

    def __init__(
        self, models: Models, audio: Waveform, expected: list[str], request: TranscribeRequest
    ) -> None:
        self.models, self.audio, self.expected, self.request = models, audio, expected, request
        self.first, self._best = first_model(request), best_of(request)
        self._before = Before()

    def _models_of(self, language: str) -> LanguageModels:
        return models_of(language, self.request.model, self.request.languages, self._best)

    def _whisper_of(self, language: str) -> str:
        return str(self._models_of(language).model)

    def _encode(self, model: str, parts: list[Passage]) -> Any:
        return encoder.encode(self.models.whisper(model), self.audio, [part.stretch.span for part in parts])

    def listen(self, stretches: list[Stretch]) -> Iterator[tuple[Passage, words.Hypothesis]]:
        """Every part of the stretches that is in one language, with what Whisper writes for it."""
        whisper = self.models.whisper(self.first)
        spans = [stretch.span for stretch in stretches]
        batches = encoder.by_length(spans, self.request.batch_size)
        waiting: dict[str, list[tuple[Stretch, str]]] = {}
        encoded = [encoder.encode(whisper, self.audio, [spans[row] for row in batch]) for batch in batches]
        places = {
            row: (number, place) for number, batch in enumerate(batches) for place, row in enumerate(batch)
        }
        runs = find_runs(whisper, self.audio, stretches, self.expected, encoded, places, self.request)
        if self.request.condition_on_previous_text:
            views = [
                encoder.rows(encoded[number], [place])
                for number, place in (places[row] for row in sorted(places))
            ]
            whole = [Stretch(span, stretch.voiced) for span, stretch in zip(spans, stretches, strict=True)]
            yield from self._in_order(whole, views, runs)
            return
        ready: list[list[tuple[int, Passage]]] = [[] for _ in batches]
        for row, parts in enumerate(runs):
            for stretch, language in parts:
                model = self._whisper_of(language)
                if len(parts) == 1 and model == self.first:
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
                yield from self._decode(self.first, view, alike)
            encoded[number] = None
        for model, parts in waiting.items():
            for batch in encoder.by_length([stretch.span for stretch, _ in parts], self.request.batch_size):
                chosen_parts = [Passage(*parts[place]) for place in batch]
                view = self._encode(model, chosen_parts)
                yield from self._decode(model, view, chosen_parts)

    def _in_order(
        self, stretches: list[Stretch], views: list[Any], runs: list[list[tuple[Stretch, str]]]
    ) -> Iterator[tuple[Passage, words.Hypothesis]]:
        """One part after the other, each in the light of what was said before; `views`: encoded stretches."""
        for whole, view, parts in zip(stretches, views, runs, strict=True):
            for stretch, language in parts:
                model = self._whisper_of(language)
                part = Passage(whole if len(parts) == 1 else stretch, language)
                if len(parts) > 1 or model != self.first:
                    view = self._encode(model, [part])
                for found, hypothesis in self._decode(model, view, [part], before=self._before.of(language)):
                    if not found.rest:
                        self._before.follow(found, hypothesis)
                    yield found, hypothesis

    def _decode(
        self, name: str, encoded: Any, parts: list[Passage], tries: int = TRIES, before: str = ""
    ) -> Iterator[tuple[Passage, words.Hypothesis]]:
        """What Whisper `name` writes for encoded parts, and for voice in them that it left without words."""
        whisper, request = self.models.whisper(name), self.request
        spans, spoken = [part.stretch.span for part in parts], [part.language for part in parts]
        hypotheses = words.decode(whisper, encoded, spans, spoken, request, before=before)
        hypotheses = words.fall_back(whisper, encoded, spans, spoken, request, hypotheses, before)
        if request.task == "translate":
            tries = 0  # a translation's words lie where its own order puts them, not each where it was said
        rests: list[Passage] = []
        for row, (part, first) in enumerate(zip(parts, hypotheses, strict=True)):
            pauses = find_pauses(self.audio, part.stretch.span)
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
            yield from self._hear_rests(chosen, tries - 1)

    def _hear_rests(self, rests: list[Passage], tries: int) -> Iterator[tuple[Passage, words.Hypothesis]]:
        """What is said there, perhaps in a language that is too short to be found beside the other one."""
        encoded = self._encode(self.first, rests)
        if len(self.expected) != 1:
            found = encoder.detect_languages(self.models.whisper(self.first), encoded)
            rests = [
                rest._replace(language=language_of_rest(answer, rest.language, self.expected))
                for rest, answer in zip(rests, found, strict=True)
            ]
        names = [self._whisper_of(rest.language) for rest in rests]
        for name in dict.fromkeys(names):
            places = [place for place, other in enumerate(names) if other == name]
            chosen = [rests[place] for place in places]
            view = encoder.rows(encoded, places)
            if name != self.first:
                view = self._encode(name, chosen)
            yield from self._decode(name, view, chosen, tries)

    def write(self, part: Passage, hypothesis: words.Hypothesis) -> Said:
        """What is kept of one part, what is dropped, and what timed its words."""
        silent = judge_stretch(hypothesis, part.stretch)
        if silent:
            return Said([], [silent], {})
        said, dropped = cut_loops(hypothesis.words, part.stretch, part.bursts)
        timed_by = OWN_TIMES
        aligner = self._models_of(part.language).aligner
        request = self.request
        language = words.text_language(part.language, request.task)
        if aligner and said and request.align and request.task == "transcribe":
            loaded = self.models.aligner(aligner, part.language)
            aligned = align.align(loaded, self.audio, part.stretch.span, said, self.models.device)
            said, timed_by = (aligned, aligner) if aligned else (said, timed_by)
        segments = split_segments(said, part.stretch.span, language)
        if language != part.language:
            segments = [segment.model_copy(update={"translated_from": part.language}) for segment in segments]
        kept, unheard = judge_segments(segments, part.stretch, hypothesis.logprob, timed_by == OWN_TIMES)
        return Said(kept, dropped + unheard, {language: timed_by} if kept else {})
