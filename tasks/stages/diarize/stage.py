"""Who speaks when."""

from tasks.stages.diarize.options import DiarizeOptions
from tasks.stages.stage import Call, Inputs, Stage


class Diarize(Stage):
    name = "diarize"
    about = "who speaks when"
    image = "pyannote"
    reads = ("sound",)
    options = DiarizeOptions
    prewarm = True

    def weights(self, options: DiarizeOptions) -> list[str]:
        from containers.pyannote.diarizers import DIARIZERS, choose_diarizer

        return list(DIARIZERS[choose_diarizer(options.diarizer)].models)

    def call(self, given: Inputs) -> Call:
        from tasks.stages.diarize.run import diarize

        # The original: denoising takes away what tells voices apart (DER 0.06 becomes 0.11).
        return diarize, (given.decoded.audio_16k, given.work, given.options)


STAGE = Diarize()
