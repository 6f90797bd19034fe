"""Speech as timed words."""

from tasks.stages.stage import Call, Inputs, Stage
from tasks.stages.transcribe.options import TranscribeOptions


class Transcribe(Stage):
    name = "transcribe"
    about = "what is said, word by word"
    image = "whisperx"
    reads = ("sound",)
    after = ("denoise",)
    options = TranscribeOptions
    prewarm = True

    def weights(self, options: TranscribeOptions) -> list[str]:
        from containers.whisperx.languages import possible_models
        from containers.whisperx.speech import MODELS

        models = possible_models(options.whisper_model, options.languages)
        return [*models, MODELS[options.vad_method]]

    def call(self, given: Inputs) -> Call:
        from tasks.stages.transcribe.run import transcribe

        cleaned = given.found.get("denoise")
        speech = (cleaned and cleaned.audio) or given.decoded.audio_16k
        return transcribe, (speech, given.work, given.options)


STAGE = Transcribe()
