"""A data set of one's own: what is written, what is read, and what is said of mistakes."""

import json
from pathlib import Path

import pytest

from containers.common.errors import UserError
from tasks.evaluation.dataset import read_dataset
from tasks.evaluation.nist import Utterance, read_turns
from tasks.evaluation.references import read_transcript
from tasks.media.demo import sample_speech


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a recording, its transcript and its turns."""
    for suffix in (".wav", ".stm", ".rttm"):
        (tmp_path / f"call{suffix}").write_bytes(sample_speech().with_suffix(suffix).read_bytes())
    (tmp_path / "late.rttm").write_text("SPEAKER call 1 40 1 <NA> <NA> A <NA> <NA>\n")
    (tmp_path / "a.uem").write_text("call 1 0 5\n")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    (folder / "dataset.toml").write_text(text, encoding="utf-8")
    return folder


def test_an_item_takes_part_in_what_it_has_truth_for(folder: Path) -> None:
    write(
        folder,
        """
        name = "calls"
        [[item]]
        media = "call.wav"
        language = "en"
        transcript = "call.stm"
        turns = "call.rttm"
        sounds = ["Speech"]
        """,
    )
    dataset = read_dataset(folder)
    assert [item.id for item in dataset.having("text")] == ["call.wav"]
    assert dataset.having("turns") == dataset.having("sounds") == dataset.item
    assert dataset.having("clean") == dataset.having("faces") == []
    assert dataset.item[0].media == folder / "call.wav"


def test_items_may_be_lines_of_json(folder: Path) -> None:
    write(folder, 'name = "calls"\nitems = "items.jsonl"\n')
    (folder / "items.jsonl").write_text(json.dumps({"media": "call.wav", "text": "Hello?"}) + "\n\n")
    (item,) = read_dataset(folder).item
    assert item.utterances()[0].text == "Hello?"


def test_the_digest_follows_the_truth_not_the_place(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write(folder, 'name = "a"\n[[item]]\nmedia = "call.wav"\ntranscript = "call.stm"\n')
    before = read_dataset(folder).digest
    moved = folder.rename(tmp_path_factory.mktemp("elsewhere") / "moved")
    assert read_dataset(moved).digest == before
    (moved / "call.stm").write_text(
        (moved / "call.stm").read_text().replace("Sheila in Texas", "Diane in Texas")
    )
    assert read_dataset(moved).digest != before


@pytest.mark.parametrize(
    ("manifest", "sentence"),
    [
        ('name = "a"\n[[item]]\nmedia = "no.wav"', "item 1 (no.wav): there is no file"),
        (
            'name = "a"\n[[item]]\nmedia = "call.wav"\ntex = "Hi"',
            "item 1 tex: extra inputs are not permitted",
        ),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\nsounds = ["Spech"]', "'Spech'"),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\nsounds = ["/m/nothing"]', "'/m/nothing'"),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\nlanguage = "english"', "'english' is no language code"),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\nturns = "late.rttm"', "turns up to 41.0 s of 30.0 s"),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\nstart = 9\nend = 8', "end is not later than start"),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\nuem = "a.uem"\nstart = 6', "nothing of it is scored"),
        (
            'name = "a"\n[[item]]\nmedia = "call.wav"\nfaces = [{box = [1, 2, 0, 4]}]',
            "faces 1 box 3: input should",
        ),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\nturns = "call.stm"', "call.stm has no SPEAKER line"),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\ntext = "a"\ntranscript = "call.stm"', "are both given"),
        ('name = "a"\n[[item]]\nmedia = "call.wav"\n[[item]]\nmedia = "call.wav"', "'call.wav' occurs twice"),
        ('name = "a"', "has no item"),
        ('name = "a', "cannot be read"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(folder: Path, manifest: str, sentence: str) -> None:
    with pytest.raises(UserError) as told:
        read_dataset(write(folder, manifest))
    assert sentence in str(told.value)
    assert str(folder / "dataset.toml") in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.stm", "call 1 A 29 41 hello", "transcript"),
        ("a.ctm", "call 1 55 1 hello", "transcript"),
        ("a.srt", "1\n00:01:00,000 --> 00:01:02,000\nhi\n", "transcript"),
        ("a.txt", "50.0\t51.0\tKate", "turns"),
        ("a.csv", "call,99,0.1,0.1,0.2,0.2,NOT_SPEAKING,Kate", "on_screen"),
        ("a.uem", "call 1 30 40", "uem"),
    ],
)
def test_truth_that_reaches_beyond_the_media_is_of_others(
    folder: Path, name: str, content: str, what: str
) -> None:
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=r"item 1 .* s of 30\.0 s"):
        read_dataset(write(folder, f'name = "a"\n[[item]]\nmedia = "call.wav"\n{what} = "{name}"\n'))


def test_what_is_not_scored_may_end_anywhere(folder: Path) -> None:
    (folder / "a.stm").write_text("call 1 A 1 2 hi\ncall 1 A 2 999 IGNORE_TIME_SEGMENT_IN_SCORING\n")
    (folder / "a.uem").write_text("call 1 0 999\n")
    item = 'media = "call.wav"\ntranscript = "a.stm"\nuem = "a.uem"\n'
    assert read_dataset(write(folder, f'name = "a"\n[[item]]\n{item}')).item[0].utterances()[1].ignored


def test_sounds_may_be_written_in_any_case_and_as_families(folder: Path) -> None:
    write(folder, 'name = "a"\n[[item]]\nmedia = "call.wav"\nsounds = ["speech", "Animals", "NATURE"]\n')
    assert read_dataset(folder).item[0].sounds == ["Speech", "Animal", "nature"]
    write(folder, 'name = "a"\n[[item]]\nmedia = "call.wav"\nsounds = ["/m/0bt9lr", "/t/dd00135", "Music"]\n')
    assert read_dataset(folder).item[0].sounds == ["Dog", "Children shouting", "Music"]


def test_copies_of_one_recording_have_one_source(folder: Path) -> None:
    item = '[[item]]\nmedia = "call.wav"\nid = "{id}"\n'
    text = item.format(id="a") + 'source = "call"\n' + item.format(id="b") + 'speaker = "Kate"\n'
    write(folder, 'name = "a"\n' + text + item.format(id="c"))
    assert [one.source for one in read_dataset(folder).item] == ["call", "Kate", "c"]


def test_no_data_set_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no data set: .*dataset\.toml does not exist"):
        read_dataset(tmp_path)


def test_references_keep_their_times(folder: Path) -> None:
    said = read_transcript(folder / "call.stm")
    assert said[2][:3] == ("Oh, hello.", 8.436, 8.876)
    turns = read_turns(folder / "call.rttm")
    assert (turns[1].speaker, turns[1].start, turns[1].end) == ("speaker91", 7.55, 8.35)


def test_a_corrected_transcript_is_a_reference_word_by_word(folder: Path) -> None:
    word = {"word": "Hello?", "start": 1.0, "end": 1.5, "score": 0.9}
    segments = [{"start": 1, "end": 2, "text": "Hello?", "words": [word]}]
    (folder / "transcript.json").write_text(json.dumps({"segments": segments, "language": "en"}))
    assert read_transcript(folder / "transcript.json") == [Utterance("Hello?", 1.0, 1.5)]
