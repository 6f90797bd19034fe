"""Which face speaks in which turn, and where that is written."""

import json

import pytest

from containers.common.contract import Span
from containers.common.documents.faces import AgeAndGender, Detection, Face
from containers.common.documents.speakers import Diarization, Speaker, Turn
from containers.common.documents.speech import Segment, Transcript, Word
from containers.faceapi.contract import Box
from tasks.outputs.documents import write_documents
from tasks.outputs.findings import Findings
from tasks.stages.detect.frame_faces import FrameFaces
from tasks.stages.detect.track import Track, name_people, track_faces
from tasks.stages.link.mouths import Following
from tasks.stages.link.run import Link, Speaking, cut_turn, decide, merge_spans

PEOPLE = {0: "PERSON_000", 1: "PERSON_001", 2: "PERSON_000"}  # the first person appears twice


def turn(start: float, end: float, speaker: str = "A") -> Turn:
    return Turn(start=start, end=end, speaker=speaker)


def linked(turns: list[Turn], *evidence: dict[int, float], on_screen: list[set[int]] | None = None):
    links, voices = decide(turns, evidence, on_screen or [set(found) for found in evidence], PEOPLE)
    return {link.start: link.track for link in links}, voices


def track(number: int, times: list[float], x: float) -> Track:
    face = Face(
        detection=Detection(box=Box(x=x, y=20, width=40, height=50), score=0.9),
        expressions={"neutral": 1},
        ageAndGender=AgeAndGender(age=30, gender="male", genderProbability=0.9),
        descriptor=[float(number)] * 128,
    )
    frames = [FrameFaces(time=time, width=320, height=180, faces=[face]) for time in times]
    return track_faces(frames)[0].model_copy(update={"id": number})


def test_a_turn_is_linked_to_the_face_that_clearly_speaks() -> None:
    assert linked([turn(0, 3)], {0: 4.0, 1: 0.5})[0] == {0: 0}


@pytest.mark.parametrize("evidence", [{0: 1.2, 1: 0.1}, {0: 3.0, 1: 2.5}, {}])
def test_a_turn_without_a_clear_face_is_linked_to_none(evidence: dict[int, float]) -> None:
    assert linked([turn(0, 3)], evidence) == ({}, {})


def test_a_short_turn_follows_the_other_turns_of_the_voice() -> None:
    turns = [turn(0, 3), turn(3, 3.4), turn(5, 5.3)]
    links, voices = linked(turns, {0: 4.0, 1: 0.0}, {}, {}, on_screen=[{0, 1}, {1, 2}, {1}])
    assert links == {0: 0, 3: 2}  # the same person in another track; not on screen in the third turn
    assert voices == {"A": "PERSON_000"}


def test_a_voice_never_takes_a_turn_from_a_face_that_moves_with_it() -> None:
    links, _ = linked([turn(0, 3), turn(3, 6)], {0: 6.0, 1: 0.0}, {0: 0.2, 1: 2.0})
    assert links == {0: 0, 3: 1}


def test_a_mouth_that_is_seen_not_to_move_is_not_speaking() -> None:
    """The voice comes from elsewhere, say from a telephone."""
    turns = [turn(0, 3), turn(3, 6)]
    assert linked(turns, {0: 4.0, 1: 0.0}, {0: 0.1, 1: 0.3})[0] == {0: 0}
    assert linked(turns, {0: 4.0, 1: 0.0}, {0: 1.0, 1: 0.3})[0] == {0: 0, 3: 0}


def test_two_voices_are_two_people() -> None:
    turns = [turn(0, 3, "A"), turn(3, 6, "B"), turn(6, 9, "B")]
    _, voices = linked(turns, {0: 5.0, 1: 0.0}, {0: 3.0, 1: 0.0}, {0: 0.0, 1: 3.5})
    assert voices == {"A": "PERSON_000"}  # B's turns disagree: nobody's voice


def test_spans_are_joined_where_they_touch() -> None:
    assert merge_spans([(3, 4), (0, 2), (1, 2.5), (4, 5)]) == [(0, 2.5), (3, 5)]
    assert merge_spans([]) == []


