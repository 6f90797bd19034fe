"""Data sets in other forms become a dataset.toml that can be evaluated; what is wrong is one sentence."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from containers.common.errors import UserError
from flows.evaluate.__main__ import main
from tasks.evaluation.dataset import Dataset, read_dataset
from tasks.evaluation.importers.run import import_dataset
from tests.tasks.evaluation.test_annotations import LONG


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with two recordings of 9 s and a picture."""
    place = tmp_path / "owned"
    (place / "wav").mkdir(parents=True)
    for name in ("a", "b"):
        soundfile.write(place / "wav" / f"{name}.wav", np.zeros(9 * 8000), 8000)
    Image.new("RGB", (200, 100)).save(place / "p.png")
    return place


def imported(place: Path, output: Path, media: Path | None = None) -> Dataset:
    return read_dataset(import_dataset(place, output / "set", media))


def write(path: Path, *lines: object) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_nemo(folder: Path, tmp_path: Path) -> None:
    write(folder / "a.rttm", "SPEAKER a 1 0 2 <NA> <NA> Kate <NA> <NA>")
    manifest = write(
        folder / "manifest.jsonl",
        {"audio_filepath": "/data/corpus/wav/a.wav", "duration": 9, "text": "hello", "lang": "en-US"}
        | {"rttm_filepath": "a.rttm"},
        {"audio_filepath": "wav/b.wav", "offset": 2.0, "duration": 3.5, "text": "안녕", "speaker": "Tom"},
    )
    one, other = imported(manifest, tmp_path).item
    assert (one.media, one.text, one.language) == (folder / "wav/a.wav", "hello", "en")
    assert one.true_turns()[0].speaker == "Kate"
    assert (other.start, other.end, other.speaker, other.source) == (2.0, 5.5, "Tom", "b.wav")


def test_hugging_face(folder: Path, tmp_path: Path) -> None:
    write(folder / "metadata.csv", "file_name,transcription,locale", "wav/a.wav,hello,en", "wav/b.wav,네,ko")
    assert [(one.text, one.language) for one in imported(folder, tmp_path).item] == [
        ("hello", "en"),
        ("네", "ko"),
    ]
    (folder / "metadata.csv").unlink()
    faces = {"bbox": [[10, 20, 30, 40]], "categories": ["Kate"]}
    write(
        folder / "metadata.jsonl",
        {"file_name": "p.png", "objects": faces},
        {"file_name": "wav/a.wav", "label": "/m/09x0r"},
    )
    one, other = imported(folder, tmp_path / "other").item
    assert one.faces and (one.faces[0].box, one.faces[0].person) == ((10, 20, 30, 40), "Kate")
    assert other.sounds == ["Speech"]


def test_label_studio(folder: Path, tmp_path: Path) -> None:
    region = {"start": 1.0, "end": 2.0}
    sound = [
        {"id": "r1", "type": "labels", "value": region | {"labels": ["Kate"]}},
        {"id": "r1", "type": "textarea", "value": region | {"text": ["hello there"]}},
        {"id": "r2", "type": "labels", "value": {"start": 3, "end": 4, "labels": ["Tom"]}},
    ]
    box = {"x": 10, "y": 20, "width": 50, "height": 40, "rectanglelabels": ["Kate"]}
    picture = [{"original_width": 200, "original_height": 100, "type": "rectanglelabels", "value": box}]
    whole = [{"id": "t", "type": "textarea", "value": {"text": ["good bye"]}}]
    tasks = [
        {"data": {"audio": "/data/upload/1/0a1b2c3d-a.wav"}, "annotations": [{"result": sound}]},
        {"data": {"image": "/data/local-files/?d=p.png"}, "annotations": [{"result": picture}]},
        {
            "data": {"audio": "/data/upload/1/b.wav"},
            "annotations": [{"was_cancelled": True, "result": sound}],
        },
        {"data": {"audio": "https://example.org/wav/b.wav"}, "annotations": [{"result": whole}]},
    ]
    export = write(folder / "export.json", json.dumps(tasks))
    one, other, third = imported(export, tmp_path, folder).item
    assert [(said.text, said.start, said.speaker) for said in one.utterances()] == [
        ("hello there", 1.0, "Kate")
    ]
    assert [turn.speaker for turn in one.true_turns()] == ["Kate", "Tom"]
    assert other.faces and other.faces[0].box == pytest.approx((20, 20, 100, 40))
    assert third.text == "good bye"


