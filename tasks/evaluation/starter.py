"""A small data set of media that installed packages carry, with what is known of them.

Speech: the packaged sample call with its own transcript and turns, cut at pauses, also with noise.
Sounds: the call, music made by formula, both, and neither. Faces: face-api's demo pictures, marked by eye
(`starter_faces.toml`), also changed; the sample video, whose mouths move with the call. Vectors: drawn around
centres, as embeddings of people lie.
It shows that everything works and catches what breaks; it is too small to choose a model by.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image, ImageEnhance, ImageFilter
from scipy.signal import resample_poly

from containers.common.errors import UserError
from containers.common.media.audio import load_audio
from tasks.asset.folder import explain_disk
from tasks.evaluation.dataset import MANIFEST
from tasks.evaluation.nist import read_turns
from tasks.evaluation.references import read_transcript
from tasks.evaluation.starter_video import demo_on_screen, marked_faces
from tasks.evaluation.synthesis import RATE, fan, music, street, white
from tasks.media.demo import PICTURES, build_demo_video, sample_speech
from tasks.outputs.embeddings import write_embeddings

PIECES = ((6.3, 14.3), (14.3, 21.7), (21.7, 30.0))  # seconds of the call, cut where nobody speaks
NOISES = {"fan, 10 dB": (fan, 10), "street, 5 dB": (street, 5), "white, 0 dB": (white, 0)}
CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda picture: picture,
    "a third of the size": lambda picture: picture.resize((picture.width // 3, picture.height // 3)),
    "dark": lambda picture: ImageEnhance.Brightness(picture).enhance(0.3),
    "blurred": lambda picture: picture.filter(ImageFilter.GaussianBlur(6)),
}
VECTORS, DIMENSION, PEOPLE = 4000, 128, 400


def build_starter(folder: Path, video: Path | None = None) -> Path:
    """Writes the data set into `folder`, the same every time; what is there already is replaced.

    `video`: the sample video, where it has been made already.

    Raises UserError when the packages that carry its media are not installed.
    """
    if not PICTURES.is_dir():
        raise UserError("The sample pictures are missing: run `make setup`, which installs face-api.")
    folder.mkdir(parents=True, exist_ok=True)
    items = [*_speech(folder), *_sounds(folder), *_faces(folder), _video(folder, video)]
    _vectors(folder / "vectors.parquet")
    lines = "\n".join(json.dumps(item, ensure_ascii=False) for item in items) + "\n"
    (folder / "items.jsonl").write_text(lines, encoding="utf-8")
    manifest = (
        'name = "starter"\ndescription = "Media that installed packages carry, marked by hand."\n'
        'items = "items.jsonl"\n\n[[vectors]]\nfile = "vectors.parquet"\nmodel = "drawn"\nqueries = 200\n'
    )
    (folder / MANIFEST).write_text(manifest, encoding="utf-8")
    return folder


def _speech(folder: Path) -> Iterator[dict[str, Any]]:
    call = load_audio(sample_speech().as_uri(), RATE).astype(float)
    said = read_transcript(sample_speech().with_suffix(".stm"))
    rttm = sample_speech().with_suffix(".rttm").read_text(encoding="utf-8")
    _write(folder / "call.rttm", rttm)
    for number, (start, end) in enumerate(PIECES, 1):
        piece = call[round(start * RATE) : round(end * RATE)]
        stm = "".join(
            f"call 1 speaker {each.start - start:.3f} {each.end - start:.3f} {each.text}\n"
            for each in said
            if each.start is not None and each.end is not None and start <= each.start < end
        )
        _write(folder / "speech" / f"{number}.stm", stm)
        for name, samples in _spoiled(piece, number).items():
            media = f"speech/{number} {name}.flac"
            _write_sound(folder / media, samples)
            known = {"language": "en", "transcript": f"speech/{number}.stm", "group": name}
            clean = {} if name == "clean" else {"clean": f"speech/{number} clean.flac"}
            yield {"media": media, **known, **clean}
    _write(folder / "call.stm", sample_speech().with_suffix(".stm").read_text(encoding="utf-8"))
    for name, samples in _spoiled(call, 0).items():
        media = f"call/{name}.flac"
        _write_sound(folder / media, samples)
        who = {"transcript": "call.stm", "language": "en"} if name == "clean" else {}
        yield {"media": media, "turns": "call.rttm", "group": name, **who}
    # Two people who never talk at once are easier: each turn alone, a pause between.
    _write_sound(folder / "call" / "one at a time.flac", _one_at_a_time(folder, call))
    yield {"media": "call/one at a time.flac", "turns": "one at a time.rttm", "group": "one at a time"}


def _one_at_a_time(folder: Path, call: np.ndarray) -> np.ndarray:
    pause, parts, lines, now = np.zeros(RATE // 2), [], [], 0.0
    turns = [turn for turn in read_turns(folder / "call.rttm") if turn.end - turn.start > 1.5]
    for turn in turns:
        part = call[round(turn.start * RATE) : round(turn.end * RATE)]
        parts += [pause, part]
        lines.append(
            f"SPEAKER call 1 {now + 0.5:.3f} {len(part) / RATE:.3f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
        )
        now += 0.5 + len(part) / RATE
    _write(folder / "one at a time.rttm", "".join(lines))
    return np.concatenate(parts)


def _spoiled(speech: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """The speech clean and with each noise; the ratio is that of its loud moments to the noise."""
    loud = speech[np.abs(speech) > 0.01 * np.abs(speech).max()].std()
    found = {"clean": speech}
    for number, (name, (make, snr)) in enumerate(NOISES.items()):
        noise = make(len(speech), np.random.default_rng([seed, number]))
        found[name] = speech + noise / noise.std() * loud * 10 ** (-snr / 20)
    return found


def _sounds(folder: Path) -> Iterator[dict[str, Any]]:
    call = load_audio(sample_speech().as_uri(), RATE).astype(float)
    speech = {
        number: call[round(start * RATE) : round(end * RATE)] for number, (start, end) in enumerate(PIECES, 1)
    }
    for number, part in speech.items():
        tune = music(len(part) / RATE, 60 + 30 * number)[: len(part)] * np.abs(part).max()
        made = {
            "speech": (part, ["Speech"]),
            "music": (tune, ["Music"]),
            "speech over music": (part + 0.3 * tune, ["Speech", "Music"]),
            "a fan": (fan(len(part), np.random.default_rng(number)) * 0.02, []),
        }
        for name, (samples, sounds) in made.items():
            media = f"sounds/{name} {number}.flac"
            _write_sound(folder / media, samples)
            yield {"media": media, "sounds": sounds, "group": name}


def _faces(folder: Path) -> Iterator[dict[str, Any]]:
    for name, boxes in marked_faces().items():
        with Image.open(PICTURES / f"{name}.jpg") as opened:
            picture = opened.convert("RGB")
        for change, make in CHANGES.items():
            media = folder / "faces" / f"{name} {change}.jpg"
            media.parent.mkdir(exist_ok=True)
            changed = make(picture)
            changed.save(media, quality=90)
            scale = changed.width / picture.width
            faces = [
                {"box": [round(value * scale, 1) for value in box], "person": f"{name}-{number}"}
                for number, box in enumerate(boxes, 1)
            ]
            yield {"media": f"faces/{media.name}", "group": change, "session": name, "faces": faces}


def _video(folder: Path, made: Path | None) -> dict[str, Any]:
    place = folder / "video" / "talk.mp4"
    place.parent.mkdir(exist_ok=True)
    if made is None:
        build_demo_video(place)
    else:
        shutil.copyfile(made, place)
    _write(folder / "video" / "talk.csv", demo_on_screen("talk"))
    return {"media": "video/talk.mp4", "on_screen": "video/talk.csv", "group": "moving mouths"}


def _vectors(path: Path) -> None:
    random = np.random.default_rng(0)
    centres = random.standard_normal((PEOPLE, DIMENSION))
    drawn = centres[random.integers(0, PEOPLE, VECTORS)] + 0.7 * random.standard_normal((VECTORS, DIMENSION))
    unit = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    write_embeddings(path, "drawn", ({"model": "drawn", "vector": vector.tolist()} for vector in unit))


def _write_sound(path: Path, samples: np.ndarray) -> None:
    """16 kHz mono FLAC, which all models here read; louder than full scale is turned down."""
    path.parent.mkdir(parents=True, exist_ok=True)
    resampled = resample_poly(samples, 16_000, RATE)
    soundfile.write(path, resampled / max(1.0, np.abs(resampled).max() / 0.99), 16_000)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def make_starter(output: Path) -> Path:
    """The data set in `output`/datasets/starter, built when it is not there. Raises UserError."""
    folder = output.absolute() / "datasets" / "starter"
    if not (folder / MANIFEST).is_file():
        building = folder.with_name(".starter")
        with explain_disk(output):
            shutil.rmtree(building, ignore_errors=True)
            build_starter(building)
            shutil.rmtree(folder, ignore_errors=True)
            building.rename(folder)
    return folder
