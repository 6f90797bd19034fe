"""Every rule: results that keep it, and faults of its kind that it names."""

import copy
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tasks.checks import docs
from tasks.checks.check import check_tables, load_rules
from tasks.checks.tables import Tables, join, tables_of
from tasks.checks.verdicts import Quality


def tables(folder: Path) -> Tables:
    documents = {path.name: path.read_bytes() for path in folder.glob("*.*")}
    manifest = json.loads(documents["manifest.json"])
    return tables_of(folder.name, documents, folder / "embeddings.parquet", manifest, folder)


def check(folder: Path) -> Quality:
    return check_tables(tables(folder))


def segment(**changes):
    return lambda documents, *_: documents["transcript.json"]["segments"][1].update(changes)


def no_language(documents, *_):
    documents["transcript.json"].update(language=None, segments=documents["transcript.json"]["segments"][1:])


def word(**changes):
    return lambda documents, *_: documents["transcript.json"]["segments"][0]["words"][1].update(changes)


def turn(kind="turns", **changes):
    return lambda documents, *_: documents["diarization.json"][kind][1].update(changes)


def sound(**changes):
    return lambda documents, *_: documents["tags.json"]["predictions"][0].update(changes)


def frame(**changes):
    return lambda documents, *_: documents["faces.json"]["frames"][0].update(changes)


def face(part, **changes):
    return lambda documents, *_: documents["faces.json"]["frames"][0]["faces"][0][part].update(changes)


def box(**changes):
    return lambda documents, *_: documents["faces.json"]["frames"][0]["faces"][0]["detection"]["box"].update(
        changes
    )


def vector(**changes):
    return lambda documents, manifest, vectors: vectors[1].update(changes)


def model(**changes):
    return lambda documents, manifest, *_: manifest["models"][0].update(changes)


def said(**changes):
    return lambda documents, manifest, *_: manifest.update(changes)


def first_word(**changes):
    return lambda documents, *_: documents["transcript.json"]["segments"][0]["words"][0].update(changes)


def no_language_key(documents, *_):
    del documents["transcript.json"]["language"]


def document(name: str, text: str):
    return lambda documents, *_: documents.update({name: text})


def all_texts(text: str):
    def change(documents, *_):
        for one in documents["transcript.json"]["segments"]:
            one.update(text=text, words=[])

    return change


def subtitle(text: str) -> str:
    return f"1\n00:00:00,000 --> 00:00:05,200\n{text}\n"


def track(**changes):
    return lambda documents, *_: documents["faces.json"]["tracks"][0].update(changes)


def last_frame(**changes):
    return lambda documents, *_: documents["faces.json"]["frames"][1].update(changes)


def twice(file: str, name: str):
    def change(documents, *_):
        rows = documents[file][name]
        rows.insert(0, copy.deepcopy(rows[0]))

    return change


def most_spoken(language: str | None):
    def change(documents, *_):
        for one in documents["transcript.json"]["segments"]:
            one["language"] = "ko"
        documents["transcript.json"]["language"] = language

    return change


def one_vector_for(rows: slice):
    def change(documents, manifest, vectors):
        for one in vectors[rows]:
            one.update(vector=[0.5, 0.5, 0.5])

    return change


