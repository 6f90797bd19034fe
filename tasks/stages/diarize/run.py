"""Who speaks when, by the pyannote image: long recordings in pieces, their speakers in one clustering."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from prefect import task

from containers.common.contract import Answer, Span
from containers.common.documents.speakers import Diarization, Turn
from containers.pyannote.contract import (
    DiarizeRequest,
    DiarizerName,
    GroupRequest,
    HearRequest,
    WindowScores,
    lacking,
)
from tasks.calls.invoke import invoke
from tasks.calls.pieces import duration_of, even_pieces
from tasks.calls.progress import advance, share_of
from tasks.calls.side_by_side import side_by_side
from tasks.media.channels import voice_of
from tasks.stages.diarize.options import DiarizeOptions
from tasks.stages.output import StageOutput
from tasks.stages.times import later

NOBODY = Diarization(turns=[], exclusive_turns=[], voice_activity=[], speakers=[])
HEARING = 0.95  # of the work of a long recording; the rest is clustering


class DiarizedAudio(StageOutput):
    diarization: Diarization

    @property
    def summary(self) -> str:
        found, note = self.diarization, self.diarization.note
        return f"{len(found.speakers)} speakers, {len(found.turns)} turns" + (f" ({note})" if note else "")


@task
def diarize_channels(
    channels: list[str], folder: Path, options: DiarizeOptions, start: float = 0.0
) -> DiarizedAudio:
    """As `diarize` of each channel of a recording, one speaker each, whose turns may overlap the others'."""
    alone = options.model_copy(update={"num_speakers": 1, "min_speakers": None, "max_speakers": None})
    output = DiarizedAudio(diarization=NOBODY.model_copy(deep=True))
    for number, audio in enumerate(channels):
        place = folder / f"channel-{number + 1}"
        place.mkdir(exist_ok=True)
        with share_of(number, len(channels)):
            found = diarize.fn(audio, place, alone, start)
        own = {"speaker": voice_of(number)}
        whole, part = output.diarization, found.diarization
        whole.turns += [turn.model_copy(update=own) for turn in part.turns]
        whole.speakers += [speaker.model_copy(update=own) for speaker in part.speakers]
        whole.voice_activity += part.voice_activity
        output.add_cost(found)
    whole = output.diarization
    whole.turns.sort(key=lambda turn: (turn.start, turn.end))
    whole.exclusive_turns = one_at_a_time(whole.turns)
    whole.voice_activity = together(whole.voice_activity)
    whole.note = lacking(whole, options.num_speakers, options.min_speakers)
    return output


def one_at_a_time(turns: Sequence[Turn]) -> list[Turn]:
    """Turns in the order of their starts with overlap resolved: who has the word keeps it."""
    kept: list[Turn] = []
    for turn in turns:
        start = max(turn.start, kept[-1].end if kept else 0.0)
        if start < turn.end:
            kept.append(turn.model_copy(update={"start": start}))
    return kept


def together(spans: Iterable[Span]) -> list[Span]:
    """Spans of any order as those that do not touch."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: span.start):
        if joined and span.start <= joined[-1].end:
            joined[-1] = Span(start=joined[-1].start, end=max(joined[-1].end, span.end))
        else:
            joined.append(span)
    return joined


@task
def diarize(audio: str, folder: Path, options: DiarizeOptions, start: float = 0.0) -> DiarizedAudio:
    """Audio of any rate in, speaker turns, voice activity and one embedding per speaker out.

    `start`: seconds of the media at which the audio begins; times out are the media's.

    A long recording is heard in pieces, `pieces_at_once` at a time, as a fleet of Lambdas takes them; then
    all their windows are clustered at once. What comes out is the same as without pieces; no image holds the
    whole sound.
    """
    duration = duration_of(audio)
    pieces = even_pieces(duration)
    result = (folder / "diarization.json").as_uri()
    bounds = options.model_dump(include={"num_speakers", "min_speakers", "max_speakers"})
    scored: list[Answer[WindowScores]] = []
    if len(pieces) == 1:
        request = DiarizeRequest(audio=audio, result_uri=result, diarizer=options.diarizer, **bounds)
        answer = invoke("pyannote", request, Diarization)
    else:
        places = [(folder / f"windows-{number}.npz") for number in range(len(pieces))]
        try:
            scored = side_by_side(
                lambda number: _hear(
                    audio, pieces[number], number == len(pieces) - 1, places[number], options.diarizer
                ),
                range(len(pieces)),
                options.pieces_at_once,
                lambda done: advance("diarize", HEARING * done / len(pieces)),
            )
            request = GroupRequest(
                windows=[place.as_uri() for place in places],
                duration=duration,
                diarizer=scored[0].value.diarizer,
                result_uri=result,
                **bounds,
            )
            answer = invoke("pyannote", request, Diarization)
        finally:
            for place in places:
                place.unlink(missing_ok=True)
    output = DiarizedAudio(diarization=later(answer.value, start))
    for each in (*scored, answer):
        output.add_cost(each)
    return output


def _hear(
    audio: str, piece: Span, is_last: bool, place: Path, diarizer: DiarizerName
) -> Answer[WindowScores]:
    request = HearRequest(
        audio=audio,
        start=piece.start,
        end=None if is_last else piece.end,
        windows_uri=place.as_uri(),
        diarizer=diarizer,
    )
    return invoke("pyannote", request, WindowScores)
