"""Intervals for means, differences, shares and the next training. None where the values carry none (n = 1, or not finite).

Mean: Student's t. Difference: Welch's t; pairs: t of the differences. Next training: t prediction interval. Share: Clopper-
Pearson. P(first better): Newcombe's method 5. The t-intervals assume roughly normal scatter between seeds, which two or
three seeds cannot check: they say how well a value is known, the verdicts rest on the permutation tests.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm
from scipy.stats import t as student

from ganzoo.judge.stats.shares import Interval, clopper_pearson


def mean_interval(values, confidence: float = 0.95) -> Interval | None:
    """t-interval of the mean of values (n,)."""
    values = np.asarray(values, float)
    n = len(values)
    if n < 2 or not np.isfinite(values).all():
        return None
    return _around(values.mean(), values.std(ddof=1) / np.sqrt(n), n - 1, confidence)


def prediction_interval(values, confidence: float = 0.95, extra_sd: float = 0.0) -> Interval | None:
    """Where one further training should land, given values (n,).

    `extra_sd`: a spread known beforehand that its measurement adds; the two half-widths add in squares.
    """
    values = np.asarray(values, float)
    n = len(values)
    if n < 2 or not np.isfinite(values).all():
        return None
    low, high = _around(values.mean(), values.std(ddof=1) * np.sqrt(1 + 1 / n), n - 1, confidence)
    half = float(np.hypot((high - low) / 2, norm.ppf((1 + confidence) / 2) * extra_sd))
    return float(values.mean()) - half, float(values.mean()) + half


def difference_interval(x, y, paired: bool = False, confidence: float = 0.95) -> Interval | None:
    """Interval of mean(x) − mean(y): Welch's for independent samples, t of the differences for pairs."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        return None
    if paired:
        return mean_interval(x - y, confidence)
    if len(x) < 2 or len(y) < 2:
        return None
    vx, vy = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    degrees = (vx + vy) ** 2 / (vx**2 / (len(x) - 1) + vy**2 / (len(y) - 1)) if vx + vy > 0 else 1.0
    return _around(x.mean() - y.mean(), np.sqrt(vx + vy), degrees, confidence)


def _around(centre: float, scale: float, degrees: float, confidence: float) -> Interval:
    half = float(student.ppf((1 + confidence) / 2, degrees) * scale)
    return float(centre) - half, float(centre) + half


def superiority(x, y, paired: bool = False, confidence: float = 0.95) -> tuple[float, Interval]:
    """P(x < y), ties half, with its interval: the chance that a training of the first case has the lower value.

    Independent samples: Newcombe's method 5 (Stat. Med. 25, 2006), made for small samples and complete separation, but with
    Student's quantile for the normal one, which at three against three covers 90 % instead of 95 %. Pairs: the share of pairs with
    Clopper-Pearson.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    if paired:
        wins = float(np.sum(x < y) + 0.5 * np.sum(x == y))
        return wins / len(x), clopper_pearson(wins, len(x), confidence)
    share = float(np.mean((x[:, None] < y) + 0.5 * (x[:, None] == y)))
    return share, _newcombe(share, len(x), len(y), confidence)


def _newcombe(share: float, n: int, m: int, confidence: float) -> Interval:
    """The θ whose own standard error just reaches the share: |share − θ| = t·se(θ). One value against one: everything."""
    if n + m < 3:
        return 0.0, 1.0
    quantile, size = student.ppf((1 + confidence) / 2, n + m - 2), (n + m) / 2

    def excess(theta: float) -> float:
        variance = theta * (1 - theta) / (n * m) * (1 + (size - 1) * ((1 - theta) / (2 - theta) + theta / (1 + theta)))
        return abs(share - theta) - quantile * np.sqrt(variance)

    low = 0.0 if share <= 0 else float(brentq(excess, 0.0, share - 1e-12))
    high = 1.0 if share >= 1 else float(brentq(excess, share + 1e-12, 1.0))
    return low, high