GONE = {"files": {"report.html": {"sha256": "c" * 64, "size": 5}}}
TWIN = {"metadata": {"kind": "voice", "speaker": "0"}}
NAN = [float("nan"), 0.0, 0.0, 1.0]
SPOKEN = "Who says a word has a turn in the diarization."
SILENT = "Where people talk there are words."
SHOWN = "Subtitles say what the transcript says."
FINITE = "Every number of a document is finite."
SHAPED = "A document has the shape that is promised."
ORDERED = "Frames are in the order of their times."
FAULTS = {
    "documents": [
        (document("tags.json", '{"predictions": ['), "A document can be read."),
        (document("faces.json", ""), "A document can be read."),
        (word(score=float("nan")), FINITE),
        (word(start=float("nan")), FINITE),
        (face("ageAndGender", age=float("inf")), FINITE),
        (document("noise.json", '{"track": [{"time": 0, "snr_db": NaN}]}'), FINITE),
        (document("transcript.json", "[]"), SHAPED),
        (segment(text=None), SHAPED),
        (document("diarization.json", '{"turns": null}'), SHAPED),
        (document("faces.json", '{"frames": [{"time": 1}]}'), SHAPED),
        (no_language_key, SHAPED),
    ],
    "speakers": [
        (word(speaker="SPEAKER_09"), SPOKEN),
        (segment(speaker="Kate"), SPOKEN),
        (turn(speaker="SPEAKER_00"), SPOKEN),
        (first_word(speaker="SPEAKER_02"), SPOKEN),
        (lambda documents, *_: documents["diarization.json"].update(turns=[]), SPOKEN),
    ],
    "speech": [
        (document("transcript.json", '{"language": null, "segments": []}'), SILENT),
        (document("transcript.json", '{"language": "ko", "segments": []}'), SILENT),
        (all_texts(""), SILENT),
        (all_texts(" "), SILENT),
        (all_texts("\n"), SILENT),
    ],
    "subtitles": [
        (document("transcript.srt", ""), SHOWN),
        (document("transcript.srt", subtitle("네.")), SHOWN),
        (document("transcript.srt", subtitle("안녕하세요 반갑습니다 네 여러분 그리고 친구들")), SHOWN),
        (all_texts("완전히 다른 말"), SHOWN),
        (document("transcript.vtt", "WEBVTT\n"), SHOWN),
    ],
    "tracks": [
        (track(end=0.5), "A track ends after it starts."),
        (track(seen=[]), "A track is seen at least once."),
        (track(seen=[{"time": 1.0, "face": 1}]), "The faces of a track are in their frames."),
        (track(seen=[{"time": 1.5, "face": 0}], end=2.0), "The faces of a track are in their frames."),
        (track(start=1.2, end=1.3), "A track is seen between its start and its end."),
    ],
    "frames": [
        (frame(time=3.0), ORDERED),
        (frame(time=2.5), ORDERED),
        (last_frame(time=0.5), ORDERED),
        (last_frame(time=0.0), ORDERED),
        (frame(time=9.0), ORDERED),
        (twice("faces.json", "frames"), "A frame is there once."),
    ],
    "segments": [
        (segment(start=9.5), "A segment ends after it starts."),
        (segment(start=-1.0), "A segment starts at or after 0 s."),
        (segment(end=11.0), "A segment ends inside the media."),
        (segment(start=-0.5), "Segments are in the order of their starts."),
        (segment(language="Korean"), "The language is one that Whisper knows."),
        (segment(text="x" * 200), "Nobody speaks that fast."),
        (segment(words=[]), "A segment's words are its text."),
        (segment(text="네, 네."), "A segment's words are its text."),
        (twice("transcript.json", "segments"), "A segment is there once."),
        (most_spoken(None), "A transcript with segments has a language."),
        (most_spoken("klingon"), "The transcript's language is one that Whisper knows."),
        (
            lambda documents, *_: documents["transcript.json"].update(language=None),
            "A segment has a language.",
        ),
    ],
    "words": [
        (word(start=5.3), "A word ends after it starts."),
        (word(start=-0.1), "A word starts inside its segment."),
        (word(end=5.3), "A word ends inside its segment."),
        (word(start=-0.1, end=0.5), "Words are in the order of their starts."),
        (word(score=1.2), "A word's score is a probability."),
        (word(score=-0.1), "A word's score is a probability."),
    ],
    "turns": [
        (turn(start=9.1), "A turn ends after it starts."),
        (turn(start=-0.1), "A turn starts at or after 0 s."),
        (turn(end=10.6), "A turn ends inside the media."),
        (turn(speaker="SPEAKER_07"), "Every speaker who has a turn has an embedding."),
        (turn(speaker=""), "Every speaker who has a turn has an embedding."),
        (turn(speaker="SPEAKER_00"), "A speaker's turns do not overlap each other."),
        (turn(start=0.0, end=5.2, speaker="SPEAKER_00"), "A speaker's turns do not overlap each other."),
    ],
    "exclusive_turns": [
        (turn("exclusive_turns", start=9.1), "A turn ends after it starts."),
        (turn("exclusive_turns", start=-0.1), "A turn starts at or after 0 s."),
        (turn("exclusive_turns", end=10.6), "A turn ends inside the media."),
        (turn("exclusive_turns", start=-2.0), "Exclusive turns are in the order of their starts."),
        (turn("exclusive_turns", start=4.9), "Exclusive turns do not overlap."),
    ],
    "tags": [
        (sound(start_time=9.5), "A sound event ends after it starts."),
        (sound(start_time=-0.1), "A sound event starts at or after 0 s."),
        (sound(end_time=10.6), "A sound event ends inside the media."),
        (sound(score=85), "A sound event's score is a probability."),
        (sound(label=None), "A sound event has a label."),
        (twice("tags.json", "predictions"), "A sound event is there once."),
        (sound(label="Spech"), "A sound event's label is one of AudioSet's."),
    ],
    "faces": [
        (frame(time=-1.0), "A face's frame is shown at or after 0 s."),
        (frame(time=11.0), "A face's frame is shown inside the media."),
        (box(width=-1.0), "A face's box has a width."),
        (box(height=-1.0), "A face's box has a height."),
        (box(x=-81.0), "A face's box reaches into the frame from the left."),
        (box(y=-101.0), "A face's box reaches into the frame from above."),
        (box(x=-50.0), "Most of a face's box is inside the frame."),
        (box(x=641.0), "A face's box reaches into the frame from the right."),
        (box(y=481.0), "A face's box reaches into the frame from below."),
        (face("detection", score=1.1), "A face's score is a probability."),
        (face("expressions", happy=0.9), "A face's expressions sum to 1."),
        (face("ageAndGender", age=140), "A face's age is one that people have."),
        (face("ageAndGender", genderProbability=0.3), "A gender's probability is at least one half."),
    ],
    "embeddings": [
        (vector(vector=NAN), "A vector's numbers are finite."),
        (vector(vector=[1.0, 0.0, 0.0]), "Vectors of one model have one dimension."),
        (vector(vector=[0.0, 0.0, 0.0, 0.0]), "A vector is normalised."),
        (vector(vector=[0.0, 2.0, 0.0, 0.0]), "A vector is normalised."),
        (vector(**TWIN), "A vector of one thing is there once."),
        (vector(model=None), "A vector names its model."),
        (vector(vector=[0.0, 0.0, 0.0, 0.0]), "A vector is not zero."),
        (one_vector_for(slice(2, 4)), "Faces seen at once have vectors of their own."),
        (one_vector_for(slice(2, None)), "A face's vector stands for one appearance."),
    ],
    "manifest": [
        (model(id=None), "What a result may depend on has a name."),
        (model(revision=None), "Models and software have a version."),
        (model(sha256="unknown"), "A hash is a SHA-256."),
        (said(media={"name": "talk.mp4", "sha256": "A" * 64, "size": 1}), "A hash is a SHA-256."),
        (said(software={"python": None}), "Models and software have a version."),
        (said(**GONE), "A file has the size that the manifest says."),
        (said(**GONE), "A file has the content that the manifest says."),
        (said(unnamed="notes.txt"), "Every file of the folder is the manifest's."),
    ],
}


