"""Naming people once: what holds, and for how long."""

import json
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from containers.common.errors import UserError
from tasks.outputs.embeddings import write_embeddings
from tasks.people import edit, matching, store
from tasks.people.appearances import people_models
from tasks.people.edit import (
    NameInUse,
    forget_person,
    hide_person,
    list_people,
    merge_people,
    name_person,
    split_person,
)
from tasks.people.explain import explain_person
from tasks.people.store import load_people, undo

KATE, TOM, ANN = (np.random.default_rng(seed).standard_normal(128) for seed in range(3))


def face(who: np.ndarray, track: int, time: float = 0.0, blur: float = 0.1) -> dict:
    """A face-api descriptor of somebody: a vector of length 0.7, `blur` away from the others of them."""
    noise = np.random.default_rng([track, int(10 * time)]).standard_normal(128)
    vector = 0.7 * who / np.linalg.norm(who) + blur * noise / np.linalg.norm(noise)
    about = {"kind": "face", "track": track, "time": time, "score": 0.9, "thumbnail": f"crops/k/{track}.jpg"}
    return {"model": "faceapi", "vector": vector.tolist(), "metadata": about}


def voice(who: np.ndarray, speaker: str) -> dict:
    about = {"kind": "voice", "speaker": speaker, "time": 0.0}
    return {"model": "ge2e-speaker", "vector": np.resize(who, 256).tolist(), "metadata": about}


@pytest.fixture
def add(tmp_path):
    """Publishes an asset with these vectors."""

    def publish(asset: str, *rows: dict) -> None:
        folder = tmp_path / (asset * 16)[:16]
        folder.mkdir(exist_ok=True)
        write_embeddings(folder / "embeddings.parquet", folder.name, rows)
        (folder / "manifest.json").write_text("{}")
        for row in rows:
            if crop := row["metadata"].get("thumbnail"):
                path = tmp_path / ".cache" / folder.name / crop
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(f"{asset} {crop}".encode())

    return publish


def who_is_who(output: Path) -> dict[str | None, set[str]]:
    """Name, or else ref, to the appearances."""
    return {
        (group.person and group.person.name) or group.ref: {each.ref for each in group.appearances}
        for group in list_people(output)
    }


def test_the_same_face_in_two_assets_is_one_group(add, tmp_path) -> None:
    add("a", face(KATE, 0), face(TOM, 1), face(KATE, 2, time=9))
    add("b", face(KATE, 0))
    assert sorted(map(sorted, who_is_who(tmp_path).values())) == [
        ["aaaaaaaa:face0", "aaaaaaaa:face2", "bbbbbbbb:face0"],
        ["aaaaaaaa:face1"],
    ]


def test_two_faces_on_screen_at_once_are_two_people_however_alike(add, tmp_path) -> None:
    add("a", face(KATE, 0, blur=0), face(KATE, 1, blur=0.01))
    assert len(list_people(tmp_path)) == 2


def test_a_name_holds_for_past_and_future_assets(add, tmp_path) -> None:
    add("a", face(KATE, 0), face(TOM, 1))
    add("b", face(KATE, 4))
    name_person(tmp_path, "bbbbbbbb:face4", "Kate")
    add("c", face(ANN, 0), face(KATE, 1))
    named = who_is_who(tmp_path)
    assert named["Kate"] == {"aaaaaaaa:face0", "bbbbbbbb:face4", "cccccccc:face1"}
    assert named["aaaaaaaa:face1"] == {"aaaaaaaa:face1"}


def test_a_name_outlives_the_asset_it_was_given_in(add, tmp_path) -> None:
    add("a", face(KATE, 0))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    (tmp_path / ("a" * 16) / "manifest.json").unlink()
    assert who_is_who(tmp_path) == {"Kate": set()}
    add("b", face(KATE, 7))
    assert who_is_who(tmp_path) == {"Kate": {"bbbbbbbb:face7"}}


def test_tracks_may_be_numbered_anew(add, tmp_path) -> None:
    add("a", face(KATE, 0), face(TOM, 1))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    add("a", face(TOM, 0), face(KATE, 1, blur=0.2))
    assert who_is_who(tmp_path)["Kate"] == {"aaaaaaaa:face1"}


def test_somebody_unknown_is_not_taken_for_anybody(add, tmp_path) -> None:
    add("a", face(KATE, 0))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    add("b", face(TOM, 0))
    assert who_is_who(tmp_path)["Kate"] == {"aaaaaaaa:face0"}


