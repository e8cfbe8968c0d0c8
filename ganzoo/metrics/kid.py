"""Kernel inception distance (Bińkowski et al. 2018): the unbiased squared MMD with k(x, y) = (xᵀy/d + 1)³, over all pairs."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 2048  # rows of a kernel block: 2048 × n float64 stay far below a gigabyte


def kernel_sum(x: Tensor, y: Tensor) -> float:
    """Σ k(x_i, y_j) over all pairs of rows; x (n, d), y (m, d) float64."""
    total = torch.zeros((), dtype=torch.float64)
    for rows in x.split(BLOCK):
        gram = (rows @ y.T).div_(x.shape[1]).add_(1.0)
        total += (gram * gram).mul_(gram).sum()
    return float(total)


def kernel_diagonal(x: Tensor) -> float:
    """Σ k(x_i, x_i)."""
    return float((x.square().sum(1) / x.shape[1] + 1.0).pow(3).sum())


def self_term(x: Tensor) -> float:
    """Mean of k over pairs of different rows of x (n, d); n ≥ 2."""
    n = len(x)
    if n < 2:
        raise ValueError(f"KID needs at least 2 samples on each side, got {n}")
    x = x.to(torch.float64)
    return (kernel_sum(x, x) - kernel_diagonal(x)) / (n * (n - 1))


def kid(real: Tensor, fake: Tensor, real_term: float | None = None) -> float:
    """Unbiased MMD² of features (n, d), (m, d) in float64; may be slightly negative. `real_term`: a known self_term(real)."""
    real, fake = real.to(torch.float64), fake.to(torch.float64)
    cross = kernel_sum(fake, real) / (len(real) * len(fake))
    return (self_term(real) if real_term is None else real_term) + self_term(fake) - 2 * cross