def test_a_month_of_checks_is_kept_whole() -> None:
    assert len(load_rules()) * docs.MOST_CHECKS <= docs.MOST_RESULTS


def test_good_results_keep_every_rule(make_asset):
    quality = check(make_asset())
    assert [verdict.sentence for verdict in quality.verdicts if verdict.broken] == []
    assert all(verdict.checked for verdict in quality.verdicts)


def test_an_asset_in_which_nothing_was_found_keeps_every_rule(make_asset):
    def empty(documents, manifest, vectors):
        documents["transcript.json"] = {"language": None, "segments": []}
        documents["diarization.json"] = {"turns": [], "exclusive_turns": [], "speakers": []}
        documents["tags.json"] = {"predictions": []}
        documents["faces.json"] = {"frames": []}
        documents["transcript.srt"] = ""
        vectors.clear()

    assert not any(verdict.broken for verdict in check(make_asset(empty)).verdicts)


def without(*names: str):
    def change(documents, manifest, vectors):
        for name in names:
            documents.pop(name, None)

    return change


def no_faces(documents, manifest, vectors):
    without("faces.json")(documents, manifest, vectors)
    vectors[:] = [one for one in vectors if one["metadata"]["kind"] == "voice"]


def no_sound(documents, manifest, vectors):
    without("transcript.json", "transcript.srt", "diarization.json", "tags.json", "noise.json")(
        documents, None, None
    )
    vectors[:] = [one for one in vectors if one["metadata"]["kind"] == "face"]


def later_faces(documents, manifest, vectors):
    documents["faces.json"]["frames"][0]["time"] = 1.5
    documents["faces.json"]["tracks"][0].update(start=1.5, end=1.5, seen=[{"time": 1.5, "face": 0}])


def overlapping_speakers(documents, manifest, vectors):
    documents["diarization.json"]["turns"].append({"start": 9.0, "end": 9.5, "speaker": "SPEAKER_00"})
    documents["diarization.json"]["turns"].sort(key=lambda one: one["start"])


