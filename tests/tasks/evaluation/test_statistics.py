"""Intervals and tests against what can be worked out by hand or by scipy."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tasks.evaluation.statistics import Measure, compare, estimate, holm, mean, ratio, smallest_p

RATE = Measure("wer", "Word error rate", "lower", ratio("errors", "words"))
GAIN = Measure("gain", "Gain", "higher", mean("gain"))


def test_an_error_rate_is_over_all_items_together() -> None:
    rows = pd.DataFrame({"item": ["long", "short"], "errors": [1, 4], "words": [90, 10]})
    assert estimate(rows, RATE).value == pytest.approx(0.05)


def test_an_interval_is_scipys_percentile_bootstrap() -> None:
    gains = np.random.default_rng(1).normal(2.0, 1.0, 40)
    rows = pd.DataFrame({"item": range(40), "gain": gains})
    ours = estimate(rows, GAIN, draws=9000)
    theirs = stats.bootstrap(
        (gains,), np.mean, n_resamples=9000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert ours.value == pytest.approx(gains.mean())


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        rows = pd.DataFrame({"item": range(30), "gain": random.normal(1.0, 1.0, 30)})
        found = estimate(rows, GAIN, draws=300)
        held += found.low <= 1.0 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_rows_of_one_item_are_drawn_together() -> None:
    """Ten rows of each of two recordings are two independent observations, not twenty."""
    rows = pd.DataFrame({"item": ["a"] * 10 + ["b"] * 10, "gain": [0.0] * 10 + [1.0] * 10})
    found = estimate(rows, GAIN)
    assert (found.low, found.high, found.items) == (0.0, 1.0, 2)


def test_copies_of_one_source_are_drawn_together() -> None:
    """Three recordings, each in four noises, are three measurements and not twelve."""
    rows = pd.DataFrame({"item": range(12), "source": list("abc") * 4, "gain": [0.0, 1.0, 2.0] * 4})
    three = pd.DataFrame({"item": list("abc"), "gain": [0.0, 1.0, 2.0]})
    found, alone = estimate(rows, GAIN), estimate(three, GAIN)
    assert (found.low, found.high, found.items) == (alone.low, alone.high, 3)
    better = rows.assign(gain=rows["gain"] + 1)
    assert compare(rows, better, GAIN).p == 2 / 2**3, "as three pairs, not as twelve"
    assert estimate(rows.drop(columns="source"), GAIN).items == 12


def test_one_item_has_no_interval() -> None:
    found = estimate(pd.DataFrame({"item": ["a"], "gain": [3.0]}), GAIN)
    assert found.value == 3.0
    assert np.isnan(found.low)


def test_items_of_which_there_is_nothing_to_measure_are_no_items() -> None:
    rows = pd.DataFrame({"item": ["sound", "picture"], "errors": [1.0, 0.0], "words": [20.0, 0.0]})
    found = estimate(rows, RATE._replace(amount="words"))
    assert (found.value, found.items) == (0.05, 1)
    assert np.isnan(found.low)


def test_few_items_are_compared_by_every_exchange() -> None:
    """The p value is the share of sign changes whose mean difference is at least as large."""
    differences = np.array([0.3, 0.1, -0.2, 0.5, 0.4, 0.2])
    a = pd.DataFrame({"item": range(6), "gain": np.zeros(6)})
    b = pd.DataFrame({"item": range(6), "gain": differences})
    by_hand = np.mean(
        [
            abs(np.mean(np.array(signs) * differences)) >= differences.mean() - 1e-12
            for signs in product((1, -1), repeat=6)
        ]
    )
    assert compare(a, b, GAIN).p == pytest.approx(by_hand)


def test_many_items_are_compared_as_scipys_permutation_test_does() -> None:
    random = np.random.default_rng(5)
    first = random.normal(0, 1, 40)
    second = first + random.normal(0.25, 0.7, 40)
    tables = [pd.DataFrame({"item": range(40), "gain": values}) for values in (first, second)]
    theirs = stats.permutation_test(
        (first, second),
        lambda x, y: np.mean(y) - np.mean(x),
        permutation_type="samples",
        n_resamples=9000,
        rng=np.random.default_rng(6),
    )
    found = compare(*tables, GAIN, draws=9000)
    assert found.difference == pytest.approx(theirs.statistic)
    assert found.p == pytest.approx(theirs.pvalue, abs=0.02)
    assert found.low < found.difference < found.high


def test_the_order_of_the_rows_does_not_matter() -> None:
    a = pd.DataFrame({"item": list("abcdefgh"), "gain": np.arange(8.0)})
    b = a.assign(gain=a["gain"] + [0.2, 0.1, 0.3, 0.2, -0.1, 0.4, 0.2, 0.1])
    assert compare(a, b, GAIN) == compare(a, b.iloc[::-1], GAIN)


def test_different_items_are_not_compared() -> None:
    with pytest.raises(ValueError, match="same items"):
        compare(pd.DataFrame({"item": [1], "gain": [1]}), pd.DataFrame({"item": [2], "gain": [1]}), GAIN)


def test_no_difference_is_seldom_called_one() -> None:
    random = np.random.default_rng(8)
    alarms = 0
    for _ in range(200):
        a, b = (pd.DataFrame({"item": range(20), "gain": random.normal(size=20)}) for _ in "ab")
        alarms += compare(a, b, GAIN, draws=200).p < 0.05
    assert alarms / 200 < 0.1


def test_looking_at_many_figures_asks_more_of_each() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert smallest_p(5) == pytest.approx(2 / 32)
