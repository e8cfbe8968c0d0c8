"""Permutation tests against counting by hand, scipy, and each other."""

from __future__ import annotations

from itertools import product
from math import comb, inf

import numpy as np
import pytest
from scipy.stats import permutation_test

from ganzoo.judge.stats import permutation
from ganzoo.judge.stats.permutation import compare, tails


def test_counted_by_hand():
    """{1, 2} against {3, 4}: one of the six splits is as low, all are at least as high."""
    test = compare([1, 2], [3, 4])
    assert (test.less, test.greater, test.two_sided) == (1 / 6, 1.0, 1 / 3)
    assert test.name == "exact permutation test of independent trainings, two-sided"


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_complete_separation_gives_the_smallest_p(n):
    assert compare(np.arange(n), np.arange(n) + 100.0).two_sided == pytest.approx(2 / comb(2 * n, n))


def test_pairs_counted_by_hand():
    """Differences 1, 2, −4 sum to −1; the eight sign patterns are counted out."""
    d = [1, 2, -4]
    sums = [sum(s * v for s, v in zip(pattern, (1, 2, 4), strict=True)) for pattern in product((1, -1), repeat=3)]
    test = compare(d, [0, 0, 0], paired=True)
    assert test.greater == sum(s >= -1 for s in sums) / 8 and test.less == sum(s <= -1 for s in sums) / 8
    assert "within trajectories" in test.name


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_scipy(seed, paired):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=5).round(1), rng.normal(0.5, 1, size=5).round(1)  # rounded: some ties
    kind = "samples" if paired else "independent"
    for alternative, found in (("greater", compare(x, y, paired).greater), ("less", compare(x, y, paired).less)):
        expected = permutation_test(
            (x, y),
            lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
            permutation_type=kind,
            alternative=alternative,
            n_resamples=np.inf,
            vectorized=True,
        )
        assert found == pytest.approx(expected.pvalue)


def test_draws_stand_in_where_enumerating_is_long(monkeypatch):
    """With the +1, seeded, and close to the exact value."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0.6, 1, 8), rng.normal(0, 1, 8)
    exact = compare(x, y)
    monkeypatch.setattr(permutation, "LIMIT", 100)
    permutation.splits.cache_clear()
    drawn, again = compare(x, y), compare(x, y)
    permutation.splits.cache_clear()
    assert "49,999 seeded draws" in drawn.name and drawn == again
    assert drawn.greater == pytest.approx(exact.greater, rel=0.1) and drawn.greater != exact.greater
    assert drawn.greater * 50_000 == pytest.approx(round(drawn.greater * 50_000)) and drawn.greater >= 1 / 50_000


def test_an_impossible_order_still_has_a_p_above_zero_when_drawn():
    x, y = np.arange(12.0), np.arange(12.0) + 1000
    assert compare(x, y).less == pytest.approx(1 / 50_000)


def test_diverged_trainings_tie_for_the_last_place():
    """Two of three diverged against none: the lowest of all splits by rank; all diverged on both sides: no difference."""
    test = compare([1, 2, 3], [4, inf, inf])
    assert test.less == 1 / 20 and test.name.endswith("on ranks, two-sided")
    assert compare([inf, inf, inf], [inf, inf, inf]).two_sided == 1.0
    assert compare([1, 2, inf], [1, 2, inf]).two_sided == 1.0
    assert compare([1, 2, 3, 4], [inf] * 4, paired=True).less == 1 / 16
    assert compare([inf] * 4, [inf] * 4, paired=True).two_sided == 1.0


def test_the_scale_of_the_values_does_not_matter():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=4), rng.normal(size=4)
    for a, b in ((1e9, 1e-3), (1e-9, 1e3)):
        assert compare(a * x + b, a * y + b).greater == compare(x, y).greater


def test_many_experiments_are_as_many_single_ones():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
    greater, less = tails(x, y, shift=0.3)
    for i in range(7):
        one = compare(x[i] - 0.3, y[i])
        assert (greater[i], less[i]) == (one.greater, one.less)
