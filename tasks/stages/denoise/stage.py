"""Noise out of speech."""

from tasks.stages.denoise.options import DenoiseOptions
from tasks.stages.stage import Call, Inputs, Stage


class Denoise(Stage):
    name = "denoise"
    about = "noise removed from speech, where that helps"
    image = "deepfilternet"
    reads = ("sound",)
    options = DenoiseOptions
    keeps = "denoised"

    def wanted(self, options: DenoiseOptions) -> bool:
        return options.denoise != "off"

    def weights(self, options: DenoiseOptions) -> list[str]:
        from containers.deepfilternet.engine import MODELS, choose_engine

        return [MODELS[choose_engine(options.denoise_engine)]]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.denoise.run import denoise

        return denoise, (given.decoded.audio_48k, given.kept, given.options)


STAGE = Denoise()
