"""A known name in an asset's documents, also in those that were published before it was given."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from containers.common.documents.faces import AgeAndGender, Detection, Face
from containers.common.documents.speakers import Diarization, Speaker, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from containers.faceapi.contract import Box
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.media.probe import MediaInfo
from tasks.outputs.documents import embedding_rows
from tasks.outputs.embeddings import write_embeddings
from tasks.outputs.findings import Findings
from tasks.people.edit import forget_person, hide_person, name_person
from tasks.people.known import spread_names
from tasks.people.republish import republish_named
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import track_faces
from tasks.stages.embed.run import FaceVector
from tasks.stages.link.run import Speaking
from tasks.stages.publish.run import publish

KATE, VOICE = (np.random.default_rng(seed).standard_normal(size) for seed, size in ((0, 128), (1, 256)))
KATE, VOICE = 0.7 * KATE / np.linalg.norm(KATE), VOICE / np.linalg.norm(VOICE)


def found() -> Findings:
    """One face for three seconds, and one voice that says a word."""
    face = Face(
        detection=Detection(box=Box(x=10, y=10, width=80, height=80), score=0.9),
        expressions={"happy": 1},
        ageAndGender=AgeAndGender(age=30, gender="female", genderProbability=0.9),
        landmarks=[(20.0 + number, 20.0 + number) for number in range(68)],
        descriptor=KATE.tolist(),
    )
    frames = [FrameFaces(time=second, width=100, height=100, faces=[face]) for second in (0.0, 1.0, 2.0)]
    (track,) = track_faces(frames)
    track = track.model_copy(update={"person": "PERSON_000"})
    turn = Turn(start=0, end=2, speaker="SPEAKER_00")
    word = Word(word="Hello", start=0, end=1, score=1)
    return Findings(
        transcript=Transcript(segments=[Segment(start=0, end=1, text="Hello", words=[word])], language="en"),
        diarization=Diarization(
            turns=[turn],
            exclusive_turns=[turn],
            voice_activity=[],
            speakers=[Speaker(speaker="SPEAKER_00", model="ge2e-speaker", embedding=VOICE.tolist())],
        ),
        frames=frames,
        tracks=[track],
        vectors=[
            FaceVector(time=0.0, face=0, track=0, crop=None, model="faceapi", vector=KATE.tolist()),
        ],
    )


@pytest.fixture
def asset(tmp_path) -> Asset:
    """Published before anybody was named."""
    asset = Asset(output=tmp_path / "out", id="a" * 16)
    asset.prepare()
    findings = found()
    embeddings = asset.cache / "embeddings.parquet"
    write_embeddings(embeddings, asset.id, embedding_rows(findings))
    manifest = Manifest(
        asset=asset.id,
        media=MediaInfo(name="talk.mp4", sha256="a" * 64, size=1, format="mp4", duration=2.0),
        duration=2.0,
        options={},
        complete=True,
        stages=[],
        models=[],
        software={},
        created=datetime.now(UTC),
        seconds=1.0,
        fingerprint="f",
    )
    publish.fn(asset, findings, embeddings, manifest, Path("/media/talk.mp4"), None)
    return asset


def documents(asset: Asset) -> dict[str, str]:
    names = ("transcript.json", "transcript.srt", "faces.json", "report.html", "diarization.rttm")
    return {name: (asset.folder / name).read_text(encoding="utf-8") for name in names}


def test_without_names_nothing_is_said_of_any(asset) -> None:
    assert "names" not in json.loads(documents(asset)["transcript.json"])
    assert documents(asset)["transcript.srt"].endswith("\nHello\n"), "who speaks alone needs no number"


def test_a_face_and_a_voice_that_are_named_later_are_named_everywhere(asset) -> None:
    name_person(asset.output, "aaaaaaaa:face0", "Kate")
    name_person(asset.output, "aaaaaaaa:SPEAKER_00", "Kate", merge=True)
    assert republish_named(asset.output) == ([asset.id], [])
    shown = documents(asset)
    transcript = Transcript.model_validate_json(shown["transcript.json"])
    assert transcript.names == {"PERSON_000": "Kate", "SPEAKER_00": "Kate"}
    assert transcript.segments[0].speaker == "SPEAKER_00", "what programs read keeps its labels"
    assert json.loads(shown["faces.json"])["tracks"][0]["name"] == "Kate"
    assert "[Kate] Hello" in shown["transcript.srt"]
    assert ">Kate<" in shown["report.html"] and "Speaker 1" not in shown["report.html"]
    assert "SPEAKER_00" in shown["diarization.rttm"]
    manifest = asset.manifest()
    assert manifest and manifest.people == {"face0": "Kate", "SPEAKER_00": "Kate"}
    assert asset.finished("f"), "no stage has to run again"


def test_nothing_is_written_when_no_name_changed(asset) -> None:
    name_person(asset.output, "aaaaaaaa:face0", "Kate")
    republish_named(asset.output)
    assert republish_named(asset.output) == ([], [])


def test_a_name_goes_from_the_documents_when_it_is_forgotten(asset) -> None:
    name_person(asset.output, "aaaaaaaa:face0", "Kate")
    republish_named(asset.output)
    forget_person(asset.output, "Kate")
    assert republish_named(asset.output) == ([asset.id], [])
    assert not any("Kate" in text for text in documents(asset).values())


def test_who_is_hidden_is_in_no_report(asset) -> None:
    name_person(asset.output, "aaaaaaaa:face0", "Kate")
    republish_named(asset.output)
    assert "1 person seen" in documents(asset)["report.html"]
    hide_person(asset.output, "Kate")
    assert republish_named(asset.output) == ([asset.id], [])
    report = documents(asset)["report.html"]
    assert "Kate" not in report and "person seen" not in report
    hide_person(asset.output, "Kate", hidden=False)
    republish_named(asset.output)
    assert "Kate" in documents(asset)["report.html"]


def test_an_asset_whose_findings_are_gone_is_named(asset) -> None:
    name_person(asset.output, "aaaaaaaa:face0", "Kate")
    shutil.rmtree(asset.cache)
    before = documents(asset)
    assert republish_named(asset.output) == ([], [asset.id])
    assert documents(asset) == before


def test_a_speaker_nobody_knows_by_voice_has_the_name_of_who_is_seen_speaking() -> None:
    speaking = Speaking(people={"SPEAKER_00": "PERSON_000", "SPEAKER_01": "PERSON_007"})
    assert spread_names({"face0": "Kate"}, found().tracks, speaking) == {
        "PERSON_000": "Kate",
        "SPEAKER_00": "Kate",
    }
    by_voice = spread_names({"face0": "Kate", "SPEAKER_00": "Ann"}, found().tracks, speaking)
    assert by_voice["SPEAKER_00"] == "Ann", "a voice is nearer than a guess by lips"
