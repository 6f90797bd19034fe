"""Sound classes: average precision and d-prime of each, and their means over classes.

mAP and d' as in Q. Kong et al., PANNs, 2020, sec. V: AP is the mean precision over the items that have the
class; d' = sqrt(2) * inverse normal distribution of the area under the ROC curve. An area of 1, of which d'
would be infinite, is taken for 1 - 1 / (2 P N) with P items that have the class and N that have not, half of
the smallest step (as N. Macmillan and H. Kaplan, 1985, do with rates).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from containers.audioset.contract import Tags
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


def average_precision(truth: np.ndarray, scores: np.ndarray, weights: Weights) -> float:
    """NaN where no item has the class."""
    if not weights @ truth:
        return np.nan
    return float(average_precision_score(truth, scores, sample_weight=weights))


def d_prime(truth: np.ndarray, scores: np.ndarray, weights: Weights) -> float:
    """NaN where every item has the class, or none."""
    positive = float(weights @ truth)
    negative = float(weights.sum() - positive)
    if not positive or not negative:
        return np.nan
    area = float(roc_auc_score(truth, scores, sample_weight=weights))
    step = 1 / (2 * positive * negative)
    return float(np.sqrt(2) * norm.ppf(np.clip(area, step, 1 - step)))


def _mean_over_classes(measure: Any) -> Any:
    def of(rows: pd.DataFrame) -> Value:
        columns = [
            (rows[f"true {name}"].to_numpy(bool), rows[f"score {name}"].to_numpy(float))
            for name in classes_of(rows)
        ]

        def value(weights: Weights) -> float:
            used = weights > 0
            found = [measure(truth[used], scores[used], weights[used]) for truth, scores in columns]
            known = [each for each in found if not np.isnan(each)]
            return float(np.mean(known)) if known else np.nan

        return value

    return of


def per_class(rows: pd.DataFrame) -> pd.DataFrame:
    """Average precision, d-prime and number of items of each class."""
    ones = np.ones(len(rows))
    found = []
    for name in classes_of(rows):
        truth, scores = rows[f"true {name}"].to_numpy(bool), rows[f"score {name}"].to_numpy(float)
        figures = {"AP": average_precision(truth, scores, ones), "d-prime": d_prime(truth, scores, ones)}
        found.append({"class": name, "items": int(truth.sum()), **figures})
    return pd.DataFrame(found)


MEASURES = [
    Measure("map", "Mean average precision", "higher", _mean_over_classes(average_precision)),
    Measure("d_prime", "Mean d-prime", "higher", _mean_over_classes(d_prime), digits=2),
]
