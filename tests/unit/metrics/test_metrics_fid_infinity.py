"""FID∞: the line in 1/N, its error, and the bias it takes away."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
import torch

from ganzoo.metrics import MetricError, Moments, fid, fid_infinity

module = importlib.import_module("ganzoo.metrics.fid_infinity")  # by that name the package holds the function


def test_points_on_a_line_give_its_intercept_and_no_error():
    x = [1 / n for n in (100, 200, 300, 400)]
    value, error = module.intercept(x, [7 + 30 * each for each in x])
    assert value == pytest.approx(7, rel=1e-13) and error == pytest.approx(0, abs=1e-12)


def test_least_squares_by_hand():
    """x = 0, 1, 2; y = 1, 0, 2: slope ½, intercept ½, residuals ½, -1, ½: s² = 1.5, se² = 1.5 (1/3 + 1/2)."""
    assert module.intercept([0.0, 1.0, 2.0], [1.0, 0.0, 2.0]) == (pytest.approx(0.5), pytest.approx(np.sqrt(1.5 * 5 / 6)))


def test_the_error_covers_the_intercept_as_often_as_it_says():
    """Of 400 noisy lines, about 68 % lie within one standard error (fewer with few points: Student's law with 13 degrees: 66 %)."""
    random, x = np.random.RandomState(0), 1 / np.linspace(500, 5000, 15)
    fits = [module.intercept(list(x), list(3 + 40 * x + 0.01 * random.randn(15))) for _ in range(400)]
    assert 0.58 < np.mean([abs(value - 3) < error for value, error in fits]) < 0.74


def test_it_takes_the_bias_away():
    """Both sides of N(0, 1) in 12 dimensions, the reals known exactly: the truth is 0, and a finite sample says more."""
    reals = Moments(12)
    reals.count, reals.scatter = 10**6, torch.eye(12, dtype=torch.float64) * (10**6 - 1)
    biased, unbiased = [], []
    for seed in range(6):
        fakes = torch.from_numpy(np.random.RandomState(seed).randn(900, 12))
        found = fid_infinity(reals, fakes, seed=seed)
        biased.append(fid(reals, fakes))
        unbiased.append(found.value)
    assert min(biased) > 0.03
    assert abs(np.mean(unbiased)) < np.mean(biased) / 5


def test_the_points_are_fids_of_subsets_at_evenly_spaced_sizes(features):
    real, fake = features(0, 300, 6), features(1, 210, 6)
    found = fid_infinity(real, fake, points=5, smallest=50, seed=3)
    assert [size for size, _ in found.points] == [50, 90, 130, 170, 210]
    assert found.points[-1][1] == pytest.approx(fid(real, fake), rel=1e-9)  # all of them, in another order
    first = torch.randperm(210, generator=torch.Generator().manual_seed(3))[:50]
    assert found.points[0][1] == pytest.approx(fid(real, fake[first]), rel=1e-12)
    assert (found.value, found.std_error) == module.intercept([1 / n for n, _ in found.points], [value for _, value in found.points])
    assert found.warnings == ()


def test_sizes_start_at_a_tenth(features):
    sizes = [size for size, _ in fid_infinity(features(0, 300, 4), features(1, 300, 4)).points]
    assert len(sizes) == 15 and (sizes[0], sizes[-1]) == (30, 300)


def test_the_seed_decides_the_draws(features):
    real, fake = features(0, 100, 4), features(1, 200, 4)
    assert fid_infinity(real, fake, seed=1) == fid_infinity(real, fake, seed=1) != fid_infinity(real, fake, seed=2)
    generator = torch.Generator().manual_seed(1)
    assert fid_infinity(real, fake, seed=generator) == fid_infinity(real, fake, seed=1) != fid_infinity(real, fake, seed=generator)


def test_reals_may_be_moments(features):
    real, fake = features(0, 100, 4), features(1, 200, 4)
    assert fid_infinity(Moments(4).add(real), fake) == fid_infinity(real, fake)


def test_subsets_of_fewer_samples_than_dimensions_are_said_once(features):
    found = fid_infinity(features(0, 300, 24), features(1, 200, 24))
    assert [warning.code for warning in found.warnings] == ["few-samples"]
    assert str(found.warnings[0]).startswith("20 fake samples for 24 dimensions")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": 2}, "2 points give no line with an error, expected at least 3"),
        ({"points": 40}, "40 different sizes from 4 to 40"),
        ({"smallest": 1}, "sizes from 1 to 40"),
        ({"smallest": 41}, "sizes from 41 to 40"),
    ],
)
def test_too_few_for_a_line(features, settings, message):
    with pytest.raises(MetricError, match=message):
        fid_infinity(features(0, 40, 3), features(1, 40, 3), **settings)
