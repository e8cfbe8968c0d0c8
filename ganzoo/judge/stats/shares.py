"""Shares: k of n trainings."""

from __future__ import annotations

from scipy.stats import beta, binom

from ganzoo.judge.stats.permutation import Test

Interval = tuple[float, float]


def clopper_pearson(k: float, n: int, confidence: float = 0.95) -> Interval:
    """Exact interval of a share from k of n; k may be a half (a tie)."""
    tail = (1 - confidence) / 2
    low = 0.0 if k <= 0 else float(beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k >= n else float(beta.ppf(1 - tail, k + 1, n - k))
    return low, high


def majority(k: int, n: int) -> Test:
    """Does it happen in more (`greater`), in fewer (`less`), than half of all trainings? Exact binomial test of k of n."""
    return Test("exact binomial against one half, two-sided", float(binom.sf(k - 1, n, 0.5)), float(binom.cdf(k, n, 0.5)))
