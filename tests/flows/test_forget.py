"""`flows.people forget`: nothing is left of somebody, whatever file one looks into; everybody else stays."""

import base64
import io
import json
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from containers.common import storage
from containers.common.documents.faces import AgeAndGender, Detection, Face
from containers.common.documents.speakers import Diarization, Speaker, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from containers.common.errors import UserError
from containers.common.index.versions import current, rollback
from containers.common.models.store import sha256_of
from containers.faceapi.contract import Box
from flows.people import main
from flows.runs.images import running_images
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.index.collect import collect
from tasks.index.options import ReindexOptions
from tasks.index.reindex import reindex_model
from tasks.media.probe import MediaInfo
from tasks.outputs.documents import embedding_rows
from tasks.outputs.embeddings import read_embeddings, write_embeddings
from tasks.outputs.findings import Findings
from tasks.people.edit import list_people
from tasks.people.page import write_page
from tasks.people.store import people_folder
from tasks.shelf.make import make_shelf
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import track_faces
from tasks.stages.embed.run import FaceVector
from tasks.stages.index.run import index
from tasks.stages.link.run import Link, Speaking
from tasks.stages.publish.run import publish
from tasks.words.store import index_asset
from tasks.words.versions import make_version

PEOPLE = ("Katherine", "Tom", "Ann")
MODELS = {"faceapi": 128, "ge2e-speaker": 256}
A, B, C = (letter * 16 for letter in "abc")  # in all of which Katherine and Tom are, in c Ann too


def vector(who: str, model: str, asset: str = "") -> np.ndarray:
    """Of somebody, nearly the same in each asset; a descriptor's length is that of real ones."""
    base = np.random.default_rng([PEOPLE.index(who), MODELS[model]]).standard_normal(MODELS[model])
    noise = np.random.default_rng([ord(asset[0]) if asset else 0, PEOPLE.index(who)])
    made = base / np.linalg.norm(base) + 0.004 * noise.standard_normal(MODELS[model])
    return made if model == "ge2e-speaker" else 0.7 * made


def picture(who: str, asset: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (32, 32), (80 * PEOPLE.index(who), ord(asset[0]), 40)).save(out, "JPEG")
    return out.getvalue()


def face(who: str, asset: str) -> Face:
    return Face(
        detection=Detection(box=Box(x=10 + 200 * PEOPLE.index(who), y=10, width=80, height=80), score=0.9),
        expressions={"happy": 1},
        ageAndGender=AgeAndGender(age=30, gender="female", genderProbability=0.9),
        landmarks=[(20.0 + number, 20.0 + number) for number in range(68)],
        sharpness=200,
        descriptor=vector(who, "faceapi", asset).tolist(),
    )


def found(asset: Asset, people: tuple[str, ...]) -> Findings:
    """Everybody on screen at once for three seconds, each of whom says a word."""
    frames = [
        FrameFaces(time=time, width=700, height=100, faces=[face(who, asset.id) for who in people])
        for time in (0.0, 1.0, 2.0)
    ]
    tracks = [track.model_copy(update={"person": f"PERSON_00{track.id}"}) for track in track_faces(frames)]
    vectors = []
    for track, who in zip(tracks, people, strict=True):
        crop = asset.cache / "crops" / "embed-1" / f"{track.id}.jpg"
        storage.write_bytes(crop.as_uri(), picture(who, asset.id))
        vectors.append(
            FaceVector(
                time=track.best[0].time,
                face=track.best[0].face,
                track=track.id,
                crop=crop.as_uri(),
                model="faceapi",
                vector=vector(who, "faceapi", asset.id).tolist(),
                quality=0.5,
            )
        )
    labels = [f"SPEAKER_0{number}" for number in range(len(people))]
    turns = [Turn(start=n, end=n + 0.9, speaker=label) for n, label in enumerate(labels)]
    said = [
        Segment(
            start=turn.start,
            end=turn.end,
            text="Hello",
            words=[Word(word="Hello", start=turn.start, end=turn.end, score=1)],
        )
        for turn in turns
    ]
    return Findings(
        transcript=Transcript(segments=said, language="en"),
        diarization=Diarization(
            turns=turns,
            exclusive_turns=turns,
            voice_activity=[],
            speakers=[
                Speaker(
                    speaker=label,
                    model="ge2e-speaker",
                    embedding=vector(who, "ge2e-speaker", asset.id).tolist(),
                )
                for label, who in zip(labels, people, strict=True)
            ],
        ),
        frames=frames,
        tracks=tracks,
        vectors=vectors,
        speaking=Speaking(
            turns=len(turns),
            links=[
                Link(start=turn.start, end=turn.end, speaker=turn.speaker, track=n, evidence=2.0)
                for n, turn in enumerate(turns)
            ],
            people={label: f"PERSON_00{n}" for n, label in enumerate(labels)},
        ),
    )


