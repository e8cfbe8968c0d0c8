"""Intervals against scipy and textbook values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ganzoo.judge.stats.intervals import difference_interval, mean_interval, prediction_interval, superiority
from ganzoo.judge.stats.shares import clopper_pearson, majority

X, Y = [12.0, 13.5, 11.2, 12.9], [15.1, 14.0, 18.2]


def test_mean_is_students():
    assert mean_interval(X) == pytest.approx(stats.t.interval(0.95, 3, loc=np.mean(X), scale=stats.sem(X)))
    assert mean_interval(X, 0.99)[0] < mean_interval(X)[0]


def test_difference_is_welchs():
    assert difference_interval(X, Y) == pytest.approx(stats.ttest_ind(X, Y, equal_var=False).confidence_interval())
    assert difference_interval(X[:3], Y, paired=True) == pytest.approx(stats.ttest_rel(X[:3], Y).confidence_interval())
    assert difference_interval([2.0, 2.0], [1.0, 1.0]) == (1.0, 1.0)


def test_prediction_by_hand():
    """Values 1, 2, 3: mean 2, std 1, t(2 df, 97.5 %) = 4.3027; half-width 4.3027·√(4/3) = 4.9683."""
    assert prediction_interval([1, 2, 3]) == pytest.approx((2 - 4.9683, 2 + 4.9683), abs=1e-4)
    half = np.hypot(4.9683, 1.96 * 0.5)
    assert prediction_interval([1, 2, 3], extra_sd=0.5) == pytest.approx((2 - half, 2 + half), abs=1e-3)


@pytest.mark.parametrize("interval", [mean_interval, prediction_interval])
@pytest.mark.parametrize("values", [[], [3.0], [1.0, np.inf], [1.0, np.nan, 2.0]])
def test_one_value_or_a_diverged_one_has_no_interval(interval, values):
    assert interval(values) is None
    assert difference_interval(values, [1.0, 2.0]) is None


@pytest.mark.parametrize(("k", "n"), [(0, 3), (3, 3), (2, 5), (1, 10)])
def test_shares_are_clopper_pearsons(k, n):
    expected = stats.binomtest(k, n).proportion_ci(0.95, method="exact")
    assert clopper_pearson(k, n) == pytest.approx((expected.low, expected.high))
    assert majority(k, n).greater == pytest.approx(stats.binomtest(k, n, alternative="greater").pvalue)
    assert majority(k, n).less == pytest.approx(stats.binomtest(k, n, alternative="less").pvalue)


def test_half_a_success_lies_between():
    assert clopper_pearson(1, 4)[0] < clopper_pearson(1.5, 4)[0] < clopper_pearson(2, 4)[0]


def test_chance_to_be_lower():
    """One of nine pairs is higher, one ties: 7.5 / 9. The interval's ends solve Newcombe's equation, with Student's quantile."""
    share, (low, high) = superiority([1, 2, 4], [3, 4, 5])
    assert share == pytest.approx(7.5 / 9)
    for theta in (low, high):
        variance = theta * (1 - theta) / 9 * (1 + 2 * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
        assert abs(share - theta) == pytest.approx(stats.t.ppf(0.975, 4) * np.sqrt(variance))
    assert low < share < high


def test_complete_separation_leaves_doubt_on_one_side_only():
    share, (low, high) = superiority([1, 2, 3], [7, 8, 9])
    assert share == high == 1.0 and 0.3 < low < 0.4
    assert superiority([7, 8, 9], [1, 2, 3]) == (0.0, pytest.approx((0.0, 1 - low)))


def test_one_against_one_says_nothing():
    assert superiority([1.0], [2.0]) == (1.0, (0.0, 1.0))


def test_pairs_count_wins():
    assert superiority([1, 5, 3], [2, 4, 3], paired=True) == (0.5, clopper_pearson(1.5, 3))
