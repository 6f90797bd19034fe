"""Which stages an analysis has, and the key under which each one's result is kept.

A key covers the media's content, the options that matter to the stage, its weights, its code and the keys of
the stages it builds on: when nothing of these changed, the stage is not done again.
"""

from tasks.asset.folder import fingerprint_of
from tasks.media.probe import MediaInfo
from tasks.stages.options import AnalyzeOptions
from tasks.stages.output import stage_key
from tasks.stages.weights import weights

FACE_OPTIONS = ("detector", "face_threshold", "min_face")
# Not batch_size, device and pieces_at_once: they decide how fast the same words are found.
SPEECH_OPTIONS = (
    "language",
    "whisper_model",
    "languages",
    "beam_size",
    "compute_type",
    "initial_prompt",
    "hotwords",
    "vad_method",
    "vad_onset",
    "vad_offset",
    "chunk_size",
)
NOISE_OPTIONS = ("denoise", "denoise_engine", "denoise_format", "denoise_limit", "denoise_post_filter")
SOUND_OPTIONS = (
    "tag_mode",
    "tag_only",
    "tag_threshold",
    "tag_thresholds",
    "tag_top_k",
    "tag_window",
    "tag_hop",
)


def plan_keys(media: MediaInfo, options: AnalyzeOptions) -> dict[str, str]:
    """Stage name to stage key."""

    def key(stage: str, content: str, image: str | None, *names: str) -> str:
        chosen = options.model_dump(include=set(names), mode="json")
        return stage_key(stage, content, chosen, weights(stage, options), image)

    keys = {"decode": key("decode", media.sha256, None, "frame_rate")}
    speech = keys["decode"]
    if options.denoise != "off":
        keys["denoise"] = speech = key("denoise", speech, "deepfilternet", *NOISE_OPTIONS)
    keys["transcribe"] = key("transcribe", speech, "whisperx", *SPEECH_OPTIONS)
    speakers = ("num_speakers", "min_speakers", "max_speakers")
    keys["diarize"] = key("diarize", keys["decode"], "pyannote", *speakers)
    keys["tag"] = key("tag", keys["decode"], "audioset", *SOUND_OPTIONS)
    keys["detect"] = key("detect", keys["decode"], "faceapi", *FACE_OPTIONS)
    keys["embed"] = key("embed", keys["detect"], "facenet")
    keys["link"] = key("link", f"{keys['embed']} {keys['diarize']}", "faceapi")
    keys["look"] = key("look", keys["decode"], "facenet")
    return keys


def fingerprint(keys: dict[str, str], options: AnalyzeOptions) -> str:
    """Equal fingerprints: the asset folder would come out the same."""
    return fingerprint_of({**keys, "index": str(options.index)})
