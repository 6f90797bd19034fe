"""Sound classes: average precision and d-prime of each, and their means over classes.

AP is the mean precision over the items that have the class. d' = sqrt(2) * inverse normal distribution of
the area under the ROC curve, over all classes of the mean area (S. Hershey et al., CNN Architectures for
Large-Scale Audio Classification, 2017; Q. Kong et al., PANNs, 2020, sec. V). An area of 1, of which d' would
be infinite, is taken for 1 - 1 / (2 P N) with P items that have the class and N that have not, half of the
smallest step (as N. Macmillan and H. Kaplan, 1985, do with rates); the mean likewise, with their mean step.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from containers.common.documents.sounds import Tags
from containers.common.ontology import class_of
from containers.common.ontology import classes as known_classes
from tasks.evaluation.ranking import Ranking
from tasks.evaluation.statistics import Measure, Weights


def score_sounds(truth: Sequence[str], found: Tags, classes: Iterable[str]) -> dict[str, Any]:
    """One row: for every class whether it is there (`true Speech`) and its highest score (`score Speech`).

    AudioSet's labels stand for themselves, as its papers count them. A family or group that is no label is
    there, and is heard, where anything of it is.
    """
    names = list(classes)
    scores = dict.fromkeys(names, 0.0)
    for prediction in found.predictions:
        for name in names:
            if _is_one(prediction.label, name):
                scores[name] = max(scores[name], prediction.score)
    there = {f"true {name}": any(_is_one(label, name) for label in truth) for name in names}
    return there | {f"score {name}": score for name, score in scores.items()}


def _is_one(label: str, name: str) -> bool:
    if label == name:
        return True
    group = name not in known_classes() or not known_classes()[name].is_label
    return group and name in class_of(label).names


def classes_of(rows: pd.DataFrame) -> list[str]:
    return [name.removeprefix("true ") for name in rows if str(name).startswith("true ")]


def d_prime(ranking: Ranking, weights: Weights) -> float:
    """NaN where every item has the class, or none."""
    return _d_prime([ranking], weights)


def _d_prime(ranked: Sequence[Ranking], weights: Weights) -> float:
    """Of the mean area under the ROC curve, of classes that some items have and some have not."""
    areas = np.array([ranking.area(weights) for ranking in ranked])
    known = ~np.isnan(areas)
    if not known.any():
        return np.nan
    products = np.array([np.prod(ranking.positives(weights)) for ranking in ranked])
    step = float(np.mean(1 / (2 * products[known])))
    return float(np.sqrt(2) * norm.ppf(np.clip(areas[known].mean(), step, 1 - step)))


def rankings(rows: pd.DataFrame) -> dict[str, Ranking]:
    return {name: Ranking(rows[f"true {name}"], rows[f"score {name}"]) for name in classes_of(rows)}


def _mean_precision(rows: pd.DataFrame) -> Callable[[Weights], float]:
    ranked = list(rankings(rows).values())

    def value(weights: Weights) -> float:
        found = np.array([ranking.average_precision(weights) for ranking in ranked])
        known = found[~np.isnan(found)]
        return float(known.mean()) if len(known) else np.nan

    return value


def _mean_d_prime(rows: pd.DataFrame) -> Callable[[Weights], float]:
    ranked = list(rankings(rows).values())
    return lambda weights: _d_prime(ranked, weights)


def per_class(rows: pd.DataFrame) -> pd.DataFrame:
    """Average precision, d-prime and number of items of each class."""
    ones, found = np.ones(len(rows)), []
    for name, ranking in rankings(rows).items():
        figures = {"AP": ranking.average_precision(ones), "d-prime": d_prime(ranking, ones)}
        found.append({"class": name, "items": int(rows[f"true {name}"].to_numpy().sum()), **figures})
    return pd.DataFrame(found)


MEASURES = [
    Measure("map", "Mean average precision", "higher", _mean_precision, smooth=True),
    Measure("d_prime", "d-prime of the mean area", "higher", _mean_d_prime, digits=2, smooth=True),
]
