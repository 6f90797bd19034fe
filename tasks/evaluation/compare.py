"""Two runs of one evaluation: which is better, figure by figure, and whether that is more than chance."""

from collections.abc import Sequence
from pathlib import Path
from string import ascii_uppercase as LETTERS
from typing import NamedTuple

import numpy as np
import pandas as pd

from containers.common.errors import UserError
from tasks.evaluation.run import FinishedRun, evaluations
from tasks.evaluation.statistics import ALPHA, DRAWS, Difference, Measure, compare, holm, smallest_p


class Compared(NamedTuple):
    """`p` is adjusted for the number of figures (Holm)."""

    measure: Measure
    found: Difference
    p: float

    @property
    def winner(self) -> str | None:
        """`A` or `B`, or None where the difference may be chance."""
        if self.measure.timed or not self.p < ALPHA or self.found.difference == 0:
            return None
        lower = self.found.difference < 0
        return "B" if lower == (self.measure.better == "lower") else "A"


class Comparison(NamedTuple):
    """`tested`: figures that were looked at together with these, by which their p are adjusted."""

    a: FinishedRun
    b: FinishedRun
    shared: int
    left_out: int
    figures: list[Compared]
    tested: int
    names: tuple[str, str] = ("A", "B")

    @property
    def sentence(self) -> str:
        """Which is better, by its first figure, and what the others say."""
        first, *others = self.figures
        return " ".join([_sentence(first, self), *_others(others, self.names)])

    def name(self, which: str) -> str:
        """`A (base)`."""
        run = self.a if which == "A" else self.b
        return f"{self.names[which == 'B']} ({run.record.model})"


def compare_runs(a: FinishedRun, b: FinishedRun, measures: list[Measure], draws: int = DRAWS) -> Comparison:
    """All figures that both runs have, over the items that both runs have. `draws`: of items, for intervals.

    Raises UserError when the runs are of different kinds or share no item.
    """
    compared_titles(a, b)
    found: list[tuple[Measure, Difference]] = []
    shared, every = set(), set()
    for measure in measures:
        tables = [run.table(measure.table) for run in (a, b)]
        if any(table is None or table.empty for table in tables):
            continue
        one, other = tables
        assert one is not None and other is not None
        both = set(one["item"]) & set(other["item"])
        shared |= both
        every |= set(one["item"]) | set(other["item"])
        if both:
            difference = compare(_only(one, both), _only(other, both), measure, draws)
            if np.isfinite([difference.a, difference.b]).all():
                found.append((measure, difference))
    if not found:
        raise UserError(f"{a.folder} and {b.folder} have no item in common that both have figures for.")
    figures = [Compared(measure, difference, 1.0) for measure, difference in found]
    return _adjusted([Comparison(a, b, len(shared), len(every) - len(shared), figures, 0)])[0]


def compare_all(runs: Sequence[FinishedRun], measures: list[Measure]) -> list[Comparison]:
    """The first run against each of the others, p adjusted for all that is looked at (Holm).

    Raises UserError as `compare_runs` does, and for fewer than two runs.
    """
    if len(runs) < 2:
        raise UserError("A comparison takes two runs or more.")
    first, *others = runs
    found = []
    for number, other in enumerate(others, 1):
        one = compare_runs(first, other, measures)
        found.append(one._replace(names=("A", LETTERS[number % len(LETTERS)])))
    return _adjusted(found)


def _adjusted(found: list[Comparison]) -> list[Comparison]:
    """With p of all figures of all comparisons adjusted together; times are not judged."""
    judged = [
        (place, number)
        for place, one in enumerate(found)
        for number, figure in enumerate(one.figures)
        if not figure.measure.timed
    ]
    ps = holm([found[place].figures[number].found.p for place, number in judged])
    adjusted = dict(zip(judged, ps, strict=True))
    return [
        one._replace(
            tested=len(judged),
            figures=[
                figure._replace(p=adjusted.get((place, number), 1.0))
                for number, figure in enumerate(one.figures)
            ],
        )
        for place, one in enumerate(found)
    ]


def compared_titles(a: FinishedRun, *others: FinishedRun) -> str:
    """The title of their comparison. Raises UserError for runs of different kinds."""
    for other in others:
        if a.record.kind != other.record.kind:
            raise UserError(f"{a.record.kind} cannot be compared with {other.record.kind}.")
    *before, last = [run.record.model for run in (a, *others)]
    return f"{a.record.kind.capitalize()}: {', '.join(before)} and {last}"


def comparison_folder(output: Path, a: Path, *others: Path) -> Path:
    """A folder that is not there yet."""
    name = f"{a.name} and {others[0].name}" + (f" and {len(others) - 1} more" if len(others) > 1 else "")
    folder = evaluations(output) / "comparisons" / name
    number = 2
    while folder.exists():
        folder = folder.with_name(f"{name} {number}")
        number += 1
    return folder


def write(comparisons: Sequence[Comparison], folder: Path) -> None:
    """`comparison.parquet`, a row a figure and comparison, and `verdict.txt`, a line each."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = [table_of(one) for one in comparisons]
    pd.concat(tables, ignore_index=True).to_parquet(folder / "comparison.parquet", index=False)
    lines = "".join(one.sentence + "\n" for one in comparisons)
    (folder / "verdict.txt").write_text(lines, encoding="utf-8")


def table_of(comparison: Comparison) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "kind": comparison.a.record.kind,
                "a": comparison.a.record.id,
                "b": comparison.b.record.id,
                "measure": one.measure.name,
                "title": one.measure.title,
                "better": one.measure.better,
                **{
                    ("p_alone" if name == "p" else f"value_{name}" if name in "ab" else name): value
                    for name, value in one.found._asdict().items()
                },
                "p": one.p,
                "winner": one.winner or "",
            }
            for one in comparison.figures
        ]
    )


def _only(table: pd.DataFrame, items: set[str]) -> pd.DataFrame:
    return table.loc[table["item"].isin(list(items))]


def _sentence(one: Compared, of: Comparison) -> str:
    a, b = of.names
    measure, found = one.measure, one.found
    values = " against ".join(
        f"{value:.{measure.digits}f}{' ' + measure.unit if measure.unit else ''}"
        for value in (found.a, found.b)
    )
    if measure.timed:
        return f"{measure.title}: {values} ({a} against {b}); times of two runs are not judged."
    what = f"{measure.title}: {values} ({a} against {b}), p = {one.p:.3f}"
    if one.winner:
        return f"{of.name(one.winner)} is better. {what}."
    if found.difference == 0:
        return f"{a} and {b} are equal. {what}."
    if smallest_p(found.items, of.tested) >= ALPHA:
        those = f"{a} from {b}" + (f" in {of.tested} figures" if of.tested > 1 else "")
        return f"{found.items} sources are too few to tell {those}, whatever they show. {what}."
    return f"The difference between {a} and {b} may be chance. {what}."


def _others(figures: list[Compared], names: tuple[str, str]) -> list[str]:
    parts = []
    for which, name in zip("AB", names, strict=True):
        if better := [one.measure.title for one in figures if one.winner == which]:
            parts.append(f"{name} is better in: {', '.join(better)}.")
    return parts
