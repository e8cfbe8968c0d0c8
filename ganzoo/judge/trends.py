"""Claims that a metric improves or worsens along ordered cases."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ganzoo.judge.evidence import Evidence, Finding, Power
from ganzoo.judge.metrics import badness
from ganzoo.judge.stats.intervals import Interval, difference_interval
from ganzoo.judge.stats.planning import power_of_trend, smallest_p_of_trend
from ganzoo.judge.stats.trend import Block, trend
from ganzoo.judge.summaries import summary
from ganzoo.judge.verdicts import Effect, Values
from ganzoo.judge.words import counts, described, figure
from ganzoo.spec import Trend

Bad = Mapping[str, Values]  # case → seed → badness


def monotone(claim: Trend, evidence: Evidence, confidence: float) -> Finding:
    """Rank trend: over whole trainings, or within trajectories as soon as two of the cases are epochs of one training."""
    bad = {case: {seed: badness(claim.metric, value) for seed, value in of_seeds.items()} for case, of_seeds in evidence.values.items()}
    blocks = trajectories(bad, evidence)
    paired = bool(blocks)
    blocks = blocks or [[(place, value) for place, case in enumerate(bad) for value in bad[case].values()]]
    test, rising = trend(blocks, "within trajectories" if paired else "over independent trainings")
    tau = -rising if claim.direction == "improves" else rising  # badness falls where the metric improves
    falls, rises = min(1.0, 2 * test.less), min(1.0, 2 * test.greater)
    supports, against = (falls, rises) if claim.direction == "improves" else (rises, falls)
    n = {case: len(of_seeds) for case, of_seeds in bad.items()}
    told = ", ".join(described(case, summary(of_seeds, claim.metric)) for case, of_seeds in evidence.values.items())
    joined = ", epochs of the same trainings" if paired else ""
    difference, interval = _last_minus_first(evidence, claim.cases[-1], claim.cases[0], confidence)
    return Finding(
        told=f"{told}; {counts(n)}{joined}. Rank trend {figure(tau)} (1: always as stated, -1: never).",
        supports=supports,
        against=against,
        test=test.name,
        effect=Effect("rank trend as stated (Kendall's τ)", tau),
        difference=difference,
        interval=interval,
        direction="as stated" if tau > 0 else "against" if tau < 0 else "none",
        smallest=smallest_p_of_trend([[1] * len(block) for block in blocks] if paired else [list(n.values())]),
        smallest_for=lambda k: smallest_p_of_trend([[1] * len(n)] * k if paired else [[k] * len(n)]),
        power=_power(bad, paired),
    )


def trajectories(bad: Bad, evidence: Evidence) -> list[Block]:
    """The values by training, for trainings that hold two of the cases or more; empty if there are none."""
    found: dict[str, list[tuple[int, float]]] = {}
    for place, (case, of_seeds) in enumerate(bad.items()):
        for seed, value in of_seeds.items():
            found.setdefault(evidence.trajectories[case][seed], []).append((place, value))
    return [block for block in found.values() if len(block) > 1]


def _last_minus_first(evidence: Evidence, last: str, first: str, confidence: float) -> tuple[float | None, Interval | None]:
    shared = evidence.shared(last, first)
    a, b = (np.array([of_seeds[seed] for seed in shared or of_seeds]) for of_seeds in (evidence.values[last], evidence.values[first]))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        return None, None
    return float(a.mean() - b.mean()), difference_interval(a, b, bool(shared), confidence)


def _power(bad: Bad, paired: bool) -> Power | None:
    """Chance of seeing the observed course again; None where its scatter is not known."""
    columns = [np.array(list(of_seeds.values())) for of_seeds in bad.values()]
    if not all(np.isfinite(column).all() for column in columns):
        return None
    means = np.array([column.mean() for column in columns])
    residuals = [column - mean for column, mean in zip(columns, means, strict=True)]
    degrees = sum(len(column) - 1 for column in columns)
    if paired:  # what a trajectory's cases have in common does not disturb the order within it
        if any(list(of_seeds) != list(next(iter(bad.values()))) for of_seeds in bad.values()):
            return None
        table = np.array(residuals)  # (cases, seeds)
        residuals, degrees = [table - table.mean(axis=0)], (len(columns) - 1) * (len(columns[0]) - 1)
    squares = sum(float((part**2).sum()) for part in residuals)
    if degrees < 1 or squares == 0:
        return None
    scaled = tuple(means / np.sqrt(squares / degrees))
    return lambda n, level: power_of_trend(n, scaled, level, paired)
