"""Equivalence within a margin: two one-sided exact permutation tests on shifted samples.

Not finding a difference is no evidence of none. Equivalence is shown when x − margin lies below y and x + margin above it,
each at level alpha (TOST: Schuirmann 1987); both must succeed, so no further correction is due. The shift makes the samples
exchangeable under the null where the two laws differ in place alone; the tests measure the error rate.
"""

from __future__ import annotations

import numpy as np

from ganzoo.judge.stats.permutation import tails


def equivalence(x, y, margin: float, paired: bool = False) -> tuple[float, float]:
    """(p for |mean x − mean y| < margin, p for > margin) of the samples x (n,) and y (m,). ValueError unless margin > 0."""
    if not margin > 0:
        raise ValueError(f"an equivalence margin must be positive, got {margin}")
    within, beyond = equivalences(np.asarray(x, float)[None], np.asarray(y, float)[None], margin, paired)
    return float(within[0]), float(beyond[0])


def equivalences(
    x: np.ndarray, y: np.ndarray, margin: float | np.ndarray, paired: bool = False, tails=tails
) -> tuple[np.ndarray, np.ndarray]:
    """The same for B experiments at once: x (B, n), y (B, m), margin a number or (B,) → two arrays (B,).

    `tails` is the one-sided test; planning puts Student's there where enumerating is dear.
    """
    margin = np.asarray(margin, float)
    above_upper, below_upper = tails(x, y, paired, margin)
    above_lower, below_lower = tails(x, y, paired, -margin)
    within = np.maximum(below_upper, above_lower)
    beyond = np.minimum(1.0, 2 * np.minimum(above_upper, below_lower))  # either side: doubled
    return within, beyond
