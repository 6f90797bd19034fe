"""Speech to timed words, by the whisperx image: long recordings in pieces, side by side."""

from collections.abc import Iterable
from pathlib import Path

from prefect import task

from containers.common.contract import Answer, Span
from containers.common.documents.speech import Transcript
from containers.whisperx.contract import TranscribeRequest
from containers.whisperx.languages import spoken_most
from tasks.calls.invoke import invoke
from tasks.calls.pieces import cut_pieces
from tasks.calls.progress import advance, share_of
from tasks.calls.side_by_side import side_by_side
from tasks.media.channels import voice_of
from tasks.stages.common import StageOptions
from tasks.stages.output import StageOutput
from tasks.stages.times import later
from tasks.stages.transcribe.options import TranscribeOptions
from tasks.stages.transcribe.whisper import choose_whisper

# Options that a request has by the same name.
SHARED = (set(TranscribeOptions.model_fields) - set(StageOptions.model_fields)) & set(
    TranscribeRequest.model_fields
)


class Transcription(StageOutput):
    transcript: Transcript
    whisper: str | None = None  # and why not a better one, where it was chosen for the machine

    @property
    def summary(self) -> str:
        words = sum(len(segment.words) for segment in self.transcript.segments)
        if not words:
            return "no speech"
        spoken = {segment.language for segment in self.transcript.segments} - {self.transcript.language, None}
        others = f" ({', '.join(sorted(map(str, spoken)))} too)" if spoken else ""
        return f"{words} words, language {self.transcript.language}{others}"

    @property
    def figures(self) -> dict[str, float | str | bool | None]:
        times = sorted((self.transcript.word_times or {}).items())
        return {
            "whisper": self.whisper,
            "word_times": ", ".join(f"{language}: {method}" for language, method in times) or None,
            "dropped": len(self.transcript.dropped or []),
            "flagged": sum(bool(segment.flags) for segment in self.transcript.segments),
        }


@task
def transcribe_channels(
    channels: list[str], folder: Path, options: TranscribeOptions, start: float = 0.0
) -> Transcription:
    """As `transcribe` of each channel of a recording, as it is: each one's segments are its speaker's."""
    outputs = []
    for number, audio in enumerate(channels):
        place = folder / f"channel-{number + 1}"
        place.mkdir(exist_ok=True)
        with share_of(number, len(channels)):
            outputs.append(transcribe.fn(audio, place, options, start))
    segments = [
        segment.model_copy(update={"speaker": voice_of(number)})
        for number, output in enumerate(outputs)
        for segment in output.transcript.segments
    ]
    whole = join(output.transcript for output in outputs)
    whole.segments = sorted(segments, key=lambda segment: (segment.start, segment.end))
    first, *others = outputs
    first.transcript = whole
    for other in others:
        first.add_cost(other)
    return first


@task
def transcribe(audio: str, folder: Path, options: TranscribeOptions, start: float = 0.0) -> Transcription:
    """Audio of any rate in, segments of words with start, end, score and language out.

    `start`: seconds of the media at which the audio begins; times out are the media's.

    A long recording is cut at silences and its pieces are sent to the image `pieces_at_once` at a time, as a
    fleet of Lambdas takes them; on one machine they wait for the image's warm worker.
    """
    choice = choose_whisper(options)
    pieces = cut_pieces(audio)
    answers = side_by_side(
        lambda number: _transcribe_piece(
            audio, pieces[number], folder / f"transcript-{number}.json", options, choice.model
        ),
        range(len(pieces)),
        options.pieces_at_once,
        lambda done: advance("transcribe", done / len(pieces)),  # pieces are equally long
    )
    output = Transcription(transcript=later(join(answer.value for answer in answers), start))
    output.whisper = choice.told if options.whisper_model == "auto" else None
    for answer in answers:
        output.add_cost(answer)
    return output


def join(parts: Iterable[Transcript]) -> Transcript:
    """One transcript of all the pieces of a recording, in their order."""
    parts = list(parts)
    segments = [segment for part in parts for segment in part.segments]
    dropped = [text for part in parts for text in part.dropped or []]
    seconds = [(str(part.language), word.end - word.start) for part in segments for word in part.words]
    word_times = {language: method for part in parts for language, method in (part.word_times or {}).items()}
    return Transcript(
        segments=segments,
        duration=max((part.duration for part in parts if part.duration), default=None),
        language=spoken_most(seconds),
        dropped=dropped or None,
        word_times=word_times or None,
    )


def _transcribe_piece(
    audio: str, piece: Span, result: Path, options: TranscribeOptions, best: str
) -> Answer[Transcript]:
    request = TranscribeRequest(
        audio=audio,
        start=piece.start,
        end=piece.end if piece.start < piece.end else None,
        model=options.whisper_model,
        best=best,
        result_uri=result.as_uri(),
        **options.model_dump(include=SHARED),
    )
    return invoke("whisperx", request, Transcript)
