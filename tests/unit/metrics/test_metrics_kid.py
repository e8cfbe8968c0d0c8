"""KID: the unbiased estimator over all pairs."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pytest
import torch

from ganzoo.metrics import kid

kid_module = importlib.import_module("ganzoo.metrics.kid")  # by that name the package holds the function


def kernel(a, b) -> float:
    return (float(np.dot(a, b)) / len(a) + 1) ** 3


def by_double_loop(x, y) -> float:
    """Bińkowski et al. (2018), eq. 4, one pair at a time."""
    n, m = len(x), len(y)
    within_x = sum(kernel(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    within_y = sum(kernel(y[i], y[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    return within_x + within_y - 2 * sum(kernel(a, b) for a in x for b in y) / (n * m)


def by_matrix(x: torch.Tensor, y: torch.Tensor) -> float:
    joint = torch.cat([x, y]).double().numpy()
    gram = (joint @ joint.T / joint.shape[1] + 1) ** 3
    n, m = len(x), len(y)
    np.fill_diagonal(gram, 0)
    return gram[:n, :n].sum() / (n * (n - 1)) + gram[n:, n:].sum() / (m * (m - 1)) - 2 * gram[:n, n:].mean()


@pytest.mark.parametrize(("n", "m", "dim"), [(12, 9, 5), (9, 12, 5), (2, 2, 1), (20, 2, 3)])
def test_it_is_the_double_loop(features, n, m, dim):
    x, y = features(0, n, dim), features(1, m, dim)
    assert kid(x, y) == pytest.approx(by_double_loop(x.numpy(), y.numpy()), rel=1e-12)


def test_it_is_the_full_matrix(features):
    x, y = features(2, 400, 24), features(3, 300, 24)
    assert kid(x, y) == pytest.approx(by_matrix(x, y), rel=1e-11)


def test_by_hand():
    """k(1, 1) = 8 on both reals, k(0, ·) = 1: 8 + 1 - 2 · 1."""
    assert kid(torch.ones(2, 1), torch.zeros(2, 1)) == pytest.approx(7, rel=1e-15)


@pytest.mark.parametrize("block", [1, 7, 300])
def test_blocks_change_nothing(features, monkeypatch, block):
    x, y = features(4, 150, 8), features(5, 100, 8)
    whole = kid(x, y)
    monkeypatch.setattr(kid_module, "BLOCK", block)
    assert kid(x, y) == pytest.approx(whole, rel=1e-12)


def test_a_known_real_term_is_used(features):
    x, y = features(6, 50, 4), features(7, 40, 4)
    term = kid_module.self_term(x)
    assert kid(x, y, term) == kid(x, y)
    assert kid(x, y, term + 1.0) == pytest.approx(kid(x, y) + 1, rel=1e-12)


def test_it_is_unbiased():
    """Averaged over every sample of two from two laws on three points each, it is their squared MMD."""
    p = torch.tensor([[0.0, 1.0], [1.0, -1.0], [2.0, 0.5]])
    q = torch.tensor([[0.5, 0.0], [-1.0, 1.0], [1.5, 2.0]])
    pairs = [list(pair) for pair in itertools.product(range(3), repeat=2)]
    average = np.mean([kid(p[i], q[j]) for i in pairs for j in pairs])

    def mean_kernel(a, b):
        return np.mean([kernel(s.numpy(), t.numpy()) for s in a for t in b])

    assert average == pytest.approx(mean_kernel(p, p) + mean_kernel(q, q) - 2 * mean_kernel(p, q), rel=1e-12)


def test_halves_of_one_sample_scatter_around_zero(features):
    """The biased estimator would stay above zero every time."""
    values = []
    for seed in range(40):
        x = features(100 + seed, 60, 6)
        values.append(kid(x[:30], x[30:]) / kid_module.self_term(x))
    assert min(values) < 0 < max(values)
    assert abs(np.mean(values)) < 4 * np.std(values, ddof=1) / np.sqrt(len(values))


def test_float32_features_are_worked_in_float64(features):
    x, y = features(8, 300, 16).float() + 5, features(9, 300, 16).float() + 5
    assert kid(x, y) == kid(x.double(), y.double())
    assert kid(x, y) == pytest.approx(by_matrix(x, y), rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(1, 5), (5, 1)])
def test_it_needs_two_samples_a_side(n, m):
    with pytest.raises(ValueError, match="at least 2 samples on each side, got 1"):
        kid(torch.ones(n, 3), torch.ones(m, 3))


def test_pinned(features):
    assert kid(features(20, 200, 8), features(21, 150, 8)) == pytest.approx(223.830617689267, rel=1e-11)
