"""Fréchet distance between two Gaussians (Dowson & Landau 1982; as a score of GANs: Heusel et al. 2017, eq. 6)."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.metrics.moments import Moments


def frechet_distance(real: Moments, fake: Moments) -> float:
    """|μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁Σ₂)^½), in float64.

    The trace of the root is the sum of the square roots of the eigenvalues of S Σ₂ S with S = Σ₁^½, a symmetric
    matrix, so that no complex part arises and rank-deficient covariances are exact.
    """
    cov_real, cov_fake = real.covariance, fake.covariance
    values, vectors = torch.linalg.eigh(cov_real)
    root = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    product = torch.linalg.eigvalsh(root @ cov_fake @ root).clamp(min=0)
    difference = real.mean - fake.mean
    return float(difference @ difference + cov_real.trace() + cov_fake.trace() - 2 * product.sqrt().sum())


def frechet_of_features(real: Tensor, fake: Tensor) -> float:
    """The same from feature arrays (n, d) and (m, d)."""
    return frechet_distance(Moments(real.shape[1]).add(real), Moments(fake.shape[1]).add(fake))
