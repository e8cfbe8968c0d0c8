"""Streaming mean and covariance in float64 (Chan, Golub & LeVeque 1979: pairwise update), so that features need not be kept."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.metrics.features import Array, MetricError, as_rows

CHUNK = 8192  # rows centred at once: 8192 × 2048 float64 are 128 MiB


class Moments:
    """Mean (d,) and covariance (d, d; ddof 1) of feature batches (n, d), in one pass. Parts gathered by several processes `merge`."""

    def __init__(self, dim: int):
        self.count = 0
        self.mean = torch.zeros(dim, dtype=torch.float64)
        self.scatter = torch.zeros(dim, dim, dtype=torch.float64)  # Σ (x - mean)(x - mean)ᵀ

    @property
    def dim(self) -> int:
        return len(self.mean)

    def add(self, features: Array) -> Moments:
        """Takes in a batch (n, d) of any float dtype, n ≥ 0. MetricError, and nothing taken in, for another d, NaN or infinity."""
        features = as_rows(features, "given", least=0)
        if features.shape[1] != self.dim:
            found = f"features have {features.shape[1]} dimensions, but these moments {self.dim}"
            raise MetricError(f"{found}. Start Moments({features.shape[1]}).")
        for rows in features.split(CHUNK):
            if len(rows):
                x = rows.to(torch.float64).cpu()
                mean = x.mean(0)
                centred = x - mean
                self._join(len(x), mean, centred.T @ centred)
        return self

    def merge(self, other: Moments) -> Moments:
        """Takes in what `other` has seen; `other` stays as it is."""
        if other.dim != self.dim:
            raise MetricError(f"moments of {other.dim} dimensions cannot join those of {self.dim}. Extract both with one network.")
        if other.count:
            self._join(other.count, other.mean, other.scatter)
        return self

    def _join(self, count: int, mean: Tensor, scatter: Tensor) -> None:
        total = self.count + count
        delta = mean - self.mean
        self.scatter += scatter + torch.outer(delta, delta) * (self.count * count / total)
        self.mean += delta * (count / total)
        self.count = total

    @property
    def covariance(self) -> Tensor:
        if self.count < 2:
            raise MetricError(f"a covariance needs at least 2 samples, got {self.count}. Add more features first.")
        return self.scatter / (self.count - 1)

    def pack(self) -> dict[str, Tensor]:
        """Plain tensors to send or to store (safetensors takes them): count () int64, mean (d,), scatter (d, d) float64."""
        return {"count": torch.tensor(self.count), "mean": self.mean.clone(), "scatter": self.scatter.clone()}

    @classmethod
    def unpack(cls, packed: dict[str, Tensor]) -> Moments:
        """The inverse of `pack`, bit for bit. MetricError for anything that no `pack` can have made."""
        try:
            count, mean, scatter = packed["count"], packed["mean"], packed["scatter"]
        except KeyError as missing:
            raise MetricError(f"packed moments hold {sorted(packed)}, {missing} is missing. Gather the statistics again.") from None
        shapes = tuple(count.shape), tuple(mean.shape), tuple(scatter.shape)
        if shapes != ((), (mean.numel(),), (mean.numel(), mean.numel())):
            raise MetricError(f"packed moments have shapes {shapes}, expected (), (d,), (d, d). Gather the statistics again.")
        if (count.dtype, mean.dtype, scatter.dtype) != (torch.int64, torch.float64, torch.float64):
            found = f"{count.dtype}, {mean.dtype}, {scatter.dtype}"
            raise MetricError(f"packed moments are of {found}, expected int64, float64, float64. Gather the statistics again.")
        if int(count) < 0 or not bool(mean.isfinite().all() & scatter.isfinite().all()) or bool((scatter.diagonal() < 0).any()):
            found = f"packed moments of {int(count)} samples hold NaN, infinite values or negative variances"
            raise MetricError(f"{found}, expected a count and finite sums. Gather the statistics again.")
        moments = cls(mean.numel())
        moments.count, moments.mean, moments.scatter = int(count), mean.detach().cpu().clone(), scatter.detach().cpu().clone()
        return moments


def moments_of(features: Array | Moments, name: str = "given") -> Moments:
    """Moments of a feature array (n, d), or the moments themselves; n ≥ 2."""
    if isinstance(features, Moments):
        if features.count < 2:
            raise MetricError(f"a covariance needs at least 2 samples, got {features.count} ({name} moments). Add more features first.")
        return features
    rows = as_rows(features, name, least=2, purpose="a covariance")
    return Moments(rows.shape[1]).add(rows)
