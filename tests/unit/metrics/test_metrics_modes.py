"""Classes reached, and the entropy of what the fakes are taken for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import entropy

from ganzoo.metrics import MetricError, mode_coverage
from ganzoo.metrics.modes import as_independent, coverage_of_counts, mode_divergence, share_in_modes


def taken_for(counts: list[int]) -> torch.Tensor:
    """Logits of sum(counts) samples, counts[i] of which are taken for class i."""
    labels = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return torch.nn.functional.one_hot(labels, len(counts)).float()


def test_all_classes_alike():
    assert mode_coverage(taken_for([30] * 10), 0.01) == (10, pytest.approx(math.log(10), rel=1e-14))


def test_one_class_alone():
    assert mode_coverage(taken_for([0, 0, 500, 0]), 0.01) == (1, 0.0)


def test_a_class_counts_from_its_least_share_on():
    """Of 1,000: 10 are one in a hundred, 9 are stray mistakes."""
    reached, entropy = mode_coverage(taken_for([981, 10, 9, 0]), 0.01)
    assert reached == 2
    assert entropy == pytest.approx(-sum(p * math.log(p) for p in (0.981, 0.010, 0.009)), rel=1e-13)


def test_entropy_by_hand():
    assert mode_coverage(taken_for([2, 1, 1]), 0.01)[1] == pytest.approx(1.5 * math.log(2), rel=1e-14)


def test_only_the_largest_logit_counts(features):
    logits = features(0, 200, 5)
    sharpened = torch.nn.functional.one_hot(logits.argmax(1), 5) * 9.0 - 100
    assert mode_coverage(logits, 0.01) == mode_coverage(sharpened, 0.01)
    assert mode_coverage(logits.flip(0), 0.01) == mode_coverage(logits, 0.01)


def test_with_no_least_share_one_sample_is_enough_and_none_is_not():
    assert mode_coverage(taken_for([5, 0, 0]), 0.0)[0] == 1
    assert mode_coverage(taken_for([99_999, 1, 0]), 0.0)[0] == 2


def test_what_it_cannot_use():
    with pytest.raises(MetricError, match="2 NaN"):
        mode_coverage(torch.tensor([[0.0, 1.0], [torch.nan, torch.nan]]), 0.01)
    with pytest.raises(MetricError, match="needs at least 1 samples"):
        mode_coverage(torch.zeros(0, 10), 0.01)
    with pytest.raises(MetricError, match="a least share of 1.5"):
        mode_coverage(torch.zeros(5, 10), 1.5)


def test_what_lies_in_none_is_no_mode_and_in_no_entropy():
    counts = torch.tensor([30, 30, 0, 40])
    assert coverage_of_counts(counts, 0.0, none=True) == (2, pytest.approx(math.log(2), rel=1e-14))
    assert coverage_of_counts(counts, 0.35, none=True)[0] == 0, "the share is one of all fakes"
    assert coverage_of_counts(torch.tensor([0, 0, 9]), 0.0, none=True) == (0, 0.0)
    assert share_in_modes(counts) == 0.6 and share_in_modes(torch.tensor([0, 0, 9])) == 0.0


def test_divergence_is_that_of_scipy():
    fake, real = np.array([5, 0, 15, 30]), np.array([10, 20, 30, 40])
    expected = entropy(fake, real)
    assert mode_divergence(torch.tensor(fake), torch.tensor(real)) == pytest.approx(expected, rel=1e-13)
    backwards = entropy(real, [5, 0.5, 15, 30])  # a class without reals counts as half a one
    assert mode_divergence(torch.tensor(real), torch.tensor(fake)) == pytest.approx(backwards, rel=1e-13)
    assert mode_divergence(torch.tensor(real), torch.tensor(real * 7)) == pytest.approx(0, abs=1e-15)
    with pytest.raises(MetricError, match="counts of 4 classes of the fakes, 3 of the reals"):
        mode_divergence(torch.tensor(fake), torch.tensor(real[:3]))


def test_independent_labels_are_counted_by_their_margins():
    """One triple in two digits each: the first is 0 in 3 of 4, the second in 1 of 2, the third always."""
    counts = torch.tensor([2, 0, 1, 0, 0, 0, 1, 0])  # 000, 010, 110
    a, b, c = np.array([0.75, 0.25]), np.array([0.5, 0.5]), np.array([1.0, 0.0])
    expected = 4 * np.einsum("i,j,k->ijk", a, b, c).ravel()
    assert np.allclose(as_independent(counts, 3).numpy(), expected, rtol=1e-13)
    assert as_independent(counts, 1) is counts
