"""What was found is kept, and scored again without a model."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from containers.common.contract import ModelRef
from containers.common.documents.speech import Segment, Transcript
from containers.common.errors import UserError
from tasks.evaluation.dataset import Item
from tasks.evaluation.hypotheses import Hypotheses, check_kept, file_name
from tasks.evaluation.run import FinishedRun, Run
from tasks.evaluation.transcripts import MEASURES, score_transcript
from tasks.stages.transcribe.run import Transcription

DATA = SimpleNamespace(name="talks", digest="0", place="/data/dataset.toml")
FOUND = Transcription(
    transcript=Transcript(segments=[Segment(start=0, end=1, text="hello their", language="en")]),
    models=[ModelRef(id="whisper-base", revision="1", sha256="a")],
)


def item(text: str) -> Item:
    return Item(media=Path("calls/one two.wav"), id="calls/one two.wav", text=text, language="en")


def evaluate(folder: Path, text: str, find, earlier: Path | str = "") -> FinishedRun:
    run = Run(folder, "transcription", DATA, "auto")
    hypotheses = Hypotheses(run, earlier)
    found = hypotheses.of(item(text), Transcription, find, lambda found, name: {".ctm": f"{name}\n"})
    run.keep([{"item": "a", **score_transcript(item(text), found.transcript, 10.0)}])
    run.measure(MEASURES)
    return FinishedRun.open(folder)


def never() -> Transcription:
    raise AssertionError("no model is asked")


def test_what_was_found_is_scored_again_with_another_truth(tmp_path: Path) -> None:
    first = evaluate(tmp_path / "first", "hello there", lambda: FOUND)
    again = evaluate(tmp_path / "again", "hello their", never, first.folder)
    rates = [
        float(run.figures.loc[run.figures["measure"] == "wer", "value"].iloc[0]) for run in (first, again)
    ]
    assert rates == [0.5, 0.0]
    assert again.record.scored_from == first.record.id and first.record.scored_from == ""
    assert again.record.models == first.record.models == FOUND.models
    third = evaluate(tmp_path / "third", "hello their", never, again.folder)
    assert third.record.scored_from == "again", "what was scored again is kept too"


def test_each_item_has_files_of_its_own_in_the_fields_formats(tmp_path: Path) -> None:
    evaluate(tmp_path / "first", "hello", lambda: FOUND)
    name = file_name("calls/one two.wav")
    assert {path.name for path in (tmp_path / "first" / "hypotheses").iterdir()} == {
        f"{name}.json",
        f"{name}.ctm",
    }
    assert (tmp_path / "first" / "hypotheses" / f"{name}.ctm").read_text() == "one two\n"
    assert file_name("a/b") != file_name("a-b") and "/" not in file_name("../../etc/x")
    assert len(file_name("가" * 500)) < 80


def test_a_run_that_cannot_be_scored_again_is_told(tmp_path: Path) -> None:
    first = evaluate(tmp_path / "first", "hello", lambda: FOUND)
    run = Run(tmp_path / "other", "diarization", DATA, "auto")
    with pytest.raises(UserError, match=r"first is of transcription, not of diarization\.$"):
        Hypotheses(run, first.folder)
    other = Hypotheses(Run(tmp_path / "again", "transcription", DATA, "auto"), first.folder)
    unknown = item("x").model_copy(update={"id": "new"})
    with pytest.raises(UserError, match=r"has kept nothing of 'new': evaluate it\.$"):
        other.of(unknown, Transcription, never)
    (first.folder / "hypotheses" / f"{file_name('calls/one two.wav')}.json").write_text('{"found": 3}')
    with pytest.raises(UserError, match=r"json cannot be read: ") as told:
        other.of(item("x"), Transcription, never)
    assert "\n" not in str(told.value)
    with pytest.raises(UserError, match="has kept nothing that could be scored again"):
        check_kept(first.model_copy(update={"folder": tmp_path}))
