"""Words get the speaker who was talking: what WhisperX's assign_word_speakers does, without its libraries."""

from bisect import bisect_left
from itertools import groupby

from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from tasks.outputs.wording import cut_text

REACH = 0.5  # seconds at a sentence's edge that another's turn may reach over
ENDS = (".", "?", "!", "…", "。", "？", "！")  # noqa: RUF001


def assign_speakers(transcript: Transcript, diarization: Diarization) -> Transcript:
    """Each word gets the speaker of the exclusive turn that covers most of it, or of the nearest turn; the
    first and last words of a sentence that another's turn beside it reaches over are the sentence's own.

    A segment in which the speaker changes is split there, so that every segment is one person's. Without
    turns nothing is changed. A segment whose speaker is known, since each channel of the sound is one
    person's, keeps that one. Takes O((words + turns) log turns).
    """
    turns = sorted(diarization.exclusive_turns, key=lambda turn: turn.start)
    if not turns:
        return transcript
    ends = [turn.end for turn in turns]  # rising too, since exclusive turns do not overlap
    segments: list[Segment] = []
    for segment in transcript.segments:
        if segment.speaker:
            words = [word.model_copy(update={"speaker": segment.speaker}) for word in segment.words]
            segments.append(segment.model_copy(update={"words": words}))
            continue
        own = _settled(segment.words, [_turn(word, turns, ends) for word in segment.words])
        words = [
            word.model_copy(update={"speaker": speaker})
            for word, speaker in zip(segment.words, own, strict=True)
        ]
        segments += _utterances(segment, words)
    return transcript.model_copy(update={"segments": segments})


def _settled(words: list[Word], said_in: list[Turn]) -> list[str]:
    """Speakers of a sentence's words: who speaks before or after it is heard a little into it.

    Turns and words are both a little beside where they are (a quarter of a second each, at worst). What
    somebody says in between has a turn of its own, most of which lies in the sentence.
    """
    speakers = [turn.speaker for turn in said_in]
    runs = [list(run) for _, run in groupby(range(len(words)), key=speakers.__getitem__)]
    if len(runs) < 2:
        return speakers
    for run, beside in ((runs[0], runs[1]), (runs[-1], runs[-2])):
        start, end = words[run[0]].start, words[run[-1]].end
        turn = said_in[run[0]]
        outside = start - turn.start if run is runs[0] else turn.end - end
        longer = words[beside[-1]].end - words[beside[0]].start >= 2 * (end - start)
        last = words[run[-1] if run is runs[0] else beside[-1]].word
        apart = last.endswith(ENDS)  # as in "Neither did I. Okay.", which segmenters take for one
        if end - start <= REACH and outside >= end - start and longer and not apart:
            for place in run:
                speakers[place] = said_in[beside[0]].speaker
    return speakers


def _turn(word: Word, turns: list[Turn], ends: list[float]) -> Turn:
    first = place = bisect_left(ends, word.start)
    best, most = None, 0.0
    while place < len(turns) and turns[place].start < word.end:
        turn = turns[place]
        overlap = min(turn.end, word.end) - max(turn.start, word.start)
        if overlap > most:
            best, most = turn, overlap
        place += 1
    if best is None:
        near = turns[max(first - 1, 0) : first + 1]
        best = min(near, key=lambda turn: max(turn.start - word.end, word.start - turn.end))
    return best


def _utterances(segment: Segment, words: list[Word]) -> list[Segment]:
    pieces = zip(words, cut_text(segment.text, words), strict=True)
    runs = [(speaker, list(run)) for speaker, run in groupby(pieces, key=lambda piece: piece[0].speaker)]
    if len(runs) <= 1:
        return [segment.model_copy(update={"words": words, "speaker": runs[0][0] if runs else None})]
    return [
        Segment(
            start=run[0][0].start,
            end=run[-1][0].end,
            text="".join(piece for _, piece in run).strip(),
            speaker=speaker,
            language=segment.language,
            flags=segment.flags,
            words=[word for word, _ in run],
        )
        for speaker, run in runs
    ]
