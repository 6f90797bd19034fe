"""Words get the speaker who was talking: what whisperX's assign_word_speakers does, without its libraries."""

from bisect import bisect_left
from itertools import groupby

from containers.pyannote.contract import Diarization, Turn
from containers.whisperx.contract import Segment, Transcript, Word


def assign_speakers(transcript: Transcript, diarization: Diarization) -> Transcript:
    """Each word gets the speaker of the exclusive turn that covers most of it, or of the nearest turn.

    A segment in which the speaker changes is split there, so that every segment is one person's. Without
    turns nothing is changed.
    """
    turns = sorted(diarization.exclusive_turns, key=lambda turn: turn.start)
    if not turns:
        return transcript
    ends = [turn.end for turn in turns]  # rising too, since exclusive turns do not overlap
    segments = []
    for segment in transcript.segments:
        words = [word.model_copy(update={"speaker": _speaker(word, turns, ends)}) for word in segment.words]
        segments += _utterances(segment, words)
    return Transcript(segments=segments, language=transcript.language)


def _speaker(word: Word, turns: list[Turn], ends: list[float]) -> str:
    first = bisect_left(ends, word.start)
    best, most = None, 0.0
    for turn in turns[first:]:
        if turn.start > word.end:
            break
        overlap = min(turn.end, word.end) - max(turn.start, word.start)
        if overlap > most:
            best, most = turn, overlap
    if best is None:
        near = turns[max(first - 1, 0) : first + 1]
        best = min(near, key=lambda turn: max(turn.start - word.end, word.start - turn.end))
    return best.speaker


def _utterances(segment: Segment, words: list[Word]) -> list[Segment]:
    runs = [(speaker, list(run)) for speaker, run in groupby(words, key=lambda word: word.speaker)]
    if len(runs) <= 1:
        return [segment.model_copy(update={"words": words, "speaker": runs[0][0] if runs else None})]
    spaced = " " in segment.text
    return [
        Segment(
            start=run[0].start,
            end=run[-1].end,
            text=(" " if spaced else "").join(word.word for word in run),
            speaker=speaker,
            words=run,
        )
        for speaker, run in runs
    ]
