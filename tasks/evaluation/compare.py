"""Two runs of one evaluation: which is better, figure by figure, and whether that is more than chance."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from containers.common.errors import UserError
from tasks.evaluation.run import FinishedRun, evaluations
from tasks.evaluation.statistics import ALPHA, Difference, Measure, compare, holm, smallest_p


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
    a: FinishedRun
    b: FinishedRun
    shared: int
    left_out: int
    figures: list[Compared]

    @property
    def sentence(self) -> str:
        """Which is better, by its first figure, and what the others say."""
        first, *others = self.figures
        names = {"A": f"A ({self.a.record.model})", "B": f"B ({self.b.record.model})"}
        tested = sum(not one.measure.timed for one in self.figures)
        return " ".join([_sentence(first, names, tested), *_others(others)])


def compare_runs(a: FinishedRun, b: FinishedRun, measures: list[Measure]) -> Comparison:
    """All figures that both runs have, over the items that both runs have.

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
            difference = compare(_only(one, both), _only(other, both), measure)
            if np.isfinite([difference.a, difference.b]).all():
                found.append((measure, difference))
    if not found:
        raise UserError(f"{a.folder} and {b.folder} have no item in common that both have figures for.")
    tested = [place for place, (measure, _) in enumerate(found) if not measure.timed]
    adjusted = dict(zip(tested, holm([found[place][1].p for place in tested]), strict=True))
    figures = [Compared(*pair, adjusted.get(place, 1.0)) for place, pair in enumerate(found)]
    return Comparison(a, b, len(shared), len(every) - len(shared), figures)


def compared_titles(a: FinishedRun, b: FinishedRun) -> str:
    """The title of their comparison. Raises UserError for runs of different kinds."""
    if a.record.kind != b.record.kind:
        raise UserError(f"{a.record.kind} cannot be compared with {b.record.kind}.")
    return f"{a.record.kind.capitalize()}: {a.record.model} and {b.record.model}"


def comparison_folder(output: Path, a: Path, b: Path) -> Path:
    """A folder that is not there yet."""
    folder = evaluations(output) / "comparisons" / f"{a.name} and {b.name}"
    number = 2
    while folder.exists():
        folder = folder.with_name(f"{a.name} and {b.name} {number}")
        number += 1
    return folder


def write(comparison: Comparison, folder: Path) -> None:
    """`comparison.parquet`, a row a figure, and `verdict.txt`."""
    folder.mkdir(parents=True, exist_ok=True)
    table_of(comparison).to_parquet(folder / "comparison.parquet", index=False)
    (folder / "verdict.txt").write_text(comparison.sentence + "\n", encoding="utf-8")


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


def _sentence(one: Compared, names: dict[str, str], tested: int) -> str:
    measure, found = one.measure, one.found
    values = " against ".join(
        f"{value:.{measure.digits}f}{' ' + measure.unit if measure.unit else ''}"
        for value in (found.a, found.b)
    )
    if measure.timed:
        return f"{measure.title}: {values} (A against B); times of two runs are not judged."
    what = f"{measure.title}: {values} (A against B), p = {one.p:.3f}"
    if one.winner:
        return f"{names[one.winner]} is better. {what}."
    if found.difference == 0:
        return f"A and B are equal. {what}."
    if smallest_p(found.items, tested) >= ALPHA:
        what_for = f" in {tested} figures" if tested > 1 else ""
        return f"{found.items} sources are too few to tell A from B{what_for}, whatever they show. {what}."
    return f"The difference between A and B may be chance. {what}."


def _others(figures: list[Compared]) -> list[str]:
    parts = []
    for name in "AB":
        if better := [one.measure.title for one in figures if one.winner == name]:
            parts.append(f"{name} is better in: {', '.join(better)}.")
    return parts
