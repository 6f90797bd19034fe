"""Diarization error rate, Jaccard error rate and the number of speakers, by pyannote.metrics.

DER = (false alarm + missed + confused) / speech, in seconds (NIST, The 2009 (RT-09) Rich Transcription
Evaluation Plan), without a collar and with overlapped speech. JER: N. Ryant et al., The Second DIHARD
Diarization Challenge, 2019, sec. 3.2: the mean over true speakers of what the speaker found does not share.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

from containers.common.contract import Span
from containers.common.documents.speakers import Turn
from tasks.evaluation.statistics import Measure, mean, ratio

FORGIVING = (
    0.5  # seconds around each boundary, 0.25 on either side, as NIST forgave: pyannote.metrics' collar
)

MEASURES = [
    Measure("der", "Diarization error rate", "lower", ratio("error_seconds", "speech_seconds")),
    Measure(
        "der_collar",
        "DER, 0.25 s around boundaries forgiven",
        "lower",
        ratio("forgiven_error_seconds", "forgiven_speech_seconds"),
    ),
    Measure("jer", "Jaccard error rate", "lower", ratio("speaker_error", "speakers")),
    Measure("missed", "Speech missed", "lower", ratio("missed_seconds", "speech_seconds")),
    Measure("false_alarm", "Speech that is none", "lower", ratio("false_alarm_seconds", "speech_seconds")),
    Measure("confusion", "Speech of another speaker", "lower", ratio("confused_seconds", "speech_seconds")),
    Measure("count_error", "Speakers too many or too few", "lower", mean("count_error"), "speakers", 2),
]


def annotation(turns: Iterable[Turn]) -> Annotation:
    """A speaker's overlapping turns are one turn, as NIST's md-eval and dscore read them."""
    last: dict[str, Turn] = {}
    whole = []
    for turn in sorted(turns, key=lambda one: (one.start, one.end)):
        before = last.get(turn.speaker)
        if before is not None and turn.start < before.end:
            before.end = max(before.end, turn.end)
        else:
            last[turn.speaker] = turn.model_copy()
            whole.append(last[turn.speaker])
    found = Annotation()
    for number, turn in enumerate(whole):
        found[Segment(turn.start, turn.end), number] = turn.speaker
    return found


def named_alike(reference: Iterable[Turn], found: Iterable[Turn]) -> list[Turn]:
    """The turns found, with the true speakers' names where they are the same by the best one-to-one match."""
    given = list(found)
    same = DiarizationErrorRate().optimal_mapping(annotation(reference), annotation(given))
    return [turn.model_copy(update={"speaker": same.get(turn.speaker, turn.speaker)}) for turn in given]


def score_turns(
    reference: Iterable[Turn], found: Iterable[Turn], duration: float, scored: Sequence[Span] | None = None
) -> dict[str, Any]:
    """One row: seconds of speech and of each error in `duration` seconds, and the numbers of speakers.

    With `scored` only what lies in one of its spans counts.
    """
    true, hypothesis = annotation(reference), annotation(found)
    ends = [duration, *(segment.end for one in (true, hypothesis) for segment in one.itersegments())]
    whole = Timeline([Segment(0, max(ends))])
    if scored is not None:
        whole = Timeline([Segment(one.start, min(one.end, max(ends))) for one in scored]).support()
        true, hypothesis = true.crop(whole), hypothesis.crop(whole)
    # With `detailed` they give a dictionary; their own types say float.
    strict: Any = DiarizationErrorRate()(true, hypothesis, uem=whole, detailed=True)
    forgiving: Any = DiarizationErrorRate(collar=FORGIVING)(true, hypothesis, uem=whole, detailed=True)
    jaccard: Any = JaccardErrorRate()(true, hypothesis, uem=whole, detailed=True)
    speakers, count = len(true.labels()), len(hypothesis.labels())
    return {
        "speech_seconds": strict["total"],
        "missed_seconds": strict["missed detection"],
        "false_alarm_seconds": strict["false alarm"],
        "confused_seconds": strict["confusion"],
        "error_seconds": _errors(strict),
        "forgiven_speech_seconds": forgiving["total"],
        "forgiven_error_seconds": _errors(forgiving),
        "speaker_error": jaccard["speaker error"],
        "speakers": speakers,
        "speakers_found": count,
        "count_error": abs(count - speakers),
    }


def _errors(seconds: Any) -> float:
    return seconds["missed detection"] + seconds["false alarm"] + seconds["confusion"]


def totals(rows: pd.DataFrame) -> pd.Series:
    """Share of all speech in each kind of error: they sum to the DER."""
    parts = rows[["missed_seconds", "false_alarm_seconds", "confused_seconds"]].sum()
    return parts / rows["speech_seconds"].sum()
