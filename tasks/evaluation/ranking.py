"""What a ranking by score is worth, for any weights of its rows.

The same figures as scikit-learn's average_precision_score, roc_auc_score and roc_curve (rows of equal score
count together); sorted once, since a bootstrap asks thousands of times.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Ranking:
    """Rows with a truth (rows,) and a score (rows,), the highest first. Weights are those of the rows."""

    def __init__(self, truth: ArrayLike, scores: ArrayLike) -> None:
        given = np.asarray(scores, np.float64)
        self._order = np.argsort(-given, kind="stable")
        self._truth = np.asarray(truth, bool)[self._order]
        ordered = given[self._order]
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(ordered) else []

    def positives(self, weights: NDArray[np.float64]) -> tuple[float, float]:
        """Weight of the rows that are true, and of those that are not."""
        true = float(weights[self._order] @ self._truth)
        return true, float(weights.sum()) - true

    def average_precision(self, weights: NDArray[np.float64]) -> float:
        """Sum over thresholds of precision times gain in recall; NaN where nothing is true."""
        true, false = self._counts(weights)
        if not len(true) or not true[-1]:
            return np.nan
        found = true + false
        precision = np.divide(true, found, out=np.zeros_like(true), where=found > 0)
        return float(np.diff(true / true[-1], prepend=0.0) @ precision)

    def area(self, weights: NDArray[np.float64]) -> float:
        """Area under the ROC curve; NaN where all or nothing is true."""
        true, false = self._rates(weights)
        return float(np.trapezoid(true, false)) if len(true) else np.nan

    def true_rate(self, weights: NDArray[np.float64], false_rate: float) -> float:
        """The largest share of the true that a threshold accepts with at most `false_rate` of the others."""
        true, false = self._rates(weights)
        return float(true[false <= false_rate + 1e-12].max()) if len(true) else np.nan

    def _counts(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        each = weights[self._order]
        return np.cumsum(each * self._truth)[self._ends], np.cumsum(each * ~self._truth)[self._ends]

    def _rates(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        true, false = self._counts(weights)
        if not len(true) or not true[-1] or not false[-1]:
            return np.zeros(0), np.zeros(0)
        return np.append(0.0, true / true[-1]), np.append(0.0, false / false[-1])