def analyse(output: Path, id: str, people: tuple[str, ...]) -> None:
    """Leaves what an analysis does, with the records of its stages and those of an earlier one."""
    asset = Asset(output=output, id=id)
    asset.prepare()
    findings = found(asset, people)
    kept = asset.cache / "embeddings.parquet"
    rows = embedding_rows(findings)
    write_embeddings(kept, asset.id, rows)
    for stage in ("detect", "embed", "diarize", "link"):
        for key in ("1", "2"):
            record = json.dumps({"result": findings.model_dump_json()})
            storage.write_bytes((asset.results / f"{stage}-{key}").as_uri(), record.encode())
    crops = asset.cache / "crops"
    storage.write_bytes((crops / "embed-1" / "embeddings.json").as_uri(), findings.model_dump_json().encode())
    for number, who in enumerate(people):
        storage.write_bytes((crops / "embed-2" / f"{number}.jpg").as_uri(), picture(who, id))
    manifest = Manifest(
        asset=asset.id,
        media=MediaInfo(name="talk.mp4", sha256=id, size=1, format="mp4", duration=3.0),
        duration=3.0,
        options={},
        complete=True,
        stages=[],
        models=[],
        embeddings={model: len(people) for model in MODELS},
        software={},
        created=datetime.now(UTC),
        seconds=1.0,
        fingerprint="f",
    )
    publish.fn(asset, findings, kept, manifest, Path("/media/talk.mp4"), None)
    index.fn(asset.id, kept, list(MODELS), asset.index_uri)
    index_asset(output, id)


def reindex(output: Path) -> None:
    for model, parts in collect.fn(output).items():
        reindex_model.fn(model, parts, output, ReindexOptions(keep_versions=3))


def where(output: Path, who: str) -> dict[str, set[str]]:
    """Paths below the output, by what of somebody is in them: name, vector or picture."""
    vectors = [vector(who, model, asset) for asset in (A, B, C) for model in MODELS]
    vectors += [each / np.linalg.norm(each) for each in vectors]
    pictures = [picture(who, asset) for asset in (A, B, C)]
    pictures += [base64.b64encode(each) for each in pictures]
    places: dict[str, set[str]] = {"name": set(), "vector": set(), "picture": set()}
    for path in sorted(path for path in output.rglob("*") if path.is_file()):
        name, texts = path.relative_to(output).as_posix(), list(contents(path))
        if any(who.encode() in text for text in texts):
            places["name"].add(name)
        if any(each in text for text in texts for each in pictures):
            places["picture"].add(name)
        numbers = [row for text in texts for row in numbers_in(text)]
        if any(holds(row, each) for row in numbers for each in vectors):
            places["vector"].add(name)
    return places


def contents(path: Path) -> Iterator[bytes]:
    """The file as it is, and what is packed in it."""
    yield path.read_bytes()
    tables = []
    if path.suffix == ".parquet":
        tables = [pq.ParquetFile(path).read()]
    elif path.suffix == ".arrow":
        tables = [pa.ipc.open_file(path).read_all()]
    for table in tables:
        for column in table.columns:
            for value in column.to_pylist():
                yield np.array(value).tobytes() if isinstance(value, list) else str(value).encode()


def numbers_in(content: bytes) -> Iterator[np.ndarray]:
    """Of all that it may be: text, or floats of either size from any byte on."""
    yield np.array(re.findall(rb"-?\d\.\d{4,}(?:e-\d+)?", content), float)
    for kind in (np.float32, np.float64):
        size = np.dtype(kind).itemsize
        for first in range(size):
            count = (len(content) - first) // size
            if count > 0:
                yield np.frombuffer(content, kind, count, first)


