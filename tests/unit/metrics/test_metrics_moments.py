"""Streaming mean and covariance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from ganzoo.metrics import MetricError, Moments

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


@pytest.mark.parametrize("cuts", [[500], [1, 499], [200, 0, 300], [100, 100, 300]])
def test_merged_parts_are_the_moments_of_the_whole(features, cuts):
    x = features(6, 500, 12) + 50
    whole, merged = Moments(12).add(x), Moments(12)
    for part in x.split(cuts):
        merged.merge(Moments(12).add(part))
    assert merged.count == 500
    assert relative(merged.mean, whole.mean) < ROUNDING
    assert relative(merged.covariance, whole.covariance) < ROUNDING


def test_merging_leaves_the_other_as_it_was(features):
    other = Moments(4).add(features(7, 30, 4))
    before = other.pack()
    Moments(4).merge(other).add(features(8, 30, 4))
    assert other.count == 30 and all(torch.equal(other.pack()[key], before[key]) for key in before)


def test_packed_and_unpacked_they_are_the_same_bit_for_bit(features, tmp_path):
    moments = Moments(6).add(features(9, 40, 6))
    save_file(moments.pack(), tmp_path / "moments.safetensors")
    back = Moments.unpack(load_file(tmp_path / "moments.safetensors"))
    assert back.count == 40 and torch.equal(back.mean, moments.mean) and torch.equal(back.scatter, moments.scatter)
    back.add(features(10, 40, 6))
    assert moments.count == 40 and moments.pack()["count"] == 40  # the copy is a copy


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scatter": None}, "'scatter' is missing"),
        ({"mean": torch.zeros(5, dtype=torch.float64)}, r"shapes \(\(\), \(5,\), \(6, 6\)\)"),
        ({"count": torch.tensor([40])}, r"shapes \(\(1,\)"),
        ({"mean": torch.zeros(6)}, "torch.float32, torch.float64, expected int64"),
        ({"count": torch.tensor(-1)}, "-1 samples"),
        ({"mean": torch.full((6,), torch.nan, dtype=torch.float64)}, "hold NaN"),
        ({"scatter": -torch.eye(6, dtype=torch.float64)}, "negative variances"),
    ],
)
def test_damaged_tensors_are_not_unpacked(features, change, message):
    packed = {**Moments(6).add(features(9, 40, 6)).pack(), **change}
    with pytest.raises(MetricError, match=message):
        Moments.unpack({key: value for key, value in packed.items() if value is not None})


def test_a_bad_batch_is_refused_and_leaves_no_trace(features):
    moments = Moments(4).add(features(11, 20, 4))
    bad = features(12, 20, 4)
    bad[3, 1] = torch.nan
    with pytest.raises(MetricError, match="1 NaN and 0 infinite values in 1 of 20 rows"):
        moments.add(bad)
    with pytest.raises(MetricError, match=r"5 dimensions, but these moments 4\. Start Moments\(5\)"):
        moments.add(features(12, 20, 5))
    with pytest.raises(MetricError, match="of 5 dimensions cannot join those of 4"):
        moments.merge(Moments(5))
    assert moments.count == 20 and relative(moments.covariance, Moments(4).add(features(11, 20, 4)).covariance) == 0


def test_a_batch_larger_than_what_is_centred_at_once(features, monkeypatch):
    x = features(13, 700, 6)
    whole = Moments(6).add(x)
    monkeypatch.setattr("ganzoo.metrics.moments.CHUNK", 100)
    chunked = Moments(6).add(x)
    assert chunked.count == 700 and relative(chunked.covariance, whole.covariance) < ROUNDING
