"""Which weights each stage uses: the largest that the store holds, or what the options name."""

from containers.common.models.store import has_model
from containers.deepfilternet.engine import MODELS, choose_engine
from containers.facenet.contract import DINOV2, PHASH
from containers.pyannote.diarizers import DIARIZERS, choose_diarizer
from containers.whisperx.languages import possible_models
from containers.whisperx.speech import MODELS as VAD_MODELS
from tasks.stages.options import AnalyzeOptions


def weights(stage: str, options: AnalyzeOptions) -> list[str]:
    """Catalogue ids, known before anything is loaded, so that a finished stage can be recognised."""
    match stage:
        case "denoise":
            return [MODELS[choose_engine(options.denoise_engine)]]
        case "transcribe":
            vad = VAD_MODELS[options.vad_method]
            return [*possible_models(options.whisper_model, options.languages), vad]
        case "diarize":
            return list(DIARIZERS[choose_diarizer(options.diarizer)].models)
        case "tag":
            large = "panns-cnn14-events" if options.tag_mode == "events" else "panns-cnn14"
            return [large if has_model(large) else "firered-aed"]
        case "detect" | "link":
            return ["faceapi"]
        case "embed":
            return ["mtcnn", "facenet-vggface2"] if has_model("facenet-vggface2") else ["mtcnn"]
        case "look":
            return [DINOV2 if has_model(DINOV2) else PHASH]
    return []
