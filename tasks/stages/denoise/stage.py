"""Noise out of speech."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.stages.denoise.options import DenoiseOptions
from tasks.stages.stage import Call, Inputs, Stage

if TYPE_CHECKING:
    from tasks.outputs.findings import Findings
    from tasks.stages.output import StageOutput


class Denoise(Stage):
    name = "denoise"
    about = "noise removed from speech, where that helps"
    serves = "speech"
    image = "deepfilternet"
    reads = ("sound",)
    options = DenoiseOptions
    keeps = "denoised"
    section = "Noise"

    def wanted(self, options: DenoiseOptions) -> bool:
        return options.denoise != "off"

    def weights(self, options: DenoiseOptions) -> list[str]:
        from containers.deepfilternet.engine import MODELS, choose_engine

        return [MODELS[choose_engine(options.denoise_engine)]]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.denoise.run import denoise

        return denoise, (given.decoded.audio_48k, given.kept, given.options, given.decoded.start)

    def output(self) -> "type[StageOutput]":
        from tasks.stages.denoise.run import DenoisedAudio

        return DenoisedAudio

    def findings(self, output: Any, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"denoised": output}

    def files(self, findings: "Findings") -> dict[str, bytes | Path]:
        return dict(findings.denoised.files) if findings.denoised else {}


STAGE = Denoise()
