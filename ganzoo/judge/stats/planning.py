"""How many seeds would decide: the first n at which a test can reach its level, and at which it probably would.

`level` is what is left of alpha after Holm (alpha / number of claims). Attainable: the smallest p that n seeds a case can give.
Power: the share of simulated experiments, normal scatter around the observed effect, that decide at that level the way
the observed effect points; 0.8 is asked for. Observed effects of few seeds are noisy: a plan, not a promise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import comb, prod

import numpy as np
from scipy.stats import binom, norm
from scipy.stats import t as student

from ganzoo.judge.stats.equivalence import equivalences
from ganzoo.judge.stats.permutation import tails
from ganzoo.judge.stats.trend import arrangements, inversions

CAP = 64  # more seeds than this are not planned for
POWER = 0.8
EXPERIMENTS = 1000
ENUMERATED = 13_000  # arrangements a simulated experiment is still tested over; above, Student's t stands in (they agree there)


def smallest_p(n: int, paired: bool = False, m: int | None = None) -> float:
    """Smallest two-sided p of n against m (default n) seeds, or of n pairs."""
    return min(1.0, 2 / (2**n if paired else comb(n + (m or n), n)))


def smallest_p_of_trend(blocks: Sequence[Sequence[int]]) -> float:
    """Smallest two-sided p of a rank trend over blocks, each given by how many values it holds of every case."""
    return min(1.0, 2 / prod(arrangements(sizes) for sizes in blocks))


@dataclass(frozen=True)
class Plan:
    """Seeds a case: fewer than `possible` cannot decide; `likely` probably do. None: more than CAP, or no effect to plan by."""

    possible: int | None
    likely: int | None


def plan(level: float, smallest: Callable[[int], float], power: Callable[[int], float] | None) -> Plan:
    """From the smallest p and the power at the level, both as functions of the seeds a case; bisects, as power grows with n."""
    possible = next((n for n in range(2, CAP + 1) if smallest(n) <= level), None)
    if possible is None or power is None or power(CAP) < POWER:
        return Plan(possible, None)
    return Plan(possible, possible + bisect_left(range(possible, CAP), True, key=lambda n: power(n) >= POWER))


def small_sample_effect(difference: float, sd: float, degrees: int) -> float | None:
    """Standardised difference with Hedges' correction; None where no scatter is known (n = 1) or nothing differs."""
    if degrees < 1 or not np.isfinite(difference) or difference == 0:
        return None
    shrink = 1 - 3 / (4 * degrees - 1)
    return shrink * difference / sd if sd > 0 else np.copysign(np.inf, difference)


def power_of_difference(n: int, effect: float, level: float, paired: bool = False) -> float:
    """Chance that the two-sided test sees a standardised difference `effect` with n seeds a case."""
    x, y = _experiments(n, paired)
    _, less = _cheap_tails(x, y, paired, min(abs(effect), 1e3))  # x shifted down by the effect
    return float(np.mean(2 * less <= level))


def power_of_equivalence(n: int, effect: float, margin: float, level: float, paired: bool = False) -> float:
    """Chance that equivalence (|effect| < margin), or its contrary, is shown; both in units of the seeds' spread."""
    x, y = _experiments(n, paired)
    within, beyond = equivalences(x + effect, y, margin, paired, tails=_cheap_tails)
    return float(np.mean((within if abs(effect) < margin else beyond) <= level))


def power_of_trend(n: int, means: tuple[float, ...], level: float, paired: bool = False) -> float:
    """Chance that a rank trend over case means (in units of the spread) is seen, whichever way it goes."""
    k = len(means)
    values = np.random.default_rng(0).standard_normal((EXPERIMENTS, n, k)) + np.asarray(means)
    pairs = [(i, j) for i in range(k) for j in range(i + 1, k)]
    if paired:
        falls = sum((values[:, :, j] < values[:, :, i]).sum(axis=1) for i, j in pairs)
        law, most = reduce(np.convolve, [inversions([1] * k)] * n), n * len(pairs)
    else:
        falls = sum((values[:, None, :, j] < values[:, :, None, i]).sum(axis=(1, 2)) for i, j in pairs)
        law, most = _law_of_falls(n, k), n * n * len(pairs)
    p = 2 * np.cumsum(law)[np.minimum(falls, most - falls)]
    return float(max(np.mean((p <= level) & (falls < most / 2)), np.mean((p <= level) & (falls > most / 2))))


def _law_of_falls(n: int, k: int) -> np.ndarray:
    """P(falling pairs = 0, 1, …) among k cases of n trainings under the null; from 40 trainings on the normal approximation."""
    if n * k <= 40:
        return inversions([n] * k)
    total, most = n * k, n * n * k * (k - 1) // 2
    variance = (total**2 * (2 * total + 3) - k * n**2 * (2 * n + 3)) / 72
    edges = norm.cdf((np.arange(-1, most + 1) + 0.5 - most / 2) / np.sqrt(variance))
    return np.diff(edges)


def power_of_share(n: int, share: float, level: float) -> float:
    """Chance that n trainings tell an event's share from one half, by the two-sided exact binomial test."""
    k = np.arange(n + 1)
    tail = binom.sf(k - 1, n, 0.5) if share > 0.5 else binom.cdf(k, n, 0.5)
    return float(binom.pmf(k, n, share)[2 * tail <= level].sum())


def _experiments(n: int, paired: bool) -> tuple[np.ndarray, np.ndarray]:
    """Two groups (EXPERIMENTS, n) of unit scatter; for pairs the differences have unit scatter."""
    x, y = np.random.default_rng(0).standard_normal((2, EXPERIMENTS, n))
    return (x, np.zeros_like(y)) if paired else (x, y)


def _cheap_tails(x: np.ndarray, y: np.ndarray, paired: bool, shift: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """permutation.tails, or Student's t where enumerating a thousand experiments would take long."""
    n = x.shape[1]
    if (2**n if paired else comb(2 * n, n)) <= ENUMERATED:
        return tails(x, y, paired, shift)
    difference = x.mean(axis=1) - y.mean(axis=1) - shift
    spread = np.sqrt((x - y).var(axis=1, ddof=1) / n if paired else (x.var(axis=1, ddof=1) + y.var(axis=1, ddof=1)) / n)
    z, degrees = difference / spread, n - 1 if paired else 2 * n - 2
    return student.sf(z, degrees), student.cdf(z, degrees)
