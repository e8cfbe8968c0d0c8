"""Streaming mean and covariance in float64 (Chan, Golub & LeVeque 1979: pairwise update), so that features need not be kept."""

from __future__ import annotations

import torch
from torch import Tensor


class Moments:
    """Mean (d,) and covariance (d, d; ddof 1) of feature batches (n, d), in one pass."""

    def __init__(self, dim: int):
        self.count = 0
        self.mean = torch.zeros(dim, dtype=torch.float64)
        self.scatter = torch.zeros(dim, dim, dtype=torch.float64)  # Σ (x - mean)(x - mean)ᵀ

    def add(self, features: Tensor) -> Moments:
        x = features.to(torch.float64).cpu()
        if not len(x):
            return self
        mean = x.mean(0)
        centred = x - mean
        total = self.count + len(x)
        delta = mean - self.mean
        self.scatter += centred.T @ centred + torch.outer(delta, delta) * (self.count * len(x) / total)
        self.mean += delta * (len(x) / total)
        self.count = total
        return self

    @property
    def covariance(self) -> Tensor:
        if self.count < 2:
            raise ValueError(f"a covariance needs at least 2 samples, got {self.count}")
        return self.scatter / (self.count - 1)
