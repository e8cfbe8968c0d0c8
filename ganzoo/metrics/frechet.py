"""Fréchet distance between two Gaussians (Dowson & Landau 1982; as a score of GANs: Heusel et al. 2017, eq. 6)."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.metrics.moments import Moments


def factor(covariance: Tensor) -> Tensor:
    """F (d, r) with F Fᵀ = covariance (d, d) and r its numerical rank."""
    values, vectors = torch.linalg.eigh(covariance)
    keep = values > values[-1].clamp(min=0) * len(values) * torch.finfo(values.dtype).eps
    return vectors[:, keep] * values[keep].sqrt()


def frechet_distance(real: Moments, fake: Moments) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½), in float64.

    With Σ = F Fᵀ the trace of the root is the sum of the singular values of F₁ᵀF₂: no complex part arises, and no
    rounding error is put under a root where a covariance is rank-deficient (fewer samples than dimensions, dead features).
    """
    cov_real, cov_fake = real.covariance, fake.covariance
    root_trace = torch.linalg.svdvals(factor(cov_real).T @ factor(cov_fake)).sum()
    difference = real.mean - fake.mean
    return float(difference @ difference + cov_real.trace() + cov_fake.trace() - 2 * root_trace)


def frechet_of_features(real: Tensor, fake: Tensor) -> float:
    """The same from feature arrays (n, d) and (m, d)."""
    return frechet_distance(Moments(real.shape[1]).add(real), Moments(fake.shape[1]).add(fake))
