"""How much a loss still swings late in a training. Torch-free: a run records it, and the judge takes it of a part of a run."""

from __future__ import annotations

import math


def variation(losses: list[float]) -> float | None:
    """Coefficient of variation of the later half of the logged means; None where undefined."""
    return spread(losses[len(losses) // 2 :])


def spread(losses: list[float]) -> float | None:
    """Coefficient of variation: std (ddof 0) over |mean|; None for fewer than two, for values that are not finite, and for a mean of 0."""
    if len(losses) < 2 or not all(map(math.isfinite, losses)):
        return None
    mean = sum(losses) / len(losses)
    if mean == 0:
        return None
    return math.sqrt(sum((value - mean) ** 2 for value in losses) / len(losses)) / abs(mean)
