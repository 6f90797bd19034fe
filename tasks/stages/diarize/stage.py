"""Who speaks when."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.stages.diarize.options import DiarizeOptions
from tasks.stages.stage import Call, Inputs, Stage

if TYPE_CHECKING:
    from tasks.checks.table import Table
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Diarize(Stage):
    name = "diarize"
    about = "who speaks when"
    serves = "speakers"
    image = "pyannote"
    reads = ("sound",)
    options = DiarizeOptions
    prewarm = True
    software = ("pyannote.audio",)

    def weights(self, options: DiarizeOptions) -> list[str]:
        from containers.pyannote.diarizers import DIARIZERS, choose_diarizer

        return list(DIARIZERS[choose_diarizer(options.diarizer)].models)

    def call(self, given: Inputs) -> Call:
        from tasks.stages.diarize.run import diarize, diarize_channels

        if given.decoded.channels_16k:
            channels = given.decoded.channels_16k
            return diarize_channels, (channels, given.work, given.options, given.decoded.start)
        # The original: denoising takes away what tells voices apart (DER 0.06 becomes 0.11).
        return diarize, (given.decoded.audio_16k, given.work, given.options, given.decoded.start)

    def output(self) -> "type[StageOutput]":
        from tasks.stages.diarize.run import DiarizedAudio

        return DiarizedAudio

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"diarization": output.diarization}

    def documents(self, findings: "Findings", asset: str) -> dict[str, bytes]:
        from tasks.stages.diarize.document import write_diarization

        return write_diarization(findings, asset)

    def embeddings(self, findings: "Findings") -> list[dict[str, Any]]:
        from tasks.stages.diarize.document import voice_rows

        return voice_rows(findings)

    def tables(self) -> "Sequence[Table]":
        from tasks.stages.diarize.checks import TABLES

        return TABLES


STAGE = Diarize()
