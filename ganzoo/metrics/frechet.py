"""Fréchet distance between two Gaussians (Dowson & Landau 1982; as a score of GANs: Heusel et al. 2017, eq. 6).

    |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½)

The trace of the root is all the work. With Σ = FᵀF it is the nuclear norm of F₁F₂ᵀ: no complex part arises, and no rounding error
is put under a root where a covariance is rank-deficient. Where both are safely of full rank, the roots of the eigenvalues of
L₁ᵀΣ₂L₁ (Σ₁ = L₁L₁ᵀ) are the same numbers for less work.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import torch
from scipy.linalg.lapack import dsygst
from torch import Tensor

from ganzoo.metrics.features import Array, MetricWarning, as_rows, check_dims
from ganzoo.metrics.moments import Moments, moments_of

EPS = torch.finfo(torch.float64).eps
LEAST_PIVOT = 1e-10  # of a Cholesky factor's squared pivots, relative to the largest: below, it is all rounding
ROOT_ERROR = 1e-9  # of the traces: the error that roots of rounded eigenvalues may add, at most, on the quick way


@dataclass(frozen=True)
class Frechet:
    """The distance, with what should be known about it."""

    value: float
    warnings: tuple[MetricWarning, ...] = ()


@dataclass(frozen=True)
class Side:
    """One Gaussian: mean (d,), variances (d,), and either Σ (d, d) or rows F (r, d) with Σ = FᵀF, r < d; float64, CPU."""

    count: int
    mean: Tensor
    variance: Tensor
    covariance: Tensor | None = None
    rows: Tensor | None = None

    def only(self, kept: Tensor) -> Side:
        """Without the dimensions that `kept` (d,) leaves out."""
        covariance = None if self.covariance is None else self.covariance[kept][:, kept]
        return Side(self.count, self.mean, self.variance[kept], covariance, None if self.rows is None else self.rows[:, kept])


def side_of(features: Array | Moments, name: str) -> Side:
    if not isinstance(features, Moments):
        x = as_rows(features, name, least=2, purpose="a covariance")
        if len(x) <= x.shape[1]:  # the samples themselves are the smaller factor, and the exact one
            x = x.to(torch.float64).cpu()
            mean = x.mean(0)
            rows = (x - mean) / math.sqrt(len(x) - 1)
            return Side(len(x), mean, rows.square().sum(0), rows=rows)
    moments = moments_of(features, name)
    covariance = moments.covariance
    return Side(moments.count, moments.mean, covariance.diagonal(), covariance)


def factor(covariance: Tensor) -> Tensor:
    """F (d, r) with F Fᵀ = covariance (d, d) and r its numerical rank."""
    values, vectors = torch.linalg.eigh(covariance)
    keep = values > values[-1].clamp(min=0) * len(values) * EPS
    return vectors[:, keep] * values[keep].sqrt()


def cholesky(side: Side) -> Tensor | None:
    """Lower L (d, d) with Σ = LLᵀ, or None where Σ is not safely of full rank."""
    if side.covariance is None:
        return None
    lower, failed = torch.linalg.cholesky_ex(side.covariance)
    if int(failed):
        return None
    pivots = lower.diagonal().square() / side.variance  # the share of each variance that the dimensions before do not explain
    return lower if float(pivots.min()) > LEAST_PIVOT else None


def root_trace(real: Side, fake: Side) -> tuple[float, list[str]]:
    """tr (Σ₁Σ₂)^½, and which sides ("real", "fake") are not of full rank though they have more samples than dimensions."""
    lower = [cholesky(side) for side in (real, fake)]
    if lower[0] is not None and lower[1] is not None:
        inner, _ = dsygst(fake.covariance.numpy(), lower[0].numpy(), itype=2, lower=1)  # L₁ᵀΣ₂L₁ at a quarter of two products' cost
        values = torch.linalg.eigvalsh(torch.from_numpy(inner))
        # Rounding moves each eigenvalue by about ε times the largest; what that does to its root decides.
        doubt = EPS * values[-1] / (2 * values.clamp(min=torch.finfo(torch.float64).tiny).sqrt())
        if float(doubt.sum()) < ROOT_ERROR * float(real.variance.sum() + fake.variance.sum()):
            return float(values.sqrt().sum()), []
    rows, deficient = [], []
    for side, low, name in zip((real, fake), lower, ("real", "fake"), strict=True):
        if low is None and side.rows is None and side.count > len(side.variance):
            deficient.append(name)
        if side.rows is not None:
            rows.append(side.rows)
        else:
            rows.append(low.T if low is not None else factor(side.covariance).T)
    return float(torch.linalg.svdvals(rows[0] @ rows[1].T).sum()), deficient


def frechet(real: Array | Moments, fake: Array | Moments) -> Frechet:
    """Fréchet distance in float64 of feature arrays (n, d), (m, d) or their Moments, in any mixture, and what is to be said of it.

    Exact for any number of samples from 2 on. MetricError for NaN, infinity, other shapes or different d.
    """
    sides = side_of(real, "real"), side_of(fake, "fake")
    check_dims(len(sides[0].mean), len(sides[1].mean))
    found, live = [], torch.ones(len(sides[0].mean), dtype=torch.bool)
    for name, side in zip(("real", "fake"), sides, strict=True):
        moving = side.variance > (1e-13 * side.mean).square()  # what rounding the mean leaves of a constant is below
        live &= moving
        if side.count <= len(side.mean):
            few = f"{side.count} {name} samples for {len(side.mean)} dimensions: the distance is exact for them, but far above its limit"
            found.append(MetricWarning("few-samples", f"{few} for many. Compare only at equal counts, or give more than {len(side.mean)}."))
        if not bool(moving.all()):
            count = int((~moving).sum())
            told = f"{count} of {len(side.mean)} {name} features are constant: the distance stands, they add to it by their means alone."
            found.append(MetricWarning("constant-features", told, count))
    difference = sides[0].mean - sides[1].mean
    value = difference @ difference + sides[0].variance.sum() + sides[1].variance.sum()
    if bool(live.any()):  # what is constant on either side adds nothing to the root
        root, deficient = root_trace(*(sides if bool(live.all()) else (side.only(live) for side in sides)))
        value = value - 2 * root
        for name in deficient:
            reason = f"some {name} features depend linearly on others"
            found.append(MetricWarning("rank-deficient", f"{reason}: their rank is deficient. The distance is exact all the same."))
    return Frechet(float(value), tuple(found))


def fid(real: Array | Moments, fake: Array | Moments) -> float:
    """`frechet(real, fake).value`; what there is to say of it goes out through `warnings.warn`. FID where the features are Inception's."""
    result = frechet(real, fake)
    for warning in result.warnings:
        warnings.warn(warning, stacklevel=2)
    return result.value


def frechet_distance(real: Moments, fake: Moments) -> float:
    """The value alone, from moments."""
    return frechet(real, fake).value


def frechet_of_features(real: Array, fake: Array) -> float:
    """The value alone, from feature arrays (n, d) and (m, d)."""
    return frechet(real, fake).value
