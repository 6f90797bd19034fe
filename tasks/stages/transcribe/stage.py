"""Speech as timed words."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.stages.stage import Call, Inputs, Stage
from tasks.stages.transcribe.options import TranscribeOptions

if TYPE_CHECKING:
    from tasks.checks.table import Table
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Transcribe(Stage):
    name = "transcribe"
    about = "what is said, word by word"
    serves = "speech"
    image = "whisperx"
    reads = ("sound",)
    after = ("denoise",)
    options = TranscribeOptions
    prewarm = True
    software = ("whisperx",)

    def weights(self, options: TranscribeOptions) -> list[str]:
        from containers.whisperx.choice import check_models
        from containers.whisperx.languages import possible_models
        from containers.whisperx.speech import MODELS
        from tasks.stages.transcribe.whisper import choose_whisper

        check_models(options.whisper_model, options.languages, options.task, options.language)
        best = choose_whisper(options).model
        models = possible_models(options.whisper_model, options.languages, best)
        return [*models, MODELS[options.vad_method]]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.transcribe.run import transcribe, transcribe_channels

        if given.decoded.channels_16k:
            channels = given.decoded.channels_16k
            return transcribe_channels, (channels, given.work, given.options, given.decoded.start)
        cleaned = given.found.get("denoise")
        speech = (cleaned and cleaned.audio) or given.decoded.audio_16k
        return transcribe, (speech, given.work, given.options, given.decoded.start)

    def output(self) -> "type[StageOutput]":
        from tasks.stages.transcribe.run import Transcription

        return Transcription

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"transcript": output.transcript}

    def documents(self, findings: "Findings", asset: str) -> dict[str, bytes]:
        from tasks.stages.transcribe.document import write_transcript

        return write_transcript(findings, asset)

    def tables(self) -> "Sequence[Table]":
        from tasks.stages.transcribe.checks import TABLES

        return TABLES


STAGE = Transcribe()
