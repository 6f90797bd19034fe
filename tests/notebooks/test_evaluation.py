"""Every evaluation notebook on a few items: figures as computed by other means, reports to look at."""

import json
import re
from html import unescape
from itertools import permutations
from pathlib import Path

import jiwer
import nbformat
import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from containers.common.errors import UserError
from containers.common.media.audio import load_audio
from flows.evaluate.flow import KINDS
from tasks.evaluation.compare import compare_runs
from tasks.evaluation.kinds import measures_of
from tasks.evaluation.nist import read_stm, read_turns
from tasks.evaluation.notebook import run_notebook
from tasks.evaluation.run import ALL, FinishedRun
from tasks.evaluation.synthesis import white
from tasks.evaluation.words import normaliser
from tasks.media.demo import sample_speech
from tasks.outputs.embeddings import read_embeddings
from tasks.stages.transcribe.run import Transcription

pytestmark = pytest.mark.slow

OPTIONS = {
    "search": {"types": ["Flat"], "recalls": [0.9], "batch": 20},
    "speed": {"items": 1, "repeats": 1, "images": ["audioset", "faceapi"]},
}


class Runs(dict[str, FinishedRun]):
    """Each kind's notebook, run by Papermill when it is first asked for."""

    def __init__(self, data: Path, output: Path) -> None:
        self.data, self.output = data, output

    def __missing__(self, kind: str) -> FinishedRun:
        parameters = {"data": str(self.data), "model": "auto", "options": OPTIONS.get(kind, {})}
        done = run_notebook.fn(f"evaluate/{kind}", self.output / kind / "first", parameters, kind)
        self[kind] = FinishedRun.open(done.folder)
        return self[kind]


