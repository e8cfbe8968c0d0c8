"""Classes reached, and the entropy of what the fakes are taken for."""

from __future__ import annotations

import math

import pytest
import torch

from ganzoo.metrics import MetricError, mode_coverage


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


def test_classes_after_the_last_one_taken_are_not_counted_with_no_share():
    """With no least share every class counts, also those that `bincount` alone would leave out."""
    assert mode_coverage(taken_for([5, 0, 0]), 0.0)[0] == 3


def test_what_it_cannot_use():
    with pytest.raises(MetricError, match="2 NaN"):
        mode_coverage(torch.tensor([[0.0, 1.0], [torch.nan, torch.nan]]), 0.01)
    with pytest.raises(MetricError, match="needs at least 1 samples"):
        mode_coverage(torch.zeros(0, 10), 0.01)
    with pytest.raises(MetricError, match="a least share of 1.5"):
        mode_coverage(torch.zeros(5, 10), 1.5)
