"""What the comparison's report is made of."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from IPython.display import HTML

from tasks.evaluation.compare import Comparison
from tasks.evaluation.run import FinishedRun
from tasks.evaluation.show import number, table

MOST = 6


def all_figures(comparisons: Sequence[Comparison]) -> HTML:
    """A row a figure, a column a run; a run that is better or worse than the first says so."""
    titles = list(dict.fromkeys(one.measure.title for each in comparisons for one in each.figures))
    rows = []
    for title in titles:
        row = {"measure": title}
        for each in comparisons:
            a, b = each.names
            for one in each.figures:
                if one.measure.title == title:
                    measure = one.measure
                    row.setdefault(a, number(one.found.a, measure.digits, measure.unit))
                    told = {"A": " (worse)", "B": " (better)"}.get(one.winner or "", "")
                    row[b] = number(one.found.b, measure.digits, measure.unit) + told
        rows.append(row)
    return table(pd.DataFrame(rows).fillna(""), numbers=tuple(rows[0])[1:])


def runs(named: dict[str, FinishedRun]) -> HTML:
    """What A and B are."""
    rows = []
    for name, run in named.items():
        record = run.record
        rows.append(
            {
                "": name,
                "run": record.id,
                "model": record.model,
                "weights": ", ".join(f"{model.id} {model.revision}" for model in record.models),
                "options": ", ".join(f"{key} {value}" for key, value in record.options.items()) or "none",
                "data set": record.dataset,
            }
        )
    return table(pd.DataFrame(rows))


def differences_table(comparison: Comparison) -> HTML:
    """Every figure of A and B, the difference with its interval, and who is better."""
    a, b = comparison.names
    names = {"A": a, "B": b}
    rows = []
    for one in comparison.figures:
        measure, found = one.measure, one.found
        known = np.isfinite([found.low, found.high]).all()
        interval = f"{found.low:+.{measure.digits}f} to {found.high:+.{measure.digits}f}" if known else "none"
        rows.append(
            {
                "measure": f"{measure.title} ({measure.better} is better)",
                "items": found.items,
                a: number(found.a, measure.digits, measure.unit),
                b: number(found.b, measure.digits, measure.unit),
                f"{b} less {a}": f"{found.difference:+.{measure.digits}f}",
                "95 % interval": interval,
                "p": "" if measure.timed else f"{one.p:.3f}",
                "better": "not judged" if measure.timed else names.get(one.winner or "", "may be chance"),
            }
        )
    return table(pd.DataFrame(rows), numbers=(a, b, f"{b} less {a}", "95 % interval", "p"))


def most_different(comparison: Comparison) -> pd.DataFrame:
    """The items whose own figure differs most between A and B, by the first figure."""
    a, b = comparison.names
    measure = comparison.figures[0].measure
    values = {}
    for name, run in ((a, comparison.a), (b, comparison.b)):
        rows = run.table(measure.table)
        assert rows is not None
        values[name] = {
            str(item): measure.of(part)(np.ones(len(part))) for item, part in rows.groupby("item", sort=False)
        }
    shared = pd.DataFrame(values).dropna()
    less = f"{b} less {a}"
    shared[less] = shared[b] - shared[a]
    order = np.argsort(-np.abs(shared[less].to_numpy()), kind="stable")[:MOST]
    return shared.iloc[order].round(measure.digits).rename_axis("item").reset_index()