@pytest.fixture(scope="module")
def runs(few: Path, images: None, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(few, tmp_path_factory.mktemp("evaluations"))


def figure(run: FinishedRun, measure: str) -> pd.Series:
    (row,) = run.figures[(run.figures["measure"] == measure) & (run.figures["group"] == ALL)].iloc
    return row


def value(run: FinishedRun, measure: str) -> float:
    return float(figure(run, measure)["value"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_is_one_quiet_page(runs: Runs, kind: str) -> None:
    """No code, no script, nothing from elsewhere, no warning; plots; and figures as in the tables."""
    folder = runs[kind].folder
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    assert "read_dataset" not in page
    assert re.findall(r'<img alt="Plot: [^"]+" class="plot" src="data:image/svg', page)
    for cell in nbformat.read(folder / "notebook.ipynb", as_version=4).cells:
        streams = [output for output in cell.get("outputs", ()) if output.output_type == "stream"]
        assert not streams, streams
    shown = unescape(re.sub(r"<[^>]+>", " ", page))
    for row in runs[kind].figures.itertuples():
        assert f"{row.value:.{row.digits}f}" in shown, row.title


def test_word_errors_are_jiwers(runs: Runs) -> None:
    rows = runs["transcription"].table("items")
    assert rows is not None
    texts = rows["said"].tolist(), rows["heard"].tolist()
    assert value(runs["transcription"], "wer") == pytest.approx(jiwer.wer(*texts))
    without = [[text.replace(" ", "") for text in column] for column in texts]
    assert value(runs["transcription"], "cer") == pytest.approx(jiwer.cer(*without))
    assert value(runs["transcription"], "wer") < 0.6
    errors = np.concatenate(rows["time_errors"].to_list())
    assert abs(1000 * np.median(np.abs(errors)) - value(runs["transcription"], "alignment")) <= 40


def test_diarization_errors_add_up(runs: Runs, starter: Path) -> None:
    rows = runs["diarization"].table("items")
    assert rows is not None
    speech = sum(turn.end - turn.start for turn in read_turns(starter / "call.rttm"))
    assert rows["speech_seconds"].sum() == pytest.approx(speech, abs=1e-3)
    parts = sum(value(runs["diarization"], name) for name in ("missed", "false_alarm", "confusion"))
    assert value(runs["diarization"], "der") == pytest.approx(parts)
    assert value(runs["diarization"], "der") < 0.3
    assert np.isnan(figure(runs["diarization"], "der")["low"]), "one recording has no interval"


def test_words_by_speaker_are_the_best_of_all_matches(runs: Runs) -> None:
    """Of what the run kept: every way to match its speakers with Diane and Sheila, by jiwer."""
    run = runs["attribution"]
    (kept,) = (run.folder / "hypotheses").glob("*.json")
    found = Transcription.model_validate(json.loads(kept.read_text(encoding="utf-8"))["found"]).transcript
    same, true = normaliser("en"), read_stm(sample_speech().with_suffix(".stm"))
    heard = {
        name: same(" ".join(w.word for s in found.segments for w in s.words if w.speaker == name))
        for name in {segment.speaker for segment in found.segments}
    }
    said = {
        name: same(" ".join(one.text for one in true if one.speaker == name)) for name in ("Diane", "Sheila")
    }
    assert len(heard) == 2
    counts = [
        jiwer.process_words(list(said.values()), [heard[name] for name in way]) for way in permutations(heard)
    ]
    errors = min(one.substitutions + one.deletions + one.insertions for one in counts)
    words = sum(len(text.split()) for text in said.values())
    assert value(run, "cpwer") == pytest.approx(errors / words)
    assert value(run, "cpwer") <= value(run, "tcpwer") < 1


def test_faces_in_video_are_found_and_who_speaks_is_seen(runs: Runs) -> None:
    run = runs["video"]
    rows, frames, tracks = (run.table(name) for name in ("items", "frames", "tracks"))
    assert rows is not None and frames is not None
    assert tracks is None, "nobody knows whether two of the pictures show one person"
    assert len(frames) == 30 and frames["faces"].sum() > 80
    assert value(run, "ap") > 0.7
    assert value(run, "seen_right") == pytest.approx(rows["right"].sum() / rows["speaking"].sum())
    assert rows["right"].sum() + rows["missed"].sum() == pytest.approx(rows["speaking"].sum())


def test_a_run_is_scored_again_without_a_model(runs: Runs, few: Path, tmp_path: Path) -> None:
    """Figures and report are those of the run."""
    first = runs["faces"]
    parameters = {"data": str(few), "model": "auto", "options": {}, "found": str(first.folder)}
    done = run_notebook.fn("evaluate/faces", tmp_path / "again", parameters, "again")
    again = FinishedRun.open(done.folder)
    columns = ["measure", "group", "value", "low", "high"]
    pd.testing.assert_frame_equal(again.figures[columns], first.figures[columns])
    assert again.record.scored_from == first.record.id
    assert (done.folder / "hypotheses").is_dir()


def test_denoising_gains_what_is_left_after_less_what_was_there_before(runs: Runs) -> None:
    rows = runs["denoising"].table("items")
    assert rows is not None
    for name in ("si_sdr", "stoi", "pesq"):
        gained = (rows[name] - rows[f"{name}_before"]).mean()
        assert value(runs["denoising"], f"{name}_gain") == pytest.approx(gained)
    assert value(runs["denoising"], "si_sdr_gain") > 2
    assert 1 <= value(runs["denoising"], "pesq") <= 4.64


def test_mean_average_precision_is_that_of_a_ranking_by_hand(runs: Runs) -> None:
    rows = runs["tagging"].table("items")
    assert rows is not None
    found = []
    for name in ("Speech", "Music"):
        ranked = rows.sort_values(f"score {name}", ascending=False)[f"true {name}"].to_numpy()
        precisions = [ranked[: place + 1].mean() for place in np.flatnonzero(ranked)]
        found.append(np.mean(precisions))
    assert value(runs["tagging"], "map") == pytest.approx(np.mean(found))


def test_faces_are_counted_and_told_apart(runs: Runs) -> None:
    run = runs["faces"]
    rows, pairs, clusters = (run.table(name) for name in ("items", "pairs", "clusters"))
    assert rows is not None
    assert pairs is not None
    assert clusters is not None
    assert rows["faces"].tolist() == [3, 3, 3]
    assert value(run, "ap") > 0.8
    same, other = (pairs.loc[pairs["same"] == kind, "similarity"].to_numpy() for kind in (True, False))
    area = np.mean((same[:, None] > other) + 0.5 * (same[:, None] == other))
    assert value(run, "auc") == pytest.approx(area)
    accepted = max(np.mean(same >= limit) for limit in pairs["similarity"] if np.mean(other >= limit) <= 0.01)
    assert value(run, "tar_at_0.01") == pytest.approx(accepted)
    commonest = clusters.groupby("cluster")["person"].agg(lambda people: people.value_counts().max())
    assert value(run, "purity") == pytest.approx(commonest.sum() / len(clusters))


def test_recall_is_against_every_distance(runs: Runs, starter: Path) -> None:
    """A Flat index finds exactly the nearest; the evaluated one nearly."""
    indexes = runs["search"].table("indexes")
    assert indexes is not None
    assert indexes.set_index("asked").loc["Flat", "recall"] == pytest.approx(1, abs=1e-3)
    assert value(runs["search"], "recall") >= 0.9
    vectors = np.array([row["vector"] for row in read_embeddings(starter / "vectors.parquet")])
    assert indexes["vectors"].tolist() == [len(vectors) - 60] * len(indexes)
    assert cdist(vectors[:2], vectors[:2], "cosine")[0, 1] > 0.1


def test_speed_is_work_by_sound(runs: Runs) -> None:
    calls = runs["speed"].table("calls")
    assert calls is not None
    warm = calls[(calls["image"] == "audioset") & (calls["repeat"] > 0)]
    factor = warm["compute_seconds"].sum() / warm["amount"].sum()
    assert value(runs["speed"], "audioset") == pytest.approx(factor)
    assert warm["amount"].iloc[0] == pytest.approx(30, abs=0.1), "the longest recording"


def test_two_detectors_are_compared(runs: Runs, few: Path, tmp_path: Path) -> None:
    parameters = {"data": str(few), "model": "tiny", "options": {}}
    other = run_notebook.fn("evaluate/faces", tmp_path / "tiny", parameters, "tiny").folder
    ssd = runs["faces"]
    paths = {"run_a": str(ssd.folder), "run_b": str(other)}
    done = run_notebook.fn("compare", tmp_path / "compared", paths, "ssd and tiny")
    page = done.report.read_text(encoding="utf-8")
    comparison = compare_runs(ssd, FinishedRun.open(other), measures_of(ssd))
    assert comparison.sentence in unescape(page)
    assert "3 sources are too few to tell A from B" in page, "three pictures can show nothing"
    assert "<script" not in page


def test_a_failing_cell_is_named_and_its_notebook_kept(few: Path, images: None, tmp_path: Path) -> None:
    """Here an option that is none; the sentence is what the command prints."""
    parameters = {"data": str(few), "model": "auto", "options": {"windou": 3}}
    with pytest.raises(
        UserError, match=r"^Cell \d+ of tagging.ipynb failed: ValidationError: windou: Extra"
    ) as failure:
        run_notebook.fn("evaluate/tagging", tmp_path / "wrong", parameters, "wrong")
    kept = tmp_path / "wrong.failed" / "notebook.ipynb"
    assert str(failure.value).endswith(f"The notebook as far as it came: {kept}")
    assert "windou" in kept.read_text(encoding="utf-8")
    assert not (tmp_path / "wrong").exists()
    assert "\n" not in str(failure.value)


def test_a_missing_model_is_told_in_the_images_own_sentence(few: Path, images: None, tmp_path: Path) -> None:
    parameters = {"data": str(few), "model": "whisper-large-v2", "options": {}}
    with pytest.raises(UserError, match=r"^Model 'whisper-large-v2' has no SHA-256 yet"):
        run_notebook.fn("evaluate/transcription", tmp_path / "wrong", parameters, "wrong")


@pytest.mark.parametrize(("decibels", "by_itu"), [(0, 1.0195), (10, 1.0505), (20, 1.4565)])
def test_pesq_is_that_of_the_code_that_itu_published(decibels: int, by_itu: float) -> None:
    """The package pesq 0.0.4, which wraps that C code, gave these for the sample call and white noise."""
    import torch
    from torch_pesq import PesqLoss

    clean = load_audio(sample_speech().as_uri(), 16_000, 6.3, 14.3).astype(float)
    noise = white(len(clean), np.random.default_rng(decibels))
    noisy = clean + noise * clean.std() * 10 ** (-decibels / 20)
    given = (torch.from_numpy(each)[None].float() for each in (clean, noisy))
    assert PesqLoss(1.0, sample_rate=16_000).mos(*given).item() == pytest.approx(by_itu, abs=0.02)
