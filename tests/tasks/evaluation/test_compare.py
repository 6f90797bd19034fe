"""Two runs of one evaluation compared: who wins, and when nobody may be called the winner."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from containers.common.errors import UserError
from tasks.evaluation.compare import compare_all, compare_runs, comparison_folder, table_of, write
from tasks.evaluation.run import FinishedRun, Kind, Run, finished_runs
from tasks.evaluation.statistics import Measure, mean
from tasks.evaluation.words import MEASURES


def make_run(output: Path, model: str, errors: list[int], kind: Kind = "transcription") -> FinishedRun:
    """A transcription of as many recordings as `errors`, 100 words each."""
    dataset = SimpleNamespace(name="talks", digest="0")
    run = Run(output / "evaluations" / kind / model, kind, dataset, model)
    run.keep(
        [
            {
                "item": f"talk {number}",
                "words": 100,
                "errors": count,
                "characters": 500,
                "character_errors": 3 * count,
                "time_errors": [0.05],
            }
            for number, count in enumerate(errors)
        ]
    )
    run.measure(MEASURES)
    return FinishedRun.open(run.folder)


def test_a_model_that_is_better_everywhere_wins(tmp_path: Path) -> None:
    before = [12, 9, 15, 11, 8, 14, 10, 13, 9, 12]
    a, b = make_run(tmp_path, "base", before), make_run(tmp_path, "small", [n - 4 for n in before])
    comparison = compare_runs(a, b, MEASURES)
    assert comparison.sentence.startswith("B (small) is better. Word error rate: 0.113 against 0.073")
    wer = comparison.figures[0].found
    assert wer.difference == pytest.approx(-0.04)
    assert wer.p == pytest.approx(2 / 2**10), "of all exchanges only none and all are as extreme"
    assert comparison.figures[2].winner is None, "their times are equal"


def test_a_small_difference_may_be_chance(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    before = random.integers(5, 20, 12)
    a = make_run(tmp_path, "one", before.tolist())
    b = make_run(tmp_path, "two", (before + random.integers(-3, 4, 12)).tolist())
    comparison = compare_runs(a, b, MEASURES)
    assert "may be chance" in comparison.sentence
    assert not table_of(comparison)["winner"].any()


def test_too_few_recordings_can_show_nothing(tmp_path: Path) -> None:
    a, b = make_run(tmp_path, "bad", [50, 50, 50]), make_run(tmp_path, "good", [0, 0, 0])
    sentence = compare_runs(a, b, MEASURES).sentence
    assert sentence.startswith("3 sources are too few to tell A from B in 3 figures")


def test_what_one_figure_could_show_may_be_too_little_for_three(tmp_path: Path) -> None:
    """Seven of seven: p = 0.016 alone, and 0.047 of three; with six it is 0.094."""
    a, b = make_run(tmp_path, "bad", [50] * 6), make_run(tmp_path, "good", [0] * 6)
    assert compare_runs(a, b, MEASURES).sentence.startswith("6 sources are too few")
    a, b = make_run(tmp_path, "bad7", [50] * 7), make_run(tmp_path, "good7", [0] * 7)
    assert compare_runs(a, b, MEASURES).sentence.startswith("B (good7) is better.")


def test_times_of_two_runs_are_shown_and_not_judged(tmp_path: Path) -> None:
    """A machine that is a little busier the second time is no slower model."""
    timed = Measure("ms", "Time of a query", "lower", mean("ms"), "ms", table="rounds", timed=True)
    runs = []
    for name, factor in (("one", 1.0), ("two", 1.2)):
        run = Run(tmp_path / name, "search", SimpleNamespace(name="v", digest="0"), name)
        run.keep([{"item": f"round {n}", "ms": factor * (5 + 0.01 * n)} for n in range(20)], "rounds")
        run.measure([timed])
        runs.append(FinishedRun.open(run.folder))
    comparison = compare_runs(*runs, [timed])
    assert comparison.figures[0].winner is None
    assert "times of two runs are not judged" in comparison.sentence


def test_only_recordings_of_both_are_compared(tmp_path: Path) -> None:
    a, b = make_run(tmp_path, "six", [9] * 6), make_run(tmp_path, "eight", [9] * 6 + [90, 90])
    comparison = compare_runs(a, b, MEASURES)
    assert (comparison.shared, comparison.left_out) == (6, 2)
    assert comparison.sentence.startswith("A and B are equal.")


def test_different_evaluations_are_not_compared(tmp_path: Path) -> None:
    a, b = make_run(tmp_path, "one", [1, 2]), make_run(tmp_path, "two", [1, 2], "diarization")
    with pytest.raises(UserError, match="transcription cannot be compared with diarization"):
        compare_runs(a, b, MEASURES)


def test_a_folder_without_a_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no finished evaluation"):
        FinishedRun.open(tmp_path)


def test_runs_are_listed_and_comparisons_kept_apart(tmp_path: Path) -> None:
    a, b = make_run(tmp_path, "1", [1, 2]), make_run(tmp_path, "2", [1, 2])
    assert finished_runs(tmp_path, "transcription") == [a.folder, b.folder]
    first = comparison_folder(tmp_path, a.folder, b.folder)
    first.mkdir(parents=True)
    assert comparison_folder(tmp_path, a.folder, b.folder) != first


def test_more_than_two_runs_are_each_held_against_the_first(tmp_path: Path) -> None:
    """All that is looked at counts: seven recordings could tell two runs apart, and not four."""
    few = [make_run(tmp_path / "few", name, [value] * 7) for name, value in (("a", 50), ("b", 0), ("c", 1))]
    assert compare_runs(few[0], few[1], MEASURES).figures[0].winner == "B"
    sentences = [one.sentence for one in compare_all(few, MEASURES)]
    assert all("7 sources are too few to tell A from" in sentence for sentence in sentences)
    assert "in 6 figures" in sentences[0]
    runs = [make_run(tmp_path, name, [value] * 10) for name, value in (("a", 50), ("b", 20), ("c", 70))]
    one, other = compare_all(runs, MEASURES)
    assert one.sentence.startswith("B (b) is better. Word error rate: 0.500 against 0.200 (A against B)")
    assert other.sentence.startswith("A (a) is better. Word error rate: 0.500 against 0.700 (A against C)")
    assert one.figures[0].p == pytest.approx(6 * 2 / 2**10), "of six figures"
    write([one, other], tmp_path / "compared")
    assert (tmp_path / "compared" / "verdict.txt").read_text().splitlines() == [one.sentence, other.sentence]
    with pytest.raises(UserError, match="two runs or more"):
        compare_all(runs[:1], MEASURES)
