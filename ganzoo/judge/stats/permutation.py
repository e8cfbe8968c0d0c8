"""Exact permutation tests on seed-level values, vectorised over experiments so that the tests can calibrate them.

Independent samples: the group labels are permuted. Pairs (two readings of one trajectory): the sign of each difference is
flipped. Statistic: the mean difference; where any value is infinite (a diverged training, an event that never came: see
metrics.badness) the midranks instead, in which all diverged trainings tie for the last place, and all that an event spared for the
first. Which of the two is used depends on the pooled values alone, never on the labels, so the test stays exact.

Exact means: if the two laws are the same, p ≤ α comes up with a chance of α at most. Laws with equal means and very unequal
spreads are another matter (6.5 % instead of 5 % for spreads of 3 to 1 and six seeds a case).

Source: Ernst, Permutation Methods: A Basis for Exact Inference, Statist. Sci. 19(4), 2004; the +1 of Monte Carlo p-values:
Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9(1), 2010.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, combinations, product
from math import comb

import numpy as np
from scipy.stats import rankdata

LIMIT = 200_000  # arrangements that are enumerated; above, DRAWS random ones
DRAWS = 49_999
BLOCK = 8_000_000  # entries of the (experiments, arrangements) table held at once


@dataclass(frozen=True)
class Test:
    """p-values of one comparison; `greater` speaks for "x lies above y"."""

    name: str
    greater: float
    less: float

    @property
    def two_sided(self) -> float:
        return min(1.0, 2 * min(self.greater, self.less))


def compare(x, y, paired: bool = False) -> Test:
    """Test of the samples x (n,) and y (m,); with `paired`, x[i] and y[i] come from one trajectory."""
    x, y = np.asarray(x, float), np.asarray(y, float)
    count = 2 ** len(x) if paired else comb(len(x) + len(y), len(x))
    greater, less = tails(x[None], y[None], paired)
    design = "within trajectories" if paired else "of independent trainings"
    ranks = "" if np.isfinite(x).all() and np.isfinite(y).all() else ", on ranks"
    return Test(f"{kind(count <= LIMIT)} {design}{ranks}, two-sided", float(greater[0]), float(less[0]))


def kind(exact: bool) -> str:
    return "exact permutation test" if exact else f"permutation test ({DRAWS:,} seeded draws)"


def tails(x: np.ndarray, y: np.ndarray, paired: bool = False, shift: float | np.ndarray = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(p that x − shift lies above y, p that it lies below) for each of B experiments: x (B, n), y (B, m) → (B,), (B,)."""
    shift = np.reshape(shift, (-1, 1))
    if paired:
        return _tails_of_signs(pair_differences(x, y) - shift)
    return _tails_of_labels(x - shift, y)


def pair_differences(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x − y, where two equal infinities (both diverged) differ by nothing."""
    with np.errstate(invalid="ignore"):
        return np.where(x == y, 0.0, x - y)


def _tails_of_labels(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pooled = np.concatenate([x, y], axis=1)
    diverged = ~np.isfinite(pooled).all(axis=1)
    if diverged.any():
        pooled[diverged] = rankdata(pooled[diverged], axis=1)
    members, exact = splits(x.shape[1], y.shape[1])
    return _tail_shares(pooled - pooled.mean(axis=1, keepdims=True), _first(x.shape[1], pooled.shape[1]), members, exact)


def _tails_of_signs(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    d = differences.copy()
    diverged = ~np.isfinite(d).all(axis=1)
    if diverged.any():
        d[diverged] = np.sign(d[diverged]) * rankdata(np.abs(d[diverged]), axis=1)
    flips, exact = signs(d.shape[1])
    return _tail_shares(d, np.ones(d.shape[1]), flips, exact)


def _tail_shares(values: np.ndarray, observed: np.ndarray, arrangements: np.ndarray, exact: bool) -> tuple[np.ndarray, np.ndarray]:
    """Shares of arrangements (S, N) whose weighted sum of values (B, N) is at least, at most, the observed one's."""
    greater, less = np.empty(len(values)), np.empty(len(values))
    step = max(1, BLOCK // len(arrangements))
    for start in range(0, len(values), step):
        part = values[start : start + step]
        sums = part @ arrangements.T  # (b, S)
        own = (part @ observed)[:, None]
        tolerance = 1e-9 * np.abs(part).max(axis=1, keepdims=True)  # equal sums added in another order are ties
        greater[start : start + step] = (sums >= own - tolerance).sum(axis=1)
        less[start : start + step] = (sums <= own + tolerance).sum(axis=1)
    if exact:
        return greater / len(arrangements), less / len(arrangements)
    return (greater + 1) / (len(arrangements) + 1), (less + 1) / (len(arrangements) + 1)


def _first(n: int, total: int) -> np.ndarray:
    return (np.arange(total) < n).astype(float)


@lru_cache(maxsize=8)
def splits(n: int, m: int) -> tuple[np.ndarray, bool]:
    """0/1 rows (S, n + m), each naming n members of the first group; and whether these are all there are."""
    total, count = n + m, comb(n + m, n)
    if count <= LIMIT:
        chosen = np.fromiter(chain.from_iterable(combinations(range(total), n)), dtype=np.intp, count=count * n).reshape(count, n)
    else:
        chosen = np.random.default_rng(0).random((DRAWS, total)).argpartition(n - 1, axis=1)[:, :n]
    rows = np.zeros((len(chosen), total))
    np.put_along_axis(rows, chosen, 1.0, axis=1)
    return rows, count <= LIMIT


@lru_cache(maxsize=8)
def signs(n: int) -> tuple[np.ndarray, bool]:
    """Rows (S, n) of ±1; and whether these are all there are."""
    if 2**n <= LIMIT:
        return np.array(list(product((1.0, -1.0), repeat=n))), True
    return np.random.default_rng(0).choice([1.0, -1.0], size=(DRAWS, n)), False
