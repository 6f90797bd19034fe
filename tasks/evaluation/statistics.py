"""Confidence intervals by bootstrap, and whether two runs differ by more than chance.

What is drawn again is the source (what several items are cuts or copies of), or else the item (a recording,
a picture, a person): figures within one are not independent. Times depend on the hour and on what else the
machine does, which no draw from one run can show: of them an interval is given and no verdict.
Sources: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), ch. 13: percentile intervals;
M. Bisani, H. Ney, Bootstrap estimates for confidence intervals in ASR performance evaluation, ICASSP 2004:
whole utterances are drawn, and the same ones for both systems; E. Noreen, Computer-Intensive Methods for
Testing Hypotheses (1989): approximate randomisation; D. Rubin, The Bayesian Bootstrap, Annals of Statistics
(1981): weights instead of numbers; S. Holm, A simple sequentially rejective multiple test
procedure (1979).
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

DRAWS = 2000
EXACT = 11  # up to so many items every exchange is tried: 2048
ALPHA = 0.05
Weights = NDArray[np.float64]
Value = Callable[[Weights], float]


class Measure(NamedTuple):
    """A figure of a table that has a row, or several, for each `item`, and may have a `source`.

    `of` takes the table and gives a function of the rows' weights, shape (rows,): drawing an item twice is
    giving its rows the weight 2. It returns NaN where the weights leave nothing to measure. With `amount`
    only rows in which that column is above 0 take part. A `timed` one is of the machine as much as of the
    model. A `smooth` one is a mean over groups of few items, as of sounds' classes: where a draw left out
    all of a group, it would be of the others, so each draw gives every item some weight.
    """

    name: str
    title: str
    better: Literal["lower", "higher"]
    of: Callable[[pd.DataFrame], Value]
    unit: str = ""
    digits: int = 3
    table: str = "items"
    amount: str = ""
    timed: bool = False
    smooth: bool = False


class Estimate(NamedTuple):
    """A figure with its 95 % confidence interval; NaN where there are too few sources for one.

    `items` counts what is drawn: sources.
    """

    value: float
    low: float
    high: float
    items: int


class Difference(NamedTuple):
    """`difference` is B less A, with its 95 % interval; `p` is for the hypothesis that there is none."""

    a: float
    b: float
    difference: float
    low: float
    high: float
    p: float
    items: int


def ratio(errors: str, total: str) -> Callable[[pd.DataFrame], Value]:
    """Sum of one column by the sum of another: an error rate over all items together."""

    def of(rows: pd.DataFrame) -> Value:
        upper, lower = (rows[name].to_numpy(np.float64) for name in (errors, total))

        def value(weights: Weights) -> float:
            divisor = weights @ lower
            return float(weights @ upper / divisor) if divisor > 0 else np.nan

        return value

    return of


def mean(column: str) -> Callable[[pd.DataFrame], Value]:
    """The mean of a column, rows without a value left out."""

    def of(rows: pd.DataFrame) -> Value:
        found = rows[column].to_numpy(np.float64)
        known = ~np.isnan(found)
        kept = np.where(known, found, 0.0)

        def value(weights: Weights) -> float:
            divisor = weights @ known
            return float(weights @ kept / divisor) if divisor > 0 else np.nan

        return value

    return of


def estimate(rows: pd.DataFrame, measure: Measure, draws: int = DRAWS, seed: int = 0) -> Estimate:
    """The figure over all rows, and its percentile interval over `draws` draws of items."""
    if not _counted(rows, measure):
        return Estimate(np.nan, np.nan, np.nan, 0)
    rows = _taking_part(rows, measure)
    value = measure.of(rows)
    codes, items = _items(rows)
    whole = value(np.ones(len(rows)))
    if items < 2:
        return Estimate(whole, np.nan, np.nan, items)
    random = np.random.default_rng(seed)
    counts = _draws(items, draws, random, measure.smooth)
    return Estimate(whole, *_percentiles([value(drawn[codes]) for drawn in counts]), items)


def compare(
    a: pd.DataFrame, b: pd.DataFrame, measure: Measure, draws: int = DRAWS, seed: int = 0
) -> Difference:
    """The same items measured twice. Rows of the two tables need not correspond, their items have to.

    Raises ValueError when the tables are of different items.
    """
    if set(a["item"]) != set(b["item"]):
        raise ValueError("the two tables are not of the same items")
    if not (_counted(a, measure) and _counted(b, measure)):
        return Difference(np.nan, np.nan, np.nan, np.nan, np.nan, 1.0, 0)
    a, b = _taking_part(a, measure), _taking_part(b, measure)
    both = pd.concat([a, b], ignore_index=True)
    codes, items = _items(both)
    of_a = np.arange(len(both)) < len(a)
    value = measure.of(both)

    def difference(weights: Weights, swapped: NDArray[np.bool_]) -> float:
        first = of_a != swapped
        # Sums of the same numbers in another order differ in the last digits.
        return round(value(weights * ~first) - value(weights * first), 12)

    ones, kept = np.ones(len(both)), np.zeros(len(both), bool)
    found = (value(ones * of_a), value(ones * ~of_a), difference(ones, kept))
    if items < 2 or measure.timed:
        return Difference(*found, np.nan, np.nan, 1.0, items)
    random = np.random.default_rng(seed)
    counts = _draws(items, draws, random, measure.smooth)
    interval = _percentiles([difference(drawn[codes], kept) for drawn in counts])
    exchanged = [difference(ones, swap[codes]) for swap in _exchanges(items, draws, random)]
    return Difference(*found, *interval, _p_value(found[2], exchanged, items <= EXACT), items)


def holm(ps: Sequence[float]) -> list[float]:
    """p values adjusted for having looked at all of them, in the order given."""
    adjusted, largest = [1.0] * len(ps), 0.0
    for rank, place in enumerate(np.argsort(ps, kind="stable")):
        largest = max(largest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = largest
    return adjusted


def smallest_p(items: int, figures: int = 1) -> float:
    """No exchange of so few items can give a smaller p, adjusted for `figures`: the data cannot show more."""
    return min(1.0, figures * 2.0 ** (1 - items))


def _taking_part(rows: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    return rows.loc[rows[measure.amount] > 0] if measure.amount else rows


def _counted(rows: pd.DataFrame, measure: Measure) -> bool:
    """False of a table that an older version wrote, which did not count it."""
    return not measure.amount or measure.amount in rows


def _items(rows: pd.DataFrame) -> tuple[NDArray[np.intp], int]:
    """Which source each row is of, and how many there are."""
    own = rows["item"].astype(str)
    codes, names = pd.factorize(rows["source"].fillna(own) if "source" in rows else own)
    return codes, len(names)


def _draws(items: int, draws: int, random: np.random.Generator, smooth: bool) -> NDArray[np.float64]:
    """Weights of the items, shape (draws, items), which add up to their number."""
    if smooth:
        return random.dirichlet(np.ones(items), draws) * items
    return random.multinomial(items, np.full(items, 1 / items), draws).astype(np.float64)


def _percentiles(values: list[float]) -> tuple[float, float]:
    known = np.array(values)[np.isfinite(values)]
    if not len(known):
        return np.nan, np.nan
    low, high = np.percentile(known, [100 * ALPHA / 2, 100 - 100 * ALPHA / 2])
    return float(low), float(high)


def _exchanges(items: int, draws: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """Which items change sides, shape (exchanges, items): all possibilities, or as many as `draws`."""
    if items <= EXACT:
        return (np.arange(2**items)[:, None] >> np.arange(items) & 1).astype(bool)
    return random.random((draws, items)) < 0.5


def _p_value(found: float, exchanged: list[float], exact: bool) -> float:
    """Two-sided. A sample of the exchanges counts the one that happened too (Noreen)."""
    values = np.array(exchanged)
    values = values[np.isfinite(values)]
    if not np.isfinite(found) or not len(values):
        return 1.0
    extreme = int(np.sum(np.abs(values) >= abs(found) - 1e-12))
    return extreme / len(values) if exact else (extreme + 1) / (len(values) + 1)
