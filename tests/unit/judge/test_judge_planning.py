"""Holm's adjustment and the number of seeds that would decide."""

from __future__ import annotations

import numpy as np
import pytest

from ganzoo.judge.stats import planning
from ganzoo.judge.stats.holm import holm
from ganzoo.judge.stats.planning import (
    CAP,
    plan,
    power_of_difference,
    power_of_equivalence,
    power_of_share,
    power_of_trend,
    small_sample_effect,
    smallest_p,
    smallest_p_of_trend,
)
from ganzoo.judge.stats.trend import trend


def test_holm_by_hand():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_smallest_p_values():
    assert smallest_p(3) == pytest.approx(0.1) and smallest_p(4) == pytest.approx(2 / 70) and smallest_p(3, m=4) == pytest.approx(2 / 35)
    assert smallest_p(6, paired=True) == pytest.approx(2 / 64)
    assert smallest_p(1) == 1.0
    assert smallest_p_of_trend([[2, 2, 2]]) == pytest.approx(2 / 90) and smallest_p_of_trend([[1, 1, 1]] * 3) == pytest.approx(2 / 216)


@pytest.mark.parametrize(("claims", "possible"), [(1, 4), (2, 5), (8, 6), (14, 6)])
def test_more_claims_ask_for_more_seeds(claims, possible):
    assert plan(0.05 / claims, smallest_p, None) == planning.Plan(possible, None)


def test_a_clear_effect_needs_as_few_seeds_as_can_decide_and_a_faint_one_many():
    clear, faint, none = (plan(0.05, smallest_p, lambda n, e=effect: power_of_difference(n, e, 0.05)) for effect in (8.0, 1.0, 0.01))
    assert clear == planning.Plan(4, 4)
    assert faint.possible == 4 and 15 <= faint.likely <= 20  # two-sample t-test at d = 1: 17
    assert none == planning.Plan(4, None)


def test_nothing_attainable_within_the_cap():
    assert plan(1e-300, smallest_p, lambda n: 1.0) == planning.Plan(None, None) and smallest_p(CAP) > 1e-300


def test_power_is_that_of_the_test(monkeypatch):
    """The simulated share at n = 5 where splits are enumerated, against Student's t in its place."""
    exact = power_of_difference(5, 2.0, 0.05)
    monkeypatch.setattr(planning, "ENUMERATED", 0)
    assert exact == pytest.approx(power_of_difference(5, 2.0, 0.05), abs=0.05) and 0.7 < exact < 0.9
    assert power_of_difference(5, 2.0, 0.05) == power_of_difference(5, -2.0, 0.05)


def test_pairs():
    assert power_of_difference(8, 1.5, 0.05, paired=True) > 0.8 > power_of_difference(5, 1.5, 0.05, paired=True) == 0.0


def test_equivalence_needs_a_margin_beyond_the_scatter():
    assert power_of_equivalence(6, 0.0, 3.0, 0.05) > 0.95
    assert power_of_equivalence(6, 0.0, 0.3, 0.05) < 0.05
    assert power_of_equivalence(6, 5.0, 2.0, 0.05) > 0.95  # beyond the margin: that it is refuted


@pytest.mark.parametrize(("n", "paired"), [(4, False), (6, True), (14, False)])
def test_trend_power_is_that_of_the_test(n, paired):
    """Against the test itself on made-up experiments."""
    course, rng, seen = (0.0, 0.8 if n < 10 else 0.3, 1.6 if n < 10 else 0.6), np.random.default_rng(3), []
    for _ in range(400):
        rows = [list(enumerate(row)) for row in rng.normal(size=(n, 3)) + course]
        seen.append(trend(rows if paired else [sum(rows, [])], "x")[0].two_sided <= 0.05)
    assert power_of_trend(n, course, 0.05, paired) == pytest.approx(np.mean(seen), abs=0.07)
    assert power_of_trend(n, course[::-1], 0.05, paired) == pytest.approx(power_of_trend(n, course, 0.05, paired), abs=0.05)
    assert power_of_trend(n, (0.0, 0.0, 0.0), 0.05, paired) < 0.06


def test_share_power_by_hand():
    """Six of six are needed at 0.05: 0.9^6. Five seeds can decide nothing."""
    assert power_of_share(6, 0.9, 0.05) == pytest.approx(0.9**6)
    assert power_of_share(6, 0.1, 0.05) == pytest.approx(0.9**6)
    assert power_of_share(5, 1.0, 0.05) == 0.0


def test_small_samples_overstate_their_effect():
    assert small_sample_effect(2.0, 1.0, 4) == pytest.approx(2 * (1 - 3 / 15))
    assert small_sample_effect(2.0, 0.0, 4) == np.inf
    assert small_sample_effect(2.0, 1.0, 0) is None and small_sample_effect(0.0, 1.0, 4) is None
