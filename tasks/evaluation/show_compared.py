"""What the comparison's report is made of."""

import numpy as np
import pandas as pd
from IPython.display import HTML

from tasks.evaluation.compare import Comparison
from tasks.evaluation.run import FinishedRun
from tasks.evaluation.show import number, table

MOST = 6


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
    rows = []
    for one in comparison.figures:
        measure, found = one.measure, one.found
        known = np.isfinite([found.low, found.high]).all()
        interval = f"{found.low:+.{measure.digits}f} to {found.high:+.{measure.digits}f}" if known else "none"
        rows.append(
            {
                "measure": f"{measure.title} ({measure.better} is better)",
                "items": found.items,
                "A": number(found.a, measure.digits, measure.unit),
                "B": number(found.b, measure.digits, measure.unit),
                "B less A": f"{found.difference:+.{measure.digits}f}",
                "95 % interval": interval,
                "p": "" if measure.timed else f"{one.p:.3f}",
                "better": "not judged" if measure.timed else one.winner or "may be chance",
            }
        )
    return table(pd.DataFrame(rows), numbers=("A", "B", "B less A", "95 % interval", "p"))


def most_different(comparison: Comparison) -> pd.DataFrame:
    """The items whose own figure differs most between A and B, by the first figure."""
    measure = comparison.figures[0].measure
    values = {}
    for name, run in (("A", comparison.a), ("B", comparison.b)):
        rows = run.table(measure.table)
        assert rows is not None
        values[name] = {
            str(item): measure.of(part)(np.ones(len(part))) for item, part in rows.groupby("item", sort=False)
        }
    shared = pd.DataFrame(values).dropna()
    shared["B less A"] = shared["B"] - shared["A"]
    order = np.argsort(-np.abs(shared["B less A"].to_numpy()), kind="stable")[:MOST]
    return shared.iloc[order].round(measure.digits).rename_axis("item").reset_index()
