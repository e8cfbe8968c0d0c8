"""Density and coverage (Naeem et al. 2020): balls around the reals only, so that one stray fake does not open a wide ball of its own."""

from __future__ import annotations

from torch import Tensor

from ganzoo.metrics.features import Array
from ganzoo.metrics.precision_recall import Neighbourhoods, neighbourhoods, radii, sides_of


def density_coverage(real: Array, fake: Array, k: int = 5, real_radii: Tensor | None = None) -> tuple[float, float]:
    """(density, coverage) of features (n, d), (m, d); float64. `real_radii`: known radii(real, k). MetricError where n ≤ k.

    Density: how many balls a fake lies in on average, over k; it may exceed 1. Coverage: the share of balls that hold a fake.
    A fake on the rim is inside, as in precision.
    """
    return _of(neighbourhoods(*sides_of(real, fake, k, real_radii)), k)


def prdc(real: Array, fake: Array, k: int = 5, real_radii: Tensor | None = None) -> tuple[float, float, float, float]:
    """(precision, recall, density, coverage) at one k, from one pass over the distances between the sides."""
    real, fake, real_radii = sides_of(real, fake, k, real_radii)
    found = neighbourhoods(real, fake, real_radii, radii(fake, k))
    return float((found.balls_around_fakes > 0).double().mean()), float(found.reals_covered.double().mean()), *_of(found, k)


def _of(found: Neighbourhoods, k: int) -> tuple[float, float]:
    return float(found.balls_around_fakes.double().mean() / k), float(found.reals_reached.double().mean())
