"""From a media file of any format to the vectors that are searched for, by the images that made the index."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from containers.common.errors import MediaError, UserError
from containers.common.models.store import catalogue, has_model
from tasks.media.bounded import run_bounded
from tasks.media.budget import Budget, budget_of, check_room
from tasks.media.probe import MAX_PICTURE
from tasks.search.answer import Question
from tasks.stages.detect.query import DESCRIBES, find_faces
from tasks.stages.diarize.query import hear_voices
from tasks.stages.embed.query import embed_face
from tasks.stages.look.query import embed_picture
from tasks.stages.tag.query import embed_sound

LARGEST = 3072  # pixels of the longer side: what the face detectors look at, at most


class QueryVectors(NamedTuple):
    """(queries, dimension) and what of the file they stand for, as a small picture where it is one."""

    vectors: np.ndarray
    picture: Image.Image | None = None


def check_model(model: str) -> None:
    """Raises UserError when queries cannot be embedded as the index's vectors were."""
    if model in catalogue() and not has_model(model):
        raise UserError(
            f"The index was made by '{model}', which is not in the model store: "
            f"run `uv run python -m flows.models fetch {model}`, or analyse the media again."
        )


def embed_query(question: Question, model: str) -> QueryVectors:
    """The vectors of the question's file by `model`. Raises UserError with one sentence, MediaError too."""
    path = Path(question.query)
    if not path.is_file():
        raise MediaError(f"There is no file {path}.")
    with tempfile.TemporaryDirectory() as folder:
        if question.kind in ("face", "picture"):
            picture = read_picture(path, question.at)
            if question.kind == "picture":
                return QueryVectors(embed_picture(_save(picture, Path(folder)), model), picture)
            return _face(picture, path.name, question.which, model, Path(folder))
        if question.kind == "voice":
            return QueryVectors(_voice(path, question.which, model, Path(folder)))
        return QueryVectors(_sound(path, model, Path(folder)))


def read_picture(path: Path, at: float = 0.0) -> Image.Image:
    """A picture of any format, or what a video shows at second `at`; RGB, upright, with square pixels.

    Read in a process of its own. Raises MediaError.
    """
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "picture.png")
        run_bounded("picture", path, _budget(path), at=at, target=str(target))
        with Image.open(target) as picture:
            return picture.convert("RGB")


def read_sound(path: Path, folder: Path) -> str:
    """URI of the sound of a file of any format, as an analysis hears it: mono WAV at 16 kHz, and beside it
    at 48 kHz. Raises MediaError."""
    given = {"folder": str(folder), "frame_rate": 1.0, "audio_track": None, "pictures": False}
    budget = _budget(path)  # which says first whether there is such a file
    check_room(folder, path.stat().st_size, None)
    decoded = run_bounded("decode", path, budget, **given)
    if decoded["audio_16k"] is None:
        raise MediaError(f"{path.name} has no sound in it.")
    return decoded["audio_16k"]


def _budget(path: Path) -> Budget:
    if not path.is_file():
        raise MediaError(f"There is no file {path}.")
    if not (size := path.stat().st_size):
        raise MediaError(f"{path.name} is empty.")
    return budget_of(size, None, MAX_PICTURE)


def _save(picture: Image.Image, folder: Path) -> str:
    shown = picture.copy()
    shown.thumbnail((LARGEST, LARGEST))
    shown.save(folder / "query.png", compress_level=1)
    return (folder / "query.png").as_uri()


def _face(picture: Image.Image, name: str, which: int | None, model: str, folder: Path) -> QueryVectors:
    uri = _save(picture, folder)
    seen = find_faces(uri, folder)
    faces = sorted(seen.faces, key=lambda face: face.detection.box.x)
    box = (face := faces[_choose(len(faces), which, name, "face", "from the left")]).detection.box
    vector = face.descriptor if model == DESCRIBES else embed_face(uri, box, model, folder)
    shown = picture.resize((seen.width, seen.height)) if picture.width != seen.width else picture
    return QueryVectors(np.array([vector]), shown.crop((box.x, box.y, box.x + box.width, box.y + box.height)))


def _voice(path: Path, which: int | None, model: str, folder: Path) -> np.ndarray:
    speakers = hear_voices(read_sound(path, folder / "sound"), model, folder)
    speaker = speakers[_choose(len(speakers), which, path.name, "voice", "as first heard")]
    if speaker.model != model:
        raise UserError(
            f"The index holds voices of '{model}' and the clip was embedded by '{speaker.model}': "
            "analyse the media again."
        )
    return np.array([speaker.embedding])


def _sound(path: Path, model: str, folder: Path) -> np.ndarray:
    audio = read_sound(path, folder / "sound").replace("audio_16k", "audio_48k")
    found = embed_sound(audio, model, folder)
    if not len(found):
        raise MediaError(f"{path.name} has no sound in it.")
    return found


def _choose(found: int, which: int | None, name: str, what: str, order: str) -> int:
    """The place of the one that is meant. Raises UserError when there is none, or nobody can tell which."""
    if not found:
        raise UserError(f"There is no {what} in {name}.")
    if which is None and found > 1:
        raise UserError(f"There are {found} {what}s in {name}: choose one, 1 to {found} {order} (--which).")
    if (which or 1) > found:
        raise UserError(
            f"There {'is' if found == 1 else 'are'} only {found} {what}{'s' * (found > 1)} in {name}."
        )
    return (which or 1) - 1
