"""Who speaks when, by the pyannote image: long recordings in pieces, their speakers in one clustering."""

from pathlib import Path

from prefect import task

from containers.common.contract import Answer, Span
from containers.pyannote.contract import (
    Diarization,
    DiarizeRequest,
    DiarizerName,
    GroupRequest,
    Heard,
    HearRequest,
)
from tasks.calls.invoke import invoke
from tasks.calls.pieces import duration_of, even_pieces
from tasks.calls.progress import advance
from tasks.calls.side_by_side import side_by_side
from tasks.stages.diarize.options import DiarizeOptions
from tasks.stages.output import StageOutput

HEARING = 0.95  # of the work of a long recording; the rest is clustering


class DiarizedAudio(StageOutput):
    diarization: Diarization

    @property
    def summary(self) -> str:
        found, note = self.diarization, self.diarization.note
        return f"{len(found.speakers)} speakers, {len(found.turns)} turns" + (f" ({note})" if note else "")


@task
def diarize(audio: str, folder: Path, options: DiarizeOptions) -> DiarizedAudio:
    """Audio of any rate in, speaker turns, voice activity and one embedding per speaker out.

    A long recording is heard in pieces, `pieces_at_once` at a time, as a fleet of Lambdas takes them; then
    all their windows are clustered at once. What comes out is the same as without pieces; no image holds the
    whole sound.
    """
    duration = duration_of(audio)
    pieces = even_pieces(duration)
    result = (folder / "diarization.json").as_uri()
    bounds = options.model_dump(include={"num_speakers", "min_speakers", "max_speakers"})
    heard: list[Answer[Heard]] = []
    if len(pieces) == 1:
        request = DiarizeRequest(audio=audio, result_uri=result, diarizer=options.diarizer, **bounds)
        answer = invoke("pyannote", request, Diarization)
    else:
        places = [(folder / f"windows-{number}.npz") for number in range(len(pieces))]
        try:
            heard = side_by_side(
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
                diarizer=heard[0].value.diarizer,
                result_uri=result,
                **bounds,
            )
            answer = invoke("pyannote", request, Diarization)
        finally:
            for place in places:
                place.unlink(missing_ok=True)
    output = DiarizedAudio(diarization=answer.value)
    for each in (*heard, answer):
        output.add_cost(each)
    return output


def _hear(audio: str, piece: Span, is_last: bool, place: Path, diarizer: DiarizerName) -> Answer[Heard]:
    request = HearRequest(
        audio=audio,
        start=piece.start,
        end=None if is_last else piece.end,
        windows_uri=place.as_uri(),
        diarizer=diarizer,
    )
    return invoke("pyannote", request, Heard)
