"""FID without its bias (Chong & Forsyth 2020): the bias is linear in 1/N, so FIDs at several N are extrapolated to 1/N = 0."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from ganzoo.metrics.features import Array, MetricError, MetricWarning, as_rows
from ganzoo.metrics.frechet import frechet
from ganzoo.metrics.moments import Moments, moments_of


@dataclass(frozen=True)
class FidInfinity:
    """The intercept, its standard error, what was fitted, and what is to be said of it.

    The error is the fit's. The subsets come from one sample and share rows, so it does not say how another sample would move the value.
    """

    value: float
    std_error: float
    points: tuple[tuple[int, float], ...]  # (N, FID)
    warnings: tuple[MetricWarning, ...] = ()


def fid_infinity(
    real: Array | Moments, fake: Array, points: int = 15, smallest: int | None = None, seed: int | torch.Generator = 0
) -> FidInfinity:
    """FID of `real` (n, d) and `fake` (m, d) extrapolated to infinitely many fakes.

    FIDs of `points` random subsets of the fakes, of sizes evenly spaced from `smallest` (default m // 10: the paper's 5,000 of
    50,000) to m, and ordinary least squares in 1/N. `seed`: of the draws, or a CPU generator to draw on.
    """
    fake = as_rows(fake, "fake", least=2, purpose="FID∞")
    smallest = max(2, len(fake) // 10) if smallest is None else smallest
    if points < 3:
        raise MetricError(f"{points} points give no line with an error, expected at least 3. Give points=15, as the paper has it.")
    if smallest < 2 or len(fake) - smallest < points - 1:
        sizes = f"{points} different sizes from {smallest} to {len(fake)}"
        raise MetricError(f"FID∞ needs {sizes}, expected 2 ≤ smallest ≤ {len(fake)} - {points - 1}. Give more fakes or fewer points.")
    real = real if isinstance(real, Moments) else moments_of(real, "real")
    generator = seed if isinstance(seed, torch.Generator) else torch.Generator().manual_seed(seed)
    found, said = [], {}
    for size in np.linspace(smallest, len(fake), points).round().astype(int).tolist():
        chosen = torch.randperm(len(fake), generator=generator)[:size]
        result = frechet(real, fake[chosen.to(fake.device)])
        found.append((size, result.value))
        for warning in result.warnings:
            said.setdefault(warning.code, warning)  # the smallest subset's speaks for all
    value, error = intercept([1 / size for size, _ in found], [fid for _, fid in found])
    return FidInfinity(value, error, tuple(found), tuple(said.values()))


def intercept(x: list[float], y: list[float]) -> tuple[float, float]:
    """(intercept, standard error) of the least-squares line through at least three points."""
    x, y = np.array(x), np.array(y)
    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread
    value = float(y.mean() - slope * x.mean())
    residual = y - value - slope * x
    variance = float(residual @ residual) / (len(x) - 2)
    return value, math.sqrt(variance * (1 / len(x) + float(x.mean()) ** 2 / spread))
