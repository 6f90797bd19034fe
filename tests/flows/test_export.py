"""Subtitles and transcripts of finished analyses, in other formats and another layout, without a model."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from containers.common.documents.sounds import Prediction, Tags
from containers.common.documents.speakers import Diarization, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from flows.export import main
from tasks.asset.folder import Asset
from tasks.asset.manifest import Manifest
from tasks.media.probe import MediaInfo
from tasks.outputs.embeddings import write_embeddings
from tasks.outputs.findings import Findings
from tasks.people.republish import republish_named
from tasks.stages.publish.run import publish

TEXT = "Good evening, and welcome to the programme about the harbour."


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    asset = Asset(output=tmp_path / "out", id="a" * 16)
    asset.prepare()
    words = [Word(word=w, start=0.4 * n, end=0.4 * n + 0.3, score=1) for n, w in enumerate(TEXT.split())]
    said = Segment(start=0, end=words[-1].end, text=TEXT, words=words)
    turn = Turn(start=0, end=5, speaker="SPEAKER_00")
    findings = Findings(
        transcript=Transcript(segments=[said], language="en", duration=20.0),
        diarization=Diarization(turns=[turn], exclusive_turns=[turn], voice_activity=[], speakers=[]),
        tags=Tags(predictions=[Prediction(label="Music", score=0.9, start_time=8, end_time=12)]),
    )
    embeddings = asset.cache / "embeddings.parquet"
    write_embeddings(embeddings, asset.id, [])
    manifest = Manifest(
        asset=asset.id,
        media=MediaInfo(name="talk.mp4", sha256="a" * 64, size=1, format="mp4", duration=20.0),
        duration=20.0,
        options={"language": "en"},
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


def test_an_asset_folder_gets_other_formats_and_another_layout(asset, capsys) -> None:
    before = (asset.folder / "transcript.json").read_bytes()
    assert main([asset.place, "--formats", "docx,sdh", "--max_line_width", "20"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{asset.place}/transcript.{kind}" for kind in ("json", "srt", "vtt", "docx", "sdh.srt", "sdh.vtt")
    ]
    manifest = asset.manifest()
    assert manifest and {"transcript.docx", "transcript.sdh.srt"} <= manifest.files.keys()
    assert manifest.options["max_line_width"] == 20 and manifest.options["language"] == "en"
    assert asset.finished("f"), "no stage has to run again"
    assert (asset.folder / "transcript.json").read_bytes() == before
    srt = (asset.folder / "transcript.srt").read_text()
    assert max(map(len, srt.splitlines()[2:4])) <= 20
    assert "[music]" in (asset.folder / "transcript.sdh.vtt").read_text()
    assert "transcript.docx" in (asset.folder / "report.html").read_text()


def test_what_was_chosen_stays_until_something_else_is(asset) -> None:
    main([asset.place, "--formats", "txt", "--max-line-width", "20"])
    main([asset.place, "--speaker-labels", "on"])
    assert "[SPEAKER_00]" in (asset.folder / "transcript.srt").read_text()
    assert (asset.folder / "transcript.txt").read_text().startswith("[0:00] Speaker 1: Good")
    assert max(map(len, (asset.folder / "transcript.srt").read_text().splitlines()[2:4])) <= 20
    assert republish_named(asset.output) == ([], [])


def test_a_folder_that_was_copied_is_enough_to_write_elsewhere(asset, tmp_path, capsys) -> None:
    copy = asset.folder.rename(tmp_path / "copied")
    document = json.loads((copy / "transcript.json").read_bytes()) | {"names": {"SPEAKER_00": "Kate"}}
    (copy / "transcript.json").write_text(json.dumps(document))
    assert main([str(copy), "--to", str(tmp_path / "air"), "--formats", "all"]) == 0
    written = {path.name for path in (tmp_path / "air" / "copied").iterdir()}
    assert {"transcript.srt", "transcript.ttml", "transcript.docx", "transcript.sdh.srt"} <= written
    assert "[Kate]" in (tmp_path / "air" / "copied" / "transcript.srt").read_text()
    assert not {path.name for path in copy.iterdir()} & {"transcript.ttml"}
    assert len(capsys.readouterr().out.splitlines()) == len(written)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--max-line-width", "2"], "--max-line-width: Input should be greater than or equal to 8."),
        (["--formats", "pdf"], "--formats: Input should be 'srt', 'vtt'"),
        (["--min-duration", "9"], "--min-duration: Input should be less than or equal to 7."),
    ],
)
def test_a_wrong_option_is_one_sentence(asset, capsys, arguments, sentence) -> None:
    assert main([asset.place, *arguments]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.startswith(sentence) and len(said.err.splitlines()) == 1


def test_what_cannot_be_written_is_one_sentence(asset, tmp_path, capsys) -> None:
    (asset.cache / "found.json").unlink()
    for place, to, sentence in (
        (asset.place, None, "--to FOLDER"),
        (tmp_path / "nowhere", None, "no folder"),
        (tmp_path, None, "no finished asset folder"),
        (tmp_path / "nowhere", tmp_path, "no file at"),
    ):
        assert main([str(place), *(["--to", str(to)] if to else [])]) == 1
        said = capsys.readouterr()
        assert sentence in said.err and len(said.err.splitlines()) == 1 and said.out == ""
