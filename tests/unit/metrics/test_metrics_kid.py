"""KID: the unbiased estimator over all pairs."""

from __future__ import annotations

import importlib
import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch

from ganzoo.metrics import MetricError, kid, kid_subsets

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


def wide_features(seed: int, count: int, dim: int = 2048) -> torch.Tensor:
    """As Inception's: none negative, mean 0.4, a long tail, some nearly always off."""
    random = np.random.RandomState(seed)
    return torch.from_numpy(random.gamma(0.6, 0.7, (count, dim)) * np.linspace(0.1, 1.9, dim)).float()


def test_products_in_float32_move_wide_features_by_far_less_than_a_millionth():
    x, y = wide_features(10, 700), wide_features(11, 1100) * 1.05
    assert kid_module.working_dtype(x, y) == torch.float32
    exact = kid(x.double(), y.double())
    assert exact > 1e-3
    assert kid(x, y) == pytest.approx(exact, abs=2e-8)


def test_they_do_so_whatever_is_allowed_elsewhere():
    """A program that lets its matrix products be rounded to bfloat16 does not round ours."""
    x, y = wide_features(12, 60), wide_features(13, 50)
    exact, before = kid(x, y), torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        assert kid(x, y) == pytest.approx(exact, abs=1e-7)
    finally:
        torch.set_float32_matmul_precision(before)


def test_without_onednn(monkeypatch):
    x, y = wide_features(12, 60), wide_features(13, 50)
    exact = kid(x.double(), y.double())
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    assert kid(x, y) == pytest.approx(exact, abs=1e-7)


def test_only_wide_float32_features_are_multiplied_in_float32(features):
    narrow = features(0, 4, 16)
    assert kid_module.working_dtype(narrow.float()) == kid_module.working_dtype(wide_features(0, 4).double()) == torch.float64
    assert kid_module.working_dtype(wide_features(0, 4), wide_features(0, 4).double()) == torch.float64


def test_numpy_and_half_precision(features):
    x, y = features(14, 30, 6).half(), features(15, 40, 6).half()
    assert kid(x.numpy(), y) == kid(x.double(), y.double().numpy())


MEMORY = """
import resource, torch
from ganzoo.metrics import kid
x, y = torch.ones(50_000, 1), torch.ones(3_000, 1)
kid(x[:2000], y[:2000])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
kid(x, y, real_term=8.0)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_memory_does_not_grow_with_the_samples():
    """A row of tiles alone, 1024 × 50,000 float64, would be 400 MB. Features of one dimension make it quick."""
    done = subprocess.run([sys.executable, "-c", MEMORY], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 200, f"{done.stdout} MB more at 50,000 × 3,000 than at 2,000 × 2,000"


def test_subsets_are_the_full_statistic_of_what_is_drawn(features):
    """numpy's RandomState: the fakes are drawn first, then the reals."""
    real, fake = features(16, 60, 5), features(17, 80, 5)
    found, random = kid_subsets(real, fake, subsets=4, size=30, seed=7), np.random.RandomState(7)
    expected = []
    for _ in range(4):
        chosen_fake, chosen_real = random.choice(80, 30, replace=False), random.choice(60, 30, replace=False)
        expected.append(by_matrix(real[chosen_real], fake[chosen_fake]))
    assert found.each == pytest.approx(expected, rel=1e-10)
    assert (found.mean, found.std) == (pytest.approx(np.mean(expected), rel=1e-10), pytest.approx(np.std(expected), rel=1e-9))


def test_a_subset_of_everything_is_the_full_statistic(features):
    real, fake = features(16, 50, 5), features(17, 50, 5)
    assert kid_subsets(real, fake, subsets=2, size=50).each == pytest.approx([kid(real, fake)] * 2, rel=1e-10)


def test_subsets_larger_than_a_side(features):
    with pytest.raises(MetricError, match=r"at least 1000 fake samples, got 80\. Give more images or size=80"):
        kid_subsets(features(16, 1000, 5), features(17, 80, 5))
    with pytest.raises(MetricError, match="0 subsets of 10 rows"):
        kid_subsets(features(16, 20, 5), features(17, 20, 5), subsets=0, size=10)


def test_what_it_cannot_use(features):
    x = features(0, 20, 4)
    with pytest.raises(MetricError, match="real features have 4 dimensions, fake ones 5"):
        kid(x, features(0, 20, 5))
    with pytest.raises(MetricError, match="fake features hold 80 NaN"):
        kid(x, x * torch.nan)
