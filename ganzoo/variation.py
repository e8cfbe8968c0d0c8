"""How much a loss still swings late in a training. Torch-free: a run records it, and the judge takes it of a part of a run."""

from __future__ import annotations

import math


def variation(losses: list[float]) -> float | None:
    """Coefficient of variation (std with ddof 0, over |mean|) of the later half of the logged means; None where undefined."""
    later = losses[len(losses) // 2 :]
    if len(later) < 2 or not all(map(math.isfinite, later)):
        return None
    mean = sum(later) / len(later)
    if mean == 0:
        return None
    return math.sqrt(sum((value - mean) ** 2 for value in later) / len(later)) / abs(mean)