def holds(numbers: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether the middle of a vector is among them."""
    if len(numbers) < 8:
        return False
    with np.errstate(invalid="ignore"):
        starts = np.flatnonzero(np.abs(numbers[:-3] - wanted[60]) < 2e-6)
    return any(np.allclose(numbers[at : at + 4], wanted[60:64], rtol=0, atol=2e-6) for at in starts)


@pytest.fixture(scope="module")
def forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict, dict]]:
    """An output in which Katherine was forgotten, and where she and Tom had been before."""
    output = tmp_path_factory.mktemp("forget") / "out"
    with running_images():
        analyse(output, A, PEOPLE[:2])
        reindex(output)
        make_version(output)
        analyse(output, B, PEOPLE[:2])
        assert main(["name", str(output), "aaaaaaaa:face0", "Kate"]) == 0
        assert main(["name", str(output), "aaaaaaaa:face1", "Tom"]) == 0
        assert main(["name", str(output), "Kate", "Katherine"]) == 0
        assert main(["merge", str(output), "Katherine", "aaaaaaaa:SPEAKER_00"]) == 0
        reindex(output)
        make_version(output)
        write_page(output)
        analyse(output, C, PEOPLE)  # in the deltas alone
        make_shelf(output, whole=True)
        before = where(output, "Katherine"), where(output, "Tom")
        said = io.StringIO()
        with redirect_stdout(said):
            assert main(["forget", str(output), "Katherine"]) == 0
        assert said.getvalue() == (
            "Katherine (p1), known by 2 faces and 2 voices is forgotten; 3 assets written anew without them\n"
        )
        yield output, *before


@pytest.mark.slow
def test_every_kind_of_file_held_her(forgotten: tuple[Path, dict, dict]) -> None:
    """Else the search through every file would prove nothing."""
    _, her, _ = forgotten

    def kinds(of: str) -> set[str]:
        return {re.sub(r"\b[0-9a-f]{16,}|\d{3,}", "#", name) for name in her[of]}

    assert kinds("name") >= {
        "people/people.json", "people/people.html", "people/history/#.json", "#/report.html", "#/faces.json",
        "#/transcript.json", "#/transcript.srt", "#/manifest.json", ".cache/#/found.json", "words/v#.db",
    }  # fmt: skip
    assert kinds("vector") >= {
        "people/people.json", "people/history/#.json", "#/embeddings.parquet", "#/diarization.json",
        ".cache/#/found.json", ".cache/#/embeddings.parquet", ".cache/#/crops/embed-1/embeddings.json",
        ".cache/#/results/detect-1", ".cache/#/results/diarize-2", "index/faceapi/v#/vectors.f32",
        "index/faceapi/v#/index.faiss", "index/faceapi/delta/#.#.parquet",
        "index/ge2e-speaker/v#/vectors.f32",
    }  # fmt: skip
    assert len({name for name in her["vector"] if name.startswith("index/faceapi/v")}) >= 3, "two versions"
    assert kinds("picture") >= {
        "people/people.html", "people/crops/#.jpg", "#/faces/#.jpg", "#/report.html",
        ".cache/#/crops/embed-1/0.jpg", ".cache/#/crops/embed-2/0.jpg",
    }  # fmt: skip


@pytest.mark.slow
def test_nothing_is_left_of_her_in_any_file(forgotten: tuple[Path, dict, dict]) -> None:
    output, _, _ = forgotten
    assert where(output, "Katherine") == {"name": set(), "vector": set(), "picture": set()}


@pytest.mark.slow
def test_the_others_are_where_they_were(forgotten: tuple[Path, dict, dict]) -> None:
    output, _, him = forgotten
    left = where(output, "Tom")
    for of in ("name", "picture"):
        assert {name for name in him[of] if re.match("[a-c]{16}/", name)} == {
            name for name in left[of] if re.match("[a-c]{16}/", name)
        }
    assert sorted(
        (group.person and group.person.name, len(group.appearances)) for group in list_people(output)
        if group.person
    ) == [("Tom", 3)]  # fmt: skip
    for id, people in ((A, 2), (C, 3)):
        folder = output / id
        rows = read_embeddings(folder / "embeddings.parquet")
        faces = json.loads((folder / "faces.json").read_text(encoding="utf-8"))
        manifest = Asset(output=output, id=id).manifest()
        assert manifest and manifest.embeddings == dict.fromkeys(MODELS, people - 1)
        assert manifest.people == {"face1": "Tom"}
        assert {name: entry.sha256 for name, entry in manifest.files.items()} == {
            name: sha256_of(folder / name) for name in manifest.files
        }
        assert [track["id"] for track in faces["tracks"]] == [*range(1, people)], "numbers stay"
        for row in rows:
            if row["metadata"]["kind"] == "face":
                shown = next(f for f in faces["frames"] if f["time"] == row["metadata"]["time"])
                assert shown["faces"][row["metadata"]["face"]]["detection"]["box"] == row["metadata"]["box"]
        assert json.loads((folder / "transcript.json").read_text(encoding="utf-8"))["segments"]


@pytest.mark.slow
def test_the_indexes_serve_the_others_and_go_back_to_nothing(forgotten: tuple[Path, dict, dict]) -> None:
    output, _, _ = forgotten
    for model in MODELS:
        uri = (output / "index" / model).as_uri()
        version = current(uri)
        assert version and version.count == 4, "Tom three times, Ann once"
        assert not list((output / "index" / model / "delta").glob("*"))
        with pytest.raises(UserError):
            rollback(uri)


@pytest.mark.slow
def test_what_is_not_kept_any_more_cannot_be_forgotten_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    analyse(output, A, PEOPLE[:2])
    main(["name", str(output), "aaaaaaaa:face0", "Katherine"])
    (output / ".cache" / A / "found.json").unlink()
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert main(["forget", str(output), "Katherine"]) == 1
    assert capsys.readouterr().err == (
        f"What was found in {A} is not kept any more: analyse it again or remove its folder, "
        "then forget Katherine.\n"
    )
    assert {path: path.read_bytes() for path in before} == before
    assert (people_folder(output) / "people.json").is_file()
