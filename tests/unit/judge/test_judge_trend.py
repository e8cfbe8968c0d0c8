"""Jonckheere's trend against enumeration by brute force."""

from __future__ import annotations

from itertools import permutations, product
from math import inf

import numpy as np
import pytest

from ganzoo.judge.stats.trend import arrangements, inversions, trend


def concordance(order, values):
    return sum(
        np.sign(order[j] - order[i]) * ((values[j] > values[i]) - (values[j] < values[i]))
        for i in range(len(values))
        for j in range(i + 1, len(values))
    )


def test_independent_cases_by_brute_force():
    order, values = [0, 0, 1, 1, 2, 2], [5.0, 4.0, 3.5, 4.5, 1.0, 2.0]
    observed = concordance(order, values)
    all_ = [concordance(order, shuffled) for shuffled in permutations(values)]
    test, tau = trend([list(zip(order, values, strict=True))], "of these")
    assert test.greater == pytest.approx(np.mean([s >= observed for s in all_]))
    assert test.less == pytest.approx(np.mean([s <= observed for s in all_]))
    assert tau == observed / 12 and test.name == "exact permutation test of Jonckheere's rank trend of these, two-sided"


def test_trajectories_by_brute_force():
    """Three trajectories, one of which lacks a case, one with a tie."""
    blocks = [[(0, 3.0), (1, 2.0), (2, 1.0)], [(0, 9.0), (2, 8.0)], [(0, 5.0), (1, 5.0), (2, 4.0)]]
    score = [[concordance([p for p, _ in b], values) for values in permutations([v for _, v in b])] for b in blocks]
    observed = sum(concordance(*zip(*b, strict=True)) for b in blocks)
    all_ = [sum(parts) for parts in product(*score)]
    test, tau = trend(blocks, "x")
    assert test.less == pytest.approx(np.mean([s <= observed for s in all_]))
    assert test.greater == pytest.approx(np.mean([s >= observed for s in all_]))
    assert tau == observed / 7


def test_ties_between_independent_trainings_are_drawn():
    """Numbers of classes reached: many are equal. Seeded draws come close to the whole enumeration."""
    order, values = [0, 0, 1, 1, 2, 2], [7.0, 8.0, 8.0, 9.0, 10.0, 10.0]
    observed = concordance(order, values)
    exact = np.mean([concordance(order, shuffled) >= observed for shuffled in permutations(values)])
    test, _ = trend([list(zip(order, values, strict=True))], "x")
    assert test.greater == pytest.approx(exact, rel=0.1) and "49,999 seeded draws" in test.name
    assert trend([list(zip(order, values, strict=True))], "x")[0] == test


def test_diverged_trainings_are_equal_and_last():
    assert trend([[(0, 1.0), (1, 2.0), (2, inf)]], "x")[1] == 1.0
    assert trend([[(0, inf), (1, inf)]], "x")[0].two_sided == 1.0


def test_nothing_to_compare_decides_nothing():
    test, tau = trend([[(0, 1.0), (0, 2.0)]], "x")
    assert test.two_sided == 1.0 and tau == 0.0


def test_a_case_cannot_stand_twice_in_a_trajectory():
    with pytest.raises(ValueError, match="twice"):
        trend([[(0, 1.0), (0, 1.0)], [(0, 1.0), (1, 2.0)]], "x")


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (2, 3), (2, 1, 2), (5,)])
def test_inversions_by_brute_force(sizes):
    items = [kind for kind, size in enumerate(sizes) for _ in range(size)]
    counts = [sum(p[i] > p[j] for i in range(len(p)) for j in range(i + 1, len(p))) for p in permutations(items)]
    law = inversions(sizes)
    assert law == pytest.approx(np.bincount(counts, minlength=len(law)) / len(counts))
    assert law[0] == pytest.approx(1 / arrangements(sizes))
