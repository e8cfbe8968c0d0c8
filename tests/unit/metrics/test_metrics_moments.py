"""Streaming mean and covariance."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ganzoo.metrics import Moments

ROUNDING = 5e-15  # float64 sums over a few thousand rows in another order


def relative(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def streamed(parts) -> Moments:
    moments = Moments(parts[0].shape[1])
    for part in parts:
        moments.add(part)
    return moments


@pytest.mark.parametrize("batch", [1, 7, 100, 999, 3000])
def test_any_batches_give_the_moments_of_one_pass(features, batch):
    x = features(0, 3000, 24)
    one, found = Moments(24).add(x), streamed(x.split(batch))
    assert found.count == 3000
    assert relative(found.mean, one.mean) < ROUNDING
    assert relative(found.covariance, one.covariance) < ROUNDING


def test_they_are_numpys_with_ddof_1(features):
    x = features(1, 500, 16)
    found = streamed(x.split(64))
    assert relative(found.mean, torch.from_numpy(x.numpy().mean(0))) < ROUNDING
    assert relative(found.covariance, torch.from_numpy(np.cov(x.numpy(), rowvar=False, ddof=1))) < ROUNDING


def test_the_order_of_batches_does_not_matter(features):
    parts = features(2, 1000, 16).split([1, 3, 496, 200, 300])
    forwards, backwards = streamed(parts), streamed(parts[::-1])
    assert relative(backwards.mean, forwards.mean) < ROUNDING
    assert relative(backwards.covariance, forwards.covariance) < ROUNDING


def test_a_far_off_mean_costs_no_digits(features):
    """Σx² - n·mean² would lose twelve of the sixteen digits here."""
    x = features(3, 2000, 8)
    found = streamed((x + 1e6).split(128))
    assert relative(found.covariance, Moments(8).add(x).covariance) < 1e-9


def test_float32_features_are_summed_in_float64(features):
    x = features(4, 5000, 8).float() + 300
    found = streamed(x.split(50))
    assert found.mean.dtype == found.covariance.dtype == torch.float64
    assert relative(found.covariance, torch.from_numpy(np.cov(x.double().numpy(), rowvar=False))) < 1e-13


def test_the_features_are_left_as_they_were(features):
    x = features(5, 40, 4)
    before = x.clone()
    Moments(4).add(x).add(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("count", [0, 1])
def test_no_covariance_below_two_samples(count):
    moments = Moments(3)
    if count:
        moments.add(torch.ones(count, 3))
    with pytest.raises(ValueError, match=f"at least 2 samples, got {count}"):
        _ = moments.covariance
