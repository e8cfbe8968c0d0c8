"""Density and coverage."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.metrics import MetricError, density_coverage, prdc, precision_recall
from ganzoo.metrics.precision_recall import radii


def line(*points: float) -> torch.Tensor:
    return torch.tensor(points, dtype=torch.float64)[:, None]


def by_brute_force(real, fake, k: int) -> tuple[float, float]:
    def distances(a, b):
        return np.sqrt(((a.numpy()[:, None] - b.numpy()[None]) ** 2).sum(-1))

    radius = np.sort(distances(real, real), axis=1)[:, k]  # column 0 is the row itself
    inside = distances(real, fake) <= radius[:, None]  # (n, m)
    return float(inside.sum() / (k * len(fake))), float(inside.any(1).mean())


def test_on_a_line_by_hand():
    """k = 1. Balls around the reals: [-1, 1], [0, 2], [8, 12], [10, 14]. Of the fakes 0.5 lies in two, 9 in one, 50 in none."""
    density, coverage = density_coverage(line(0, 1, 10, 12), line(0.5, 9, 50), k=1)
    assert density == pytest.approx((2 + 1 + 0) / 3)
    assert coverage == 0.75  # [10, 14] holds none


def test_the_same_samples():
    """Each ball holds its own centre and k neighbours: density 1 + 1/k, full coverage."""
    x = torch.from_numpy(np.random.RandomState(0).randn(100, 4))
    assert density_coverage(x, x.clone(), 5) == (pytest.approx(1.2, rel=1e-12), 1.0)


def test_far_apart():
    assert density_coverage(line(0, 1, 2), line(100, 101), 1) == (0.0, 0.0)


def test_one_outlier_opens_no_ball_for_the_fakes():
    """A stray fake among many: its own ball is wide enough for all reals, which recall counts and coverage does not."""
    real, fake = line(*range(20)), line(*(500 + i for i in range(20)), 250)
    assert precision_recall(real, fake, 1) == (0.0, 1.0)
    assert density_coverage(real, fake, 1) == (0.0, 0.0)


@pytest.mark.parametrize("k", [1, 3, 5])
def test_it_is_brute_force(features, k):
    x = features(0, 500, 6)
    real, fake = x[:220], x[220:] + 0.5 * x.std(0)
    found, expected = density_coverage(real, fake, k), by_brute_force(real, fake, k)
    assert 0.1 < expected[0] < 1.2 and 0.2 < expected[1] < 0.98  # a case that can tell
    assert found == (pytest.approx(expected[0], rel=1e-12), expected[1])


def test_all_four_from_one_pass(features):
    x = features(1, 300, 6)
    real, fake = x[:140], x[140:] + 0.5 * x.std(0)
    assert prdc(real, fake, 3) == (*precision_recall(real, fake, 3), *density_coverage(real, fake, 3))
    assert prdc(real, fake, 3, radii(real, 3)) == prdc(real, fake, 3)


def test_fewer_fakes_than_neighbours_are_enough_for_balls_around_reals(features):
    assert density_coverage(features(2, 30, 4), features(2, 30, 4)[:2], 5)[0] > 0


def test_what_it_cannot_use(features):
    x = features(0, 20, 4)
    with pytest.raises(MetricError, match="20 neighbours need more than 20 samples, got 20"):
        density_coverage(x, x, 20)
    with pytest.raises(MetricError, match="real features have 4 dimensions, fake ones 5"):
        density_coverage(x, features(0, 20, 5))
    with pytest.raises(MetricError, match="fake features hold 80 NaN"):
        density_coverage(x, x * torch.nan)


def test_pinned(features):
    x = features(20, 400, 8)
    assert density_coverage(x[:200], x[200:]) == (pytest.approx(1.047, rel=1e-12), pytest.approx(0.965, rel=1e-12))
