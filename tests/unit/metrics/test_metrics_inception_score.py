"""The inception score on logits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from ganzoo.metrics import InceptionScore, MetricError, inception_score


def one_hot(labels, classes: int, confidence: float = 100.0) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.as_tensor(labels), classes) * confidence


def by_definition(logits: np.ndarray, splits: int) -> list[float]:
    """Salimans et al. (2016), §4, on equal parts."""
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return [math.exp((part * np.log(part / part.mean(0))).sum(1).mean()) for part in np.split(p, splits)]


@pytest.mark.parametrize("splits", [1, 4])
def test_a_classifier_that_cannot_tell_scores_one(splits):
    assert inception_score(torch.full((40, 10), 3.0), splits) == (pytest.approx(1, rel=1e-14), pytest.approx(0, abs=1e-14), [1.0] * splits)


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_certain_and_balanced_scores_the_number_of_classes(classes):
    mean, spread, _ = inception_score(one_hot(list(range(classes)) * 6, classes), 3)
    assert mean == pytest.approx(classes, rel=1e-12)
    assert spread == pytest.approx(0, abs=1e-12 * classes)


def test_certain_of_one_class_only_scores_one():
    assert inception_score(one_hot([7] * 50, 10), 5)[0] == pytest.approx(1, rel=1e-12)


def test_two_classes_by_hand():
    """Half the samples at (a, 1 - a), half at (1 - a, a): exp(ln 2 - H(a))."""
    a = 0.8
    logits = torch.tensor([[math.log(a), math.log(1 - a)], [math.log(1 - a), math.log(a)]] * 20, dtype=torch.float64)
    entropy = -a * math.log(a) - (1 - a) * math.log(1 - a)
    assert inception_score(logits, 1)[0] == pytest.approx(math.exp(math.log(2) - entropy), rel=1e-13)


def test_each_split_against_the_definition(features):
    logits = features(0, 120, 7)
    mean, spread, each = inception_score(logits, 6)
    expected = by_definition(logits.numpy(), 6)
    assert each == pytest.approx(expected, rel=1e-12)
    assert mean == pytest.approx(np.mean(expected), rel=1e-12)
    assert spread == pytest.approx(np.std(expected, ddof=0), rel=1e-9)


def test_splits_are_contiguous():
    """Sorted by class, each split sees one class alone."""
    sorted_logits = one_hot([0] * 10 + [1] * 10, 2)
    assert inception_score(sorted_logits, 2)[2] == pytest.approx([1, 1], rel=1e-12)
    assert inception_score(sorted_logits, 1)[2] == pytest.approx([2], rel=1e-12)


def test_uneven_splits_use_every_sample_once():
    """13 into 5: parts of 2, 3, 2, 3, 3. All that a part holds of two classes shows in its score."""
    labels = [0, 1] + [0, 0, 0] + [0, 1] + [1, 1, 1] + [0, 1, 1]
    third = math.exp(-(1 / 3) * math.log(1 / 3) - (2 / 3) * math.log(2 / 3))
    assert inception_score(one_hot(labels, 2), 5)[2] == pytest.approx([2, 1, 2, 1, third], rel=1e-12)


def test_extreme_logits_stay_finite():
    assert inception_score(one_hot([0, 1, 2] * 4, 3, confidence=1e30), 1)[0] == pytest.approx(3, rel=1e-12)


def test_a_constant_added_to_a_row_changes_nothing(features):
    logits = features(1, 60, 5)
    moved = logits + torch.arange(60, dtype=torch.float64)[:, None]
    assert inception_score(moved, 3)[2] == pytest.approx(inception_score(logits, 3)[2], rel=1e-12)


def test_fewer_samples_than_splits():
    with pytest.raises(ValueError, match="10 splits need at least 10 samples, got 9"):
        inception_score(torch.zeros(9, 3), 10)


def test_pinned(features):
    mean, spread, _ = inception_score(features(20, 200, 8), 10)
    assert (mean, spread) == (pytest.approx(2.91636462897218, rel=1e-12), pytest.approx(0.247544768172627, rel=1e-12))


@pytest.mark.parametrize("batch", [1, 7, 64, 200])
@pytest.mark.parametrize("splits", [1, 10, 13])
def test_streamed_it_is_the_same(features, batch, splits):
    logits = 4 * features(2, 200, 6)
    streamed = InceptionScore(200, splits)
    for part in logits.split(batch):
        streamed.add(part)
    mean, spread, each = streamed.result()
    expected = inception_score(logits, splits)
    assert (mean, spread) == (pytest.approx(expected[0], rel=1e-12), pytest.approx(expected[1], rel=1e-12, abs=1e-12))
    assert each == pytest.approx(expected[2], rel=1e-12)


def test_an_order_cuts_the_samples_otherwise(features):
    logits, order = features(3, 103, 6), np.random.RandomState(0).permutation(103)
    found = inception_score(logits, 7, order)
    assert found == inception_score(logits[order], 7)
    assert found[2] != pytest.approx(inception_score(logits, 7)[2], rel=1e-3)
    streamed = InceptionScore(103, 7, order)
    for part in logits.split(20):
        streamed.add(part)
    assert streamed.result()[2] == pytest.approx(found[2], rel=1e-12)


@pytest.mark.parametrize("order", [[0, 1, 1], [0, 1], [1, 2, 3]])
def test_an_order_that_is_no_permutation(order):
    with pytest.raises(MetricError, match="no permutation of 3 samples"):
        inception_score(torch.zeros(3, 2), 1, np.array(order))


def test_more_or_fewer_samples_than_were_announced():
    streamed = InceptionScore(10, 2).add(torch.zeros(8, 3))
    with pytest.raises(MetricError, match="8 of 10 samples were given"):
        streamed.result()
    with pytest.raises(MetricError, match="12 samples were given, expected 10"):
        streamed.add(torch.zeros(4, 3))
    with pytest.raises(MetricError, match="4 classes after 3"):
        streamed.add(torch.zeros(2, 4))
    assert streamed.add(torch.zeros(2, 3)).result()[0] == pytest.approx(1, rel=1e-12)


def test_logits_it_cannot_use():
    with pytest.raises(MetricError, match="hold 0 NaN and 1 infinite values in 1 of 4 rows"):
        inception_score(torch.tensor([[0.0, 1], [2, 3], [torch.inf, 0], [1, 1]]), 2)
    with pytest.raises(MetricError, match=r"logits have shape \(4,\)"):
        inception_score(torch.zeros(4), 2)