# Good in ten ways: as it is, of another language, louder, at the edges, with less in it.
GOOD_ONES = [
    lambda *_: None,
    no_faces,
    no_sound,
    later_faces,
    overlapping_speakers,
    without("noise.json"),
    sound(label="Music", score=0.0),
    segment(end=10.0, words=[{"word": "네.", "start": 6.0, "end": 10.0, "score": 0.0}]),
    face("ageAndGender", age=0.0, genderProbability=0.5),
    box(x=0.0, y=0.0, width=640.0, height=480.0),
]


def test_there_is_no_finding_in_ten_good_assets(make_asset):
    folders = [make_asset(change, f"good-{number}") for number, change in enumerate(GOOD_ONES)]
    assert len(folders) == 10
    quality = check_tables(join([tables(folder) for folder in folders]))
    assert [(one.sentence, one.assets) for one in quality.verdicts if one.broken] == []


def test_every_rule_has_a_fault_here_and_every_table_at_least_five(make_asset):
    rules = {(verdict.table, verdict.rule) for verdict in check(make_asset()).verdicts}
    assert rules == {(table, rule) for table, faults in FAULTS.items() for _, rule in faults}
    assert all(len(faults) >= 5 for faults in FAULTS.values())


PLANTED = [(table, number) for table, faults in FAULTS.items() for number in range(len(faults))]


@pytest.fixture(scope="module")
def checked(make_asset) -> Quality:
    """A store in which every asset has one fault, and one asset has none."""
    spoiled = [make_asset(FAULTS[table][number][0], f"{table}-{number}") for table, number in PLANTED]
    return check_tables(join([tables(folder) for folder in [*spoiled, make_asset(name="good")]]))


@pytest.mark.parametrize(("table", "number"), PLANTED)
def test_a_planted_fault_is_named_with_its_asset(table, number, checked):
    rule = FAULTS[table][number][1]
    (verdict,) = [each for each in checked.verdicts if (each.table, each.rule) == (table, rule)]
    (row, *_) = [row for row in verdict.rows if row.asset == f"{table}-{number}"]
    assert row.values, "the row that breaks it is shown"
    assert f"{table}-{number}" in verdict.assets and rule in verdict.sentence


def test_an_asset_without_faults_is_not_named(checked):
    assert "good" not in {row.asset for verdict in checked.verdicts for row in verdict.rows}


def test_a_file_that_was_changed_afterwards(make_asset):
    folder = make_asset()
    text = (folder / "tags.json").read_text()
    (folder / "tags.json").write_text(text.replace("0.9", "0.8"))
    broken = [verdict.rule for verdict in check(folder).verdicts if verdict.broken]
    assert broken == ["A file has the content that the manifest says."]


def test_at_least_sixty_faults_are_planted():
    assert len(PLANTED) >= 60


def test_values_of_another_kind_break_a_rule_and_stop_nothing(make_asset):
    """What Great Expectations cannot compare is named with its asset, also beside good ones."""
    folders = [make_asset(word(score="high"), "odd"), make_asset(name="good")]
    quality = check_tables(join([tables(folder) for folder in folders]))
    (broken,) = [verdict for verdict in quality.verdicts if verdict.broken]
    assert (broken.rule, list(broken.assets)) == ("A word's score is a probability.", ["odd"])


def test_what_stumbles_hides_no_other_fault(make_asset):
    """The rule is asked of the others too, and names them with their rows."""
    changes = {"odd": {"score": "high"}, "wrong": {"score": 1.5}, "good": {}}
    quality = check_tables(join([tables(make_asset(word(**each), name)) for name, each in changes.items()]))
    (broken,) = [verdict for verdict in quality.verdicts if verdict.broken]
    assert (broken.assets, broken.broken) == ({"odd": 1, "wrong": 1}, 2)
    assert [(row.asset, row.row) for row in broken.rows] == [("odd", 0), ("wrong", 1)]
    assert broken.checked == 9


def test_checks_at_once_are_answered_each_with_its_own_rows(make_asset):
    """Files of a batch are checked by threads of one process."""
    good, odd = tables(make_asset(name="good")), tables(make_asset(word(score=2.0), "odd"))
    given = [good, odd] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(check_tables, given))
    assert [[name for each in quality.verdicts for name in each.assets] for quality in found] == [
        [],
        ["odd"],
    ] * 4