def test_a_face_and_a_voice_of_the_same_name_are_one_person(add, tmp_path) -> None:
    add("a", face(KATE, 0), voice(KATE, "SPEAKER_00"), voice(TOM, "SPEAKER_01"))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    with pytest.raises(NameInUse, match="Somebody is called 'Kate' already"):
        name_person(tmp_path, "aaaaaaaa:SPEAKER_00", "Kate")
    name_person(tmp_path, "aaaaaaaa:SPEAKER_00", "Kate", merge=True)
    add("b", voice(KATE, "SPEAKER_03"))
    assert who_is_who(tmp_path)["Kate"] == {
        "aaaaaaaa:face0",
        "aaaaaaaa:SPEAKER_00",
        "bbbbbbbb:SPEAKER_03",
    }
    assert len(load_people(tmp_path).people) == 1


def test_merged_people_stay_merged(add, tmp_path) -> None:
    add("a", face(KATE, 0), face(ANN, 1, time=5))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    merge_people(tmp_path, ["Kate", "aaaaaaaa:face1"])
    add("b", face(ANN, 0), face(TOM, 1))
    assert who_is_who(tmp_path)["Kate"] == {"aaaaaaaa:face0", "aaaaaaaa:face1", "bbbbbbbb:face0"}


def test_split_people_stay_apart_although_they_look_alike(add, tmp_path) -> None:
    twin = KATE + 0.35 * ANN  # nearer to Kate than the limit
    add("a", face(KATE, 0, blur=0), face(twin, 1, time=5, blur=0))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    assert who_is_who(tmp_path)["Kate"] == {"aaaaaaaa:face0", "aaaaaaaa:face1"}
    other = split_person(tmp_path, ["aaaaaaaa:face1"])
    name_person(tmp_path, other.id, "Lucy")
    add("b", face(twin, 0, blur=0.05), face(KATE, 1, time=5, blur=0.05))
    named = who_is_who(tmp_path)
    assert named["Kate"] == {"aaaaaaaa:face0", "bbbbbbbb:face1"}
    assert named["Lucy"] == {"aaaaaaaa:face1", "bbbbbbbb:face0"}


def test_split_can_be_taken_back_by_a_merge(add, tmp_path) -> None:
    add("a", face(KATE, 0), face(KATE, 1, time=5))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    other = split_person(tmp_path, ["aaaaaaaa:face1"])
    merge_people(tmp_path, ["Kate", other.id])
    assert who_is_who(tmp_path)["Kate"] == {"aaaaaaaa:face0", "aaaaaaaa:face1"}


def test_split_gives_a_name_at_once(add, tmp_path) -> None:
    add("a", face(KATE, 0), face(KATE, 1, time=5))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    with pytest.raises(NameInUse):
        split_person(tmp_path, ["aaaaaaaa:face1"], "Kate")
    assert split_person(tmp_path, ["aaaaaaaa:face1"], " Lucy ").name == "Lucy"
    assert who_is_who(tmp_path) == {"Kate": {"aaaaaaaa:face0"}, "Lucy": {"aaaaaaaa:face1"}}


def test_a_name_that_looks_like_an_id_is_a_name(add, tmp_path) -> None:
    add("a", face(KATE, 0), face(TOM, 1), face(ANN, 2))
    name_person(tmp_path, "aaaaaaaa:face0", "p2")
    assert name_person(tmp_path, "aaaaaaaa:face1", "Tom").id == "p2"
    with pytest.raises(UserError, match="'p2' is one person's id and another's name"):
        name_person(tmp_path, "p2", "Thomas")
    assert name_person(tmp_path, "id:p2", "Thomas").name == "Thomas"
    assert forget_person(tmp_path, "name:p2").id == "p1"
    assert set(who_is_who(tmp_path)) == {"Thomas", "aaaaaaaa:face0", "aaaaaaaa:face2"}


def test_every_change_is_undone_one_after_the_other(add, tmp_path) -> None:
    add("a", face(KATE, 0), face(TOM, 1), face(KATE, 2, time=9))
    steps = [who_is_who(tmp_path)]
    for change in (
        lambda: name_person(tmp_path, "aaaaaaaa:face0", "Kate"),
        lambda: split_person(tmp_path, ["aaaaaaaa:face2"], "Lucy"),
        lambda: merge_people(tmp_path, ["Lucy", "aaaaaaaa:face1"]),
        lambda: hide_person(tmp_path, "Kate"),
    ):
        change()
        steps.append(who_is_who(tmp_path))
    for before in steps[-2::-1]:
        undo(tmp_path)
        assert who_is_who(tmp_path) == before
    with pytest.raises(UserError, match="There is nothing to undo"):
        undo(tmp_path)
    assert name_person(tmp_path, "aaaaaaaa:face1", "Tom").id == "p4", "an id is never given twice"


