"""The Fréchet distance: closed forms, full rank and rank-deficient."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ganzoo.metrics import Frechet, MetricError, MetricWarning, Moments, fid, frechet, frechet_distance, frechet_of_features


def gaussian(mean, covariance) -> Moments:
    """Moments that hold just these."""
    moments = Moments(len(mean))
    moments.count = 2
    moments.mean = torch.as_tensor(mean, dtype=torch.float64)
    moments.scatter = torch.as_tensor(covariance, dtype=torch.float64)
    return moments


def by_nuclear_norm(x: Tensor, y: Tensor) -> float:
    """From the samples themselves: tr (Σ₁Σ₂)^½ is the sum of the singular values of centred X₁X₂ᵀ. No covariance, no root."""
    a = (x - x.mean(0)) / math.sqrt(len(x) - 1)
    b = (y - y.mean(0)) / math.sqrt(len(y) - 1)
    shift = (x.mean(0) - y.mean(0)).square().sum()
    return float(shift + a.square().sum() + b.square().sum() - 2 * torch.linalg.svdvals(a @ b.T).sum())


def orthogonal(dim: int) -> Tensor:
    return torch.linalg.qr(torch.randn(dim, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(dim))).Q


def test_one_dimension_by_hand():
    assert frechet_distance(gaussian([1.0], [[9.0]]), gaussian([3.0], [[4.0]])) == pytest.approx((1 - 3) ** 2 + (3 - 2) ** 2, rel=1e-14)


def test_equal_laws_are_at_zero(features):
    x = features(0, 400, 24)
    assert frechet_of_features(x, x.flip(0)) == pytest.approx(0, abs=1e-10 * float(x.var(0).sum()))


def test_a_shift_alone_costs_its_square(features):
    x = features(1, 400, 24)
    shift = torch.linspace(-1, 2, 24, dtype=torch.float64)
    assert frechet_of_features(x, x + shift) == pytest.approx(float(shift.square().sum()), abs=1e-10 * float(x.var(0).sum()))


def test_diagonal_covariances():
    a, b = torch.tensor([1.0, 4.0, 9.0, 0.0]), torch.tensor([4.0, 1.0, 0.25, 16.0])
    expected = (1 - 2) ** 2 + (2 - 1) ** 2 + (3 - 0.5) ** 2 + 4**2
    found = frechet_distance(gaussian([0.0] * 4, a.diag()), gaussian([0.0] * 4, b.diag()))
    assert found == pytest.approx(expected, rel=1e-12)


def test_a_rotation_of_both_changes_nothing(features):
    x, y, turn = features(2, 300, 16), features(3, 300, 16), orthogonal(16)
    assert frechet_of_features(x @ turn, y @ turn) == pytest.approx(frechet_of_features(x, y), rel=1e-12)


def test_scaled_covariance(features):
    """Σ₂ = c²Σ₁ gives (1 - c)² tr Σ₁."""
    x = features(4, 300, 16)
    x = x - x.mean(0)
    assert frechet_of_features(x, 3 * x) == pytest.approx(4 * float(x.var(0).sum()), rel=1e-12)


def test_covariances_that_do_not_commute():
    """In the plane tr (Σ₁Σ₂)^½ = √(tr Σ₁Σ₂ + 2 √det Σ₁Σ₂)."""
    one = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    two = torch.tensor([[1.0, -0.8], [-0.8, 3.0]], dtype=torch.float64)
    assert not torch.allclose(one @ two, two @ one)
    root = math.sqrt(float((one @ two).trace()) + 2 * math.sqrt(float((one @ two).det())))
    found = frechet_distance(gaussian([0.0, 0.0], one), gaussian([1.0, 1.0], two))
    assert found == pytest.approx(2 + 3 + 4 - 2 * root, rel=1e-12)


@pytest.mark.parametrize(("n", "m", "dim"), [(300, 500, 24), (16, 16, 32), (20, 200, 64), (200, 20, 64), (90, 100, 256), (2, 2, 8)])
def test_it_is_the_nuclear_norm_formula_also_with_fewer_samples_than_dimensions(features, n, m, dim):
    x, y = features(5, n, dim), features(6, m, dim)
    assert frechet_of_features(x, y) == pytest.approx(by_nuclear_norm(x, y), rel=1e-7)


@pytest.mark.parametrize(("count", "tolerance"), [(500, 1e-12), (12, 1e-7)], ids=["full-rank", "rank-deficient"])
def test_it_is_symmetric(features, count, tolerance):
    x, y = features(7, count, 24), features(8, count, 24)
    assert frechet_of_features(x, y) == pytest.approx(frechet_of_features(y, x), rel=tolerance)


def test_features_that_never_fire_change_nothing(features):
    x, y = features(9, 300, 16), features(10, 300, 16)
    dead = torch.zeros(300, 16, dtype=torch.float64)
    assert frechet_of_features(torch.cat([x, dead], 1), torch.cat([y, dead], 1)) == pytest.approx(frechet_of_features(x, y), rel=1e-7)


def test_a_collapsed_generator_is_a_point(features):
    """Σ₂ = 0: what remains is |μ₁ - μ₂|² + tr Σ₁."""
    x = features(11, 300, 16)
    point = x[:1].expand(50, 16)
    expected = float((x.mean(0) - x[0]).square().sum() + x.var(0).sum())
    assert frechet_of_features(x, point) == pytest.approx(expected, rel=1e-12)
    assert frechet_of_features(point, x) == pytest.approx(expected, rel=1e-12)


def test_pinned(features):
    assert frechet_of_features(features(20, 200, 8), features(21, 150, 8)) == pytest.approx(59.914805423, rel=1e-9)


def test_a_collapsed_generator_on_both_sides():
    """Nothing varies anywhere: the means alone are left."""
    assert frechet_of_features(torch.ones(5, 3), torch.zeros(4, 3)) == 3


@pytest.mark.parametrize("kinds", [*itertools.product(["float16", "float32", "float64", "numpy", "moments"], repeat=2)], ids="-".join)
def test_arrays_of_any_kind_and_moments_in_any_mixture(features, kinds):
    x, y = features(12, 60, 8).half().double(), features(13, 50, 8).half().double()
    made = {"float16": torch.Tensor.half, "float32": torch.Tensor.float, "float64": torch.Tensor.double}
    made |= {"numpy": lambda side: side.numpy().astype(np.float32), "moments": lambda side: Moments(8).add(side)}
    assert fid(made[kinds[0]](x), made[kinds[1]](y)) == pytest.approx(by_nuclear_norm(x, y), rel=1e-12)


def routes(monkeypatch, x, y) -> set[str]:
    """Which solvers a distance calls."""
    called = set()
    for name in ("eigvalsh", "svdvals", "eigh"):
        solver = getattr(torch.linalg, name)
        monkeypatch.setattr(torch.linalg, name, lambda a, name=name, solver=solver: called.add(name) or solver(a))
    frechet(x, y)
    return called


def test_full_rank_goes_the_quick_way(features, monkeypatch):
    assert routes(monkeypatch, features(14, 400, 24), features(15, 300, 24)) == {"eigvalsh"}


def test_few_samples_need_no_eigenvectors(features, monkeypatch):
    """The samples are the factor: the work grows with them and not with the dimensions."""
    assert routes(monkeypatch, features(14, 20, 64), features(15, 400, 64)) == {"svdvals"}


@pytest.mark.parametrize("spread", [1e-1, 1e-3, 1e-6, 1e-9])
def test_the_quick_way_is_left_before_it_loses_digits(features, spread):
    """Standard deviations from 1 down to `spread`, the directions of either side its own: eigenvalues of the product run over spread⁴."""
    scale = torch.logspace(0, math.log10(spread), 24, dtype=torch.float64)
    x, y = features(16, 400, 24), features(17, 400, 24)
    x, y = ((side - side.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(side.T.cov())).T for side in (x, y))  # white
    x, y = x * scale @ orthogonal(24), y * scale @ orthogonal(24).T
    assert frechet_of_features(x, y) == pytest.approx(by_nuclear_norm(x, y), rel=1e-7)


def codes(result: Frechet) -> list[str]:
    return [warning.code for warning in result.warnings]


def test_nothing_is_said_of_a_sound_distance(features, recwarn):
    x, y = features(18, 100, 8), features(19, 100, 8)
    assert frechet(x, y) == Frechet(fid(x, y), ())
    assert not recwarn


@pytest.mark.parametrize("as_moments", [False, True])
def test_few_samples_are_said(features, as_moments):
    x, y = features(18, 30, 64), features(19, 100, 64)
    result = frechet(Moments(64).add(x), Moments(64).add(y)) if as_moments else frechet(x, y)
    assert codes(result) == ["few-samples"]
    assert str(result.warnings[0]).startswith("30 real samples for 64 dimensions")
    assert result.value == pytest.approx(by_nuclear_norm(x, y), rel=1e-7)


def test_constant_features_are_said_and_count_by_their_means(features):
    x, y = features(20, 100, 8), features(21, 100, 8)
    constant = torch.tensor([0.1, 7.3, 0.0], dtype=torch.float64)
    result = frechet(torch.cat([x, constant.expand(100, 3)], 1), torch.cat([y, constant[:2].expand(100, 2), y[:, :1]], 1))
    assert codes(result) == ["constant-features", "constant-features"]
    assert "3 of 11 real features are constant" in str(result.warnings[0]) and "2 of 11 fake" in str(result.warnings[1])
    assert [warning.count for warning in result.warnings] == [3, 2]
    extra = float(y[:, 0].mean() ** 2 + y[:, 0].var())
    assert result.value == pytest.approx(by_nuclear_norm(x, y) + extra, rel=1e-10)


def test_features_that_repeat_others_are_said(features):
    x, y = features(22, 100, 8), features(23, 100, 8)
    x, y = torch.cat([x, x[:, :3] - x[:, 1:4]], 1), torch.cat([y, y[:, :3]], 1)
    result = frechet(x, y)
    assert codes(result) == ["rank-deficient", "rank-deficient"]
    assert result.value == pytest.approx(by_nuclear_norm(x, y), rel=1e-7)


def test_fid_warns_through_python(features):
    x, y = features(18, 30, 64), features(19, 100, 64)
    with pytest.warns(MetricWarning, match="30 real samples for 64 dimensions") as caught:
        value = fid(x, y)
    assert value == frechet(x, y).value
    assert [warning.message for warning in caught] == list(frechet(x, y).warnings)
    assert caught[0].filename == __file__


def test_different_widths(features):
    with pytest.raises(MetricError, match="real features have 8 dimensions, fake ones 9"):
        fid(features(0, 20, 8), features(0, 20, 9))


@pytest.mark.parametrize("as_moments", [False, True])
def test_one_image_has_no_covariance(features, as_moments):
    one = Moments(8).add(features(0, 1, 8)) if as_moments else features(0, 1, 8)
    with pytest.raises(MetricError, match=r"needs at least 2 samples.*got 1"):
        fid(features(0, 20, 8), one)