def test_kaldi(folder: Path, tmp_path: Path) -> None:
    write(folder / "wav.scp", "rec1 wav/a.wav", "rec2 /somewhere/wav/b.wav")
    write(folder / "segments", "u1 rec1 0.5 2.0", "u2 rec1 1.5 4.0", "u3 rec2 0 1")
    write(folder / "text", "u1 hello (there)", "u2 네 그래요", "u3")
    write(folder / "utt2spk", "u1 kate", "u2 tom", "u3 tom")
    write(folder / "utt2lang", "u1 ko")
    one, other = imported(folder, tmp_path).item
    assert [(said.text, said.speaker) for said in one.utterances()] == [
        ("hello there", "kate"),
        ("네 그래요", "tom"),
    ]
    assert (one.id, one.language, len(one.true_turns())) == ("rec1", "ko", 2)
    assert one.has("speakers") and not other.has("speakers")
    (folder / "segments").unlink()
    write(folder / "text", "rec1 hello", "rec2 bye")
    assert [item.text for item in imported(folder, tmp_path / "whole").item] == ["hello", "bye"]


def test_lhotse(folder: Path, tmp_path: Path) -> None:
    recording = {
        "id": "r",
        "sources": [{"type": "file", "channels": [0], "source": "/x/wav/a.wav"}],
        "duration": 9,
    }
    said = {
        "id": "s",
        "recording_id": "r",
        "start": 1.0,
        "duration": 2.0,
        "text": "hello",
        "speaker": "Kate",
        "language": "en",
    }
    write(folder / "x_recordings.jsonl.gz", recording)
    write(folder / "x_supervisions.jsonl.gz", said)
    (one,) = imported(folder, tmp_path).item
    assert [tuple(each)[:4] for each in one.utterances()] == [("hello", 1.0, 3.0, "Kate")]
    cut = {"type": "MonoCut", "id": "c", "start": 4.0, "duration": 3.0, "recording": recording}
    cuts = write(folder / "cuts.jsonl", cut | {"supervisions": [said | {"start": 0.5, "duration": 1.0}]})
    (part,) = imported(cuts, tmp_path / "cuts").item
    assert (part.start, part.end, part.source) == (4.0, 7.0, "r")
    assert (part.utterances()[0].start, part.utterances()[0].end) == (4.5, 5.5)


def test_references_beside_their_media(folder: Path, tmp_path: Path) -> None:
    write(folder / "wav" / "a.TextGrid", LONG)
    write(folder / "wav" / "b.srt", "1", "00:00:01,000 --> 00:00:02,000", "hello", "")
    write(folder / "wav" / "b.rttm", "SPEAKER b 1 0 2 <NA> <NA> Kate <NA> <NA>")
    one, other = imported(folder, tmp_path).item
    assert (one.id, one.true_turns()[0].speaker) == ("wav/a", "Kate")
    assert (other.utterances()[0].text, other.true_turns()[0].speaker) == ("hello", "Kate")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "m.jsonl",
            '{"audio_filepath": "../../../etc/passwd", "text": "x"}',
            "m.jsonl, line 1 names '../../../etc",
        ),
        ("m.jsonl", '{"audio_filepath": "/etc/passwd", "text": "x"}', "which is not in"),
        ("m.jsonl", '{"audio_filepath": "link.wav", "text": "x"}', "which is not in"),
        ("m.jsonl", '{"audio_filepath": "wav/a.wav", "offset": "nan"}', "'nan' is no number of seconds"),
        ("m.jsonl", '{"audio_filepath": ', "m.jsonl, line 1 is no JSON"),
        ("m.jsonl", "[" * 100_000, "m.jsonl, line 1 is no JSON"),
        ("m.jsonl", "[1]", "m.jsonl, line 1 is no JSON object"),
        ("metadata.csv", "name\nwav/a.wav", "metadata.csv, line 2 has no file_name"),
        ("e.json", "[3]", "e.json, task 1 is no JSON object"),
        ("e.json", '[{"data": {"audio": "no"}}]', "e.json, task 1 names no file"),
        ("wav.scp", "r sox a.wav -t wav - |", "is a command, which is not run"),
        ("cuts.jsonl", '{"type": "MixedCut", "recording": 3}', "is no cut of a recording"),
        ("a.xml", "<a/>", "a.xml is none of a NeMo manifest"),
        ("m.jsonl", '{"audio_filepath": "wav/a.wav", "text": "x", "lang": "klingon"}', "is no language code"),
        ("m.jsonl", "", "Nothing was found"),
    ],
)
def test_what_is_wrong_is_one_sentence(
    folder: Path, tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    (folder / "link.wav").symlink_to("/etc/passwd")
    place = write(folder / name, content)
    with pytest.raises(UserError) as told:
        import_dataset(folder if name == "wav.scp" else place, tmp_path / "set")
    assert sentence in str(told.value) and "\n" not in str(told.value)
    assert not (tmp_path / "set" / "dataset.toml").exists()


def test_the_command_writes_what_the_evaluation_reads(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = write(folder / "m.jsonl", {"audio_filepath": "wav/a.wav", "text": "hello"})
    arguments = ["import", str(manifest), "--output", str(tmp_path / "set")]
    assert main(arguments) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "set" / "dataset.toml")
    assert main(arguments) == 1
    assert "holds a data set already" in capsys.readouterr().err