def test_a_face_is_followed_between_samples_and_not_beyond_its_shot() -> None:
    following = Following([track(0, [1, 2], 100), track(1, [4], 200)], shots=[0, 2.5, 3.8], hold=1)

    def at(time: float) -> dict[int, float]:
        """The left edge of each face that is on screen then, by track."""
        boxes = {course.track: course.at(time) for course in following.courses}
        return {name: box[0] for name, box in boxes.items() if box}

    assert at(0.5) == at(1.5) == {0: 100}
    assert at(2.6) == {} == at(3.7)
    assert at(4.9) == {1: 200}
    assert following.during(0, 1.5) == {0}
    assert following.during(2.0, 4.5) == {0, 1}


def findings() -> Findings:
    """Two faces, two voices, one of which is seen speaking."""
    speakers = [Speaker(speaker=name, model="m", embedding=[1.0]) for name in "AB"]
    spoken = [
        Segment(
            start=start,
            end=start + 2,
            text="Hm",
            words=[Word(word="Hm", start=start, end=start + 2, score=1)],
        )
        for start in (0.0, 3.0)
    ]
    turns = [turn(0, 2, "A"), turn(3, 5, "B")]
    return Findings(
        transcript=Transcript(segments=spoken, language="en"),
        diarization=Diarization(
            turns=turns,
            exclusive_turns=turns,
            voice_activity=[Span(start=0, end=2)],
            speakers=speakers,
        ),
        tracks=name_people([track(0, [0, 1], 10), track(1, [0, 1], 90)], PEOPLE),
        speaking=Speaking(
            turns=2,
            links=[Link(start=0, end=2, speaker="A", track=1, evidence=4)],
            people={"A": "PERSON_001"},
        ),
    )


def test_links_are_written_where_people_look_for_them() -> None:
    files = write_documents(findings(), "asset")
    heard, said, seen = (
        json.loads(files[name]) for name in ("diarization.json", "transcript.json", "faces.json")
    )
    assert heard["turns"] == [
        {"start": 0, "end": 2, "speaker": "A", "face": 1},
        {"start": 3, "end": 5, "speaker": "B"},
    ]
    assert [speaker.get("person") for speaker in heard["speakers"]] == ["PERSON_001", None]
    assert [segment.get("person") for segment in said["segments"]] == ["PERSON_001", None]
    assert [track["speaker"] for track in seen["tracks"]] == [None, "A"]


def test_without_links_the_files_keep_their_shapes() -> None:
    plain = findings()
    plain.speaking = Speaking()
    files = write_documents(plain, "asset")
    heard = json.loads(files["diarization.json"])
    assert [set(each) for each in heard["turns"]] == [{"start", "end", "speaker"}] * 2
    assert set(heard["speakers"][0]) == {"speaker", "model", "embedding"}
    assert set(json.loads(files["transcript.json"])["segments"][0]) == {
        "start",
        "end",
        "text",
        "speaker",
        "words",
    }
    assert Speaking(turns=3).summary == "0 of 3 turns spoken by a face on screen"


def test_a_turn_is_judged_in_each_shot_for_itself() -> None:
    parts = cut_turn(turn(1, 10), [0.0, 1.1, 3.58, 7.88, 9.9, 20.0])
    assert [(part.start, part.end) for part in parts] == [(1, 3.58), (3.58, 7.88), (7.88, 10)]
    links, voices = linked(parts, {}, {0: 4.0}, {1: 0.1}, on_screen=[{1}, {0, 1}, {1}])
    assert links == {3.58: 0}, "the voice's person is on screen in no other shot"
    assert voices == {"A": "PERSON_000"}


def test_a_turn_over_cuts_bears_the_face_that_speaks_most_of_it() -> None:
    whole = findings()
    whole.speaking.links = [
        Link(start=0, end=0.4, speaker="A", track=0, evidence=2),
        Link(start=0.4, end=1.5, speaker="A", track=1, evidence=4),
    ]
    heard = json.loads(write_documents(whole, "asset")["diarization.json"])
    assert heard["turns"][0]["face"] == 1
    assert "face" not in heard["turns"][1]