def test_forgetting_leaves_nothing_of_a_person_in_any_file(add, tmp_path) -> None:
    """Not in earlier revisions either, under no former name, nor as whom they were merged from."""
    add("a", face(KATE, 0), face(ANN, 1, time=5), face(TOM, 2, time=9))
    name_person(tmp_path, "aaaaaaaa:face1", "Anastasia")
    name_person(tmp_path, "aaaaaaaa:face0", "Katherine")
    merge_people(tmp_path, ["Katherine", "Anastasia"])
    name_person(tmp_path, "Katherine", "Kate")
    name_person(tmp_path, "aaaaaaaa:face2", "Tom")
    kept = {example.crop for example in load_people(tmp_path).people[-1].examples}
    forget_person(tmp_path, "Kate")
    files = [path for path in (tmp_path / "people").rglob("*") if path.is_file()]
    assert {path.name for path in files if path.suffix == ".jpg"} == kept
    text = b"".join(path.read_bytes() for path in files).decode()
    vectors = [json.dumps(round(row["vector"][0], 6)) for row in (face(KATE, 0), face(ANN, 1, time=5))]
    assert [gone for gone in ("Kate", "Katherine", "Anastasia", *vectors) if gone in text] == []
    assert "Tom" in text, "others stay, and their history"
    undo(tmp_path)
    assert load_people(tmp_path).people == [], "what was done before the others is not brought back"


def test_a_face_that_cannot_be_told_is_nobody_until_somebody_says_who(add, tmp_path) -> None:
    sharp, blurred = face(KATE, 0), face(KATE, 1, time=5)
    sharp["metadata"]["quality"], blurred["metadata"]["quality"] = 0.5, 0.01
    add("a", sharp, blurred)
    assert who_is_who(tmp_path) == {"aaaaaaaa:face0": {"aaaaaaaa:face0"}}
    assert "too small, blurred or turned away" in explain_person(tmp_path, "aaaaaaaa:face1")[0]
    name_person(tmp_path, "aaaaaaaa:face1", "Kate")
    assert "aaaaaaaa:face1" in who_is_who(tmp_path)["Kate"]


def test_a_face_that_was_named_is_known_by_the_vector_kept_of_it(add, tmp_path) -> None:
    """The mean of its crops by their quality, as examples of earlier versions have it."""
    crops = [face(KATE, 0, time, blur=0.3) for time in (0.0, 1.0, 2.0)]
    for crop, quality in zip(crops, (0.5, 0.2, 0.1), strict=True):
        crop["metadata"]["quality"] = quality
    add("a", *crops)
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    (example,) = load_people(tmp_path).people[0].examples
    mean = np.average([crop["vector"] for crop in crops], axis=0, weights=[0.5, 0.2, 0.1])
    assert np.allclose(example.vector, mean, atol=1e-5)
    assert "somebody said so" in explain_person(tmp_path, "Kate")[0]


def test_who_it_is_is_explained_by_what_it_is_near_to(add, tmp_path) -> None:
    add("a", face(KATE, 0))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    add("b", face(KATE, 4, time=72))
    near, said = explain_person(tmp_path, "Kate")
    assert near.startswith("bbbbbbbb:face4 in bbbbbbbb at 1:12 is as near as 0.1")
    assert "to Kate in aaaaaaaa at 0:00 (the same up to 0.52 on average)." in near
    assert said == "aaaaaaaa:face0 in aaaaaaaa at 0:00 is Kate: somebody said so."


def test_people_who_look_alike_join_whom_they_are_nearest_to_and_known_ones_stay_apart(add, tmp_path) -> None:
    add("a", *(face(KATE, track, time=3 * track) for track in range(6)))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    add("b", *(face(TOM, track, time=3 * track) for track in range(6)))
    name_person(tmp_path, "bbbbbbbb:face0", "Tom")
    add("c", face(KATE + 0.3 * TOM, 0), face(TOM + 0.3 * KATE, 1))
    named = who_is_who(tmp_path)
    assert "cccccccc:face0" in named["Kate"] and "cccccccc:face1" in named["Tom"]
    assert len(named) == 2


def test_vectors_of_another_model_are_never_compared(add, tmp_path) -> None:
    add("a", face(KATE, 0))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    rows = [row | {"model": "facenet-vggface2"} for row in (face(KATE, 1), face(KATE, 2, time=4))]
    add("b", *rows)
    named = who_is_who(tmp_path)
    assert named["Kate"] == {"aaaaaaaa:face0"}
    assert {"bbbbbbbb:face1", "bbbbbbbb:face2"} in named.values()


def test_a_person_may_be_renamed_and_forgotten(add, tmp_path) -> None:
    add("a", face(KATE, 0))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    name_person(tmp_path, "Kate", "케이트")
    assert who_is_who(tmp_path) == {"케이트": {"aaaaaaaa:face0"}}
    forget_person(tmp_path, "케이트")
    assert who_is_who(tmp_path) == {"aaaaaaaa:face0": {"aaaaaaaa:face0"}}


