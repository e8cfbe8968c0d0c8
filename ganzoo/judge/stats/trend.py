"""Trend over ordered cases, by rank: do the values rise or fall along the order?

Statistic: concordant minus discordant pairs of values from different cases (Jonckheere 1954). Cases that are trainings of
their own form one block, permuted freely. Where cases are epochs of one trajectory, every trajectory is a block: only pairs
within it count, and values are permuted within it alone (Page's design with Jonckheere's statistic).

The number of discordant pairs has a known exact law unless values and cases repeat both: the arrangements of a multiset by
their inversions (Gaussian multinomial coefficients, MacMahon). With ties between independent trainings seeded draws stand in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from functools import reduce
from math import factorial, prod

import numpy as np

from ganzoo.judge.stats.permutation import DRAWS, Test, kind

Block = Sequence[tuple[int, float]]  # (place of the case in the order, value)


def trend(blocks: Sequence[Block], design: str) -> tuple[Test, float]:
    """The test (`greater` speaks for rising values) and τ in [−1, 1]: concordant minus discordant, over all pairs of the blocks.

    One block for independent cases; one per trajectory otherwise, in which no case stands twice. ValueError for anything else.
    `design` says which, in the test's name.
    """
    orders = [np.array([place for place, _ in block]) for block in blocks]
    values = [np.array([value for _, value in block], float) for block in blocks]
    concordant, discordant, pairs = (sum(counts) for counts in zip(*map(_pairs, orders, values), strict=True))
    tau = (concordant - discordant) / pairs if pairs else 0.0
    laws = [_law_of_discordant(order, value) for order, value in zip(orders, values, strict=True)]
    if all(law is not None for law in laws):
        law = reduce(np.convolve, laws)
        greater, less = law[: discordant + 1].sum(), law[len(law) - 1 - concordant :].sum()
        return Test(
            f"{kind(exact=True)} of Jonckheere's rank trend {design}, two-sided", min(1.0, float(greater)), min(1.0, float(less))
        ), tau
    if len(blocks) > 1:
        raise ValueError("a trajectory holds a case twice")
    greater, less = _drawn(orders[0], values[0], concordant - discordant)
    return Test(f"{kind(exact=False)} of Jonckheere's rank trend {design}, two-sided", greater, less), tau


def _law_of_discordant(order: np.ndarray, values: np.ndarray) -> np.ndarray | None:
    """P(discordant pairs = 0, 1, …) under the null; None where cases and values repeat both."""
    if len(set(order)) == len(order):
        return inversions(Counter(values.tolist()).values())
    if len(set(values)) == len(values):
        return inversions(Counter(order.tolist()).values())
    return None


def arrangements(counts: Sequence[int]) -> int:
    """Ways to hand sum(counts) different values to cases of these sizes."""
    return factorial(sum(counts)) // prod(factorial(n) for n in counts)


def inversions(sizes: Collection[int]) -> np.ndarray:
    """P(inversions = 0, 1, …) in a random arrangement of a multiset with so many equal things of each kind."""
    law, placed = [1], 0
    for size in sizes:
        for i in range(1, size + 1):  # times (1 − q^(placed+i)) / (1 − q^i)
            shift, degree = placed + i, len(law) - 1 + placed
            raised = law + [0] * shift
            for j in range(len(raised) - 1, shift - 1, -1):
                raised[j] -= raised[j - shift]
            for j in range(i, len(raised)):
                raised[j] += raised[j - i]
            law = raised[: degree + 1]
        placed += size
    total = sum(law)
    return np.array([count / total for count in law])


def _pairs(order: np.ndarray, values: np.ndarray) -> tuple[int, int, int]:
    """(concordant, discordant, all) pairs of values from different cases. Two infinite values are a tie."""
    upper = np.triu_indices(len(values), 1)
    products = _signs(order, upper) * _signs(values, upper)
    return int((products > 0).sum()), int((products < 0).sum()), int(np.count_nonzero(_signs(order, upper)))


def _signs(values: np.ndarray, upper: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """sign(later − earlier) for every pair: values (…, N) → (…, pairs)."""
    first, second = values[..., upper[0]], values[..., upper[1]]
    return (second > first).astype(np.int32) - (second < first)


def _drawn(order: np.ndarray, values: np.ndarray, observed: int) -> tuple[float, float]:
    """One-sided p-values, for rising and for falling, from random orders of the cases' labels."""
    upper = np.triu_indices(len(values), 1)
    rng, steps, sums = np.random.default_rng(0), _signs(values, upper), []
    for size in [DRAWS // 10] * 10 + [DRAWS % 10]:  # in parts: (draws, pairs) grows with the square of the seeds
        sums.append(_signs(rng.permuted(np.tile(order, (size, 1)), axis=1), upper) @ steps)
    drawn = np.concatenate(sums)
    return (np.count_nonzero(drawn >= observed) + 1) / (DRAWS + 1), (np.count_nonzero(drawn <= observed) + 1) / (DRAWS + 1)
