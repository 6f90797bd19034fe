"""Which language is spoken where: stretches of speech, cut where it changes."""

from typing import Any

from containers.common.media.audio import Waveform
from containers.whisperx import encoder
from containers.whisperx.contract import TranscribeRequest
from containers.whisperx.languages import Utterance, agree, choose_languages, cut_utterances, join_runs
from containers.whisperx.speech import Stretch


def find_runs(
    whisper: Any,
    audio: Waveform,
    stretches: list[Stretch],
    expected: list[str],
    encoded: list[Any],
    places: dict[int, tuple[int, int]],
    request: TranscribeRequest,
) -> list[list[tuple[Stretch, str]]]:
    """For each stretch its parts, each in one language."""
    if len(expected) == 1:
        return [[(stretch, expected[0])] for stretch in stretches]
    found = [encoder.detect_languages(whisper, batch) for batch in encoded]
    units: list[list[Utterance]] = []
    scores: list[list[dict[str, float]]] = []
    for row, stretch in enumerate(stretches):
        number, place = places[row]
        whole = found[number][place]
        utterances = cut_utterances(audio, stretch)
        spans = [utterance.span for utterance in utterances]
        if len(utterances) > 1 and not agree(
            whole, encoder.detect_within(whisper, encoded[number], place, stretch.span, spans)
        ):
            units.append(utterances)
            scores.append(_ask_each(whisper, audio, utterances, request))
        else:
            units.append([Utterance(stretch.span, stretch.voiced)])
            scores.append([whole])
    flat = [unit for group in units for unit in group]
    spoken = iter(
        choose_languages(
            [row for group in scores for row in group], [unit.seconds for unit in flat], expected
        )
    )
    return [
        join_runs(group, [next(spoken) for _ in group], stretch.span)
        for group, stretch in zip(units, stretches, strict=True)
    ]


def _ask_each(
    whisper: Any, audio: Waveform, utterances: list[Utterance], request: TranscribeRequest
) -> list[dict[str, float]]:
    """Language probabilities of each utterance, encoded on its own: what is beside it cannot blur it."""
    answers: list[dict[str, float]] = [{} for _ in utterances]
    spans = [utterance.span for utterance in utterances]
    for batch in encoder.by_length(spans, request.batch_size):
        encoded = encoder.encode(whisper, audio, [spans[place] for place in batch], short=True)
        for place, answer in zip(batch, encoder.detect_languages(whisper, encoded), strict=True):
            answers[place] = answer
    return answers