def test_the_faces_of_known_people_are_kept_beside_their_names(add, tmp_path) -> None:
    add("a", face(KATE, 0))
    person = name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    crop = tmp_path / "people" / "crops" / str(person.examples[0].crop)
    assert crop.read_bytes() == b"a crops/k/0.jpg"


def test_many_examples_are_thinned_to_those_that_differ_most(add, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(store, "MOST_EXAMPLES", 5)
    add("a", *(face(KATE, track, time=3 * track) for track in range(20)))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    assert len(load_people(tmp_path).people[0].examples) == 5
    assert len(who_is_who(tmp_path)["Kate"]) == 20


def test_more_appearances_than_one_matrix_holds(add, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(matching, "CELLS", 20)
    add("a", *(face((KATE, TOM)[track % 2], track, time=3 * track) for track in range(12)))
    assert sorted(len(each) for each in who_is_who(tmp_path).values()) == [6, 6]


@pytest.mark.parametrize(
    ("do", "sentence"),
    [
        (lambda out: name_person(out, "aaaaaaaa:face9", "Kate"), "Nobody is called 'aaaaaaaa:face9': "),
        (lambda out: name_person(out, "Nobody", "Kate"), "Nobody is called 'Nobody': "),
        (lambda out: name_person(out, "aaaaaaaa:face0", " "), "A name needs at least one letter."),
        (lambda out: forget_person(out, "Kate"), "Nobody is called 'Kate'."),
        (lambda out: merge_people(out, ["aaaaaaaa:face0"]), "Merging needs at least two people."),
        (lambda out: split_person(out, ["aaaaaaaa:face0"]), "aaaaaaaa:face0 is all there is of "),
        (lambda out: list_people(out / "absent"), "There is no folder "),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_changes_nothing(add, tmp_path, do, sentence) -> None:
    add("a", face(KATE, 0))
    with pytest.raises(UserError) as error:
        do(tmp_path)
    assert str(error.value).startswith(sentence)
    assert load_people(tmp_path).people == []


def test_an_appearance_must_be_meant_unmistakably(add, tmp_path) -> None:
    add("a", face(KATE, 0))
    folder = tmp_path / "aaaaaaaabbbbbbbb"
    folder.mkdir()
    write_embeddings(folder / "embeddings.parquet", folder.name, [face(TOM, 0)])
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match="is in several assets"):
        name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    assert name_person(tmp_path, "aaaaaaaabbbb:face0", "Tom").name == "Tom"


def test_every_revision_before_is_kept_and_a_damaged_file_says_where(add, tmp_path) -> None:
    add("a", face(KATE, 0))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    name_person(tmp_path, "Kate", "Katherine")
    history = tmp_path / "people" / "history"
    assert json.loads((history / "000001.json").read_text())["people"][0]["name"] == "Kate"
    assert json.loads((history / "000000.json").read_text())["people"] == []
    (tmp_path / "people" / "people.json").write_text('{"version": 1, "peo')
    with pytest.raises(UserError, match=f"people.json is damaged: put the newest file of {history}"):
        name_person(tmp_path, "aaaaaaaa:face0", "Kate")


def test_eight_writers_at_once_take_turns(add, tmp_path) -> None:
    """Processes of a clean server: a fork of this one would copy other tests' threads and their locks."""
    add("a", face(KATE, 0))
    name_person(tmp_path, "aaaaaaaa:face0", "Kate")
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tasks.people.edit"])
    with ProcessPoolExecutor(8, processes) as pool:
        writers = [
            pool.submit(name_person, tmp_path, "aaaaaaaa:face0", f"Kate {number}") for number in range(8)
        ]
        assert {writer.result(120).name for writer in writers} == {f"Kate {number}" for number in range(8)}
    people = load_people(tmp_path)
    assert people.revision == 9
    assert len(people.people) == 1


def test_a_block_that_fails_writes_nothing(add, tmp_path) -> None:
    with pytest.raises(ZeroDivisionError), edit.editing_people(tmp_path) as people:
        people.add("Kate")
        raise ZeroDivisionError
    assert not (tmp_path / "people" / "people.json").exists()


def test_every_model_that_makes_faces_or_voices_has_a_limit() -> None:
    assert {"faceapi", "facenet-vggface2", "ge2e-speaker"} <= set(people_models())


def test_people_of_a_newer_version_are_refused_and_stay(tmp_path) -> None:
    path = tmp_path / "people" / "people.json"
    path.parent.mkdir()
    path.write_text('{"version": 2, "families": []}')
    with pytest.raises(UserError, match=r"newer version of this project \(format 2, this one reads 1\)"):
        load_people(tmp_path)
    with pytest.raises(UserError, match="newer version"), store.editing_people(tmp_path):
        pass
    assert path.read_text() == '{"version": 2, "families": []}'
