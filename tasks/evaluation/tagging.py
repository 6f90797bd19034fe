"""Sound classes: average precision and d-prime of each, and their means over classes.

mAP and d' as in Q. Kong et al., PANNs, 2020, sec. V: AP is the mean precision over the items that have the
class; d' = sqrt(2) * inverse normal distribution of the area under the ROC curve. An area of 1, of which d'
would be infinite, is taken for 1 - 1 / (2 P N) with P items that have the class and N that have not, half of
the smallest step (as N. Macmillan and H. Kaplan, 1985, do with rates).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from containers.audioset.contract import Tags
from tasks.evaluation.ranking import Ranking
from tasks.evaluation.statistics import Measure, Value, Weights


def score_sounds(truth: Sequence[str], found: Tags, classes: Iterable[str]) -> dict[str, Any]:
    """One row: for every class whether it is there (`true Speech`) and its highest score (`score Speech`)."""
    scores = dict.fromkeys(classes, 0.0)
    for prediction in found.predictions:
        if prediction.label in scores:
            scores[prediction.label] = max(scores[prediction.label], prediction.score)
    return {f"true {name}": name in truth for name in scores} | {
        f"score {name}": s for name, s in scores.items()
    }


def classes_of(rows: pd.DataFrame) -> list[str]:
    return [name.removeprefix("true ") for name in rows if str(name).startswith("true ")]


def d_prime(ranking: Ranking, weights: Weights) -> float:
    """NaN where every item has the class, or none."""
    positive, negative = ranking.positives(weights)
    area = ranking.area(weights)
    if np.isnan(area):
        return np.nan
    step = 1 / (2 * positive * negative)
    return float(np.sqrt(2) * norm.ppf(np.clip(area, step, 1 - step)))


def rankings(rows: pd.DataFrame) -> dict[str, Ranking]:
    return {name: Ranking(rows[f"true {name}"], rows[f"score {name}"]) for name in classes_of(rows)}


def _mean_over_classes(measure: Callable[[Ranking, Weights], float]) -> Callable[[pd.DataFrame], Value]:
    def of(rows: pd.DataFrame) -> Value:
        ranked = list(rankings(rows).values())

        def value(weights: Weights) -> float:
            found = np.array([measure(ranking, weights) for ranking in ranked])
            known = found[~np.isnan(found)]
            return float(known.mean()) if len(known) else np.nan

        return value

    return of


def per_class(rows: pd.DataFrame) -> pd.DataFrame:
    """Average precision, d-prime and number of items of each class."""
    ones, found = np.ones(len(rows)), []
    for name, ranking in rankings(rows).items():
        figures = {"AP": ranking.average_precision(ones), "d-prime": d_prime(ranking, ones)}
        found.append({"class": name, "items": int(rows[f"true {name}"].to_numpy().sum()), **figures})
    return pd.DataFrame(found)


MEASURES = [
    Measure("map", "Mean average precision", "higher", _mean_over_classes(Ranking.average_precision)),
    Measure("d_prime", "Mean d-prime", "higher", _mean_over_classes(d_prime), digits=2),
]
