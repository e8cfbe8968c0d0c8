"""Claims that compare means: ordering, two metrics of the same trainings, no difference, and cost in seconds."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np

from ganzoo.judge.evidence import Evidence, Finding, Power
from ganzoo.judge.metrics import badness
from ganzoo.judge.stats.equivalence import equivalence
from ganzoo.judge.stats.intervals import difference_interval, superiority
from ganzoo.judge.stats.permutation import compare
from ganzoo.judge.stats.planning import power_of_difference, power_of_equivalence, small_sample_effect, smallest_p
from ganzoo.judge.summaries import summary
from ganzoo.judge.verdicts import Effect
from ganzoo.judge.words import counts, described, figure, seeds, span
from ganzoo.spec import Cost, NoDifference, Ordering, Paired


class Pair:
    """Two cases side by side: raw values and badness (lower is better, diverged +inf). Paired where they share trajectories.

    Two metrics of one case stand side by side in the same way: `first` and `second` are the keys of the evidence.
    """

    def __init__(self, evidence: Evidence, first: str, second: str, *metrics: str):
        of_first, of_second = metrics * 2 if len(metrics) == 1 else metrics
        self.first, self.second = first, second
        shared = evidence.shared(first, second)
        self.paired = bool(shared)
        used = {case: {seed: v for seed, v in evidence.values[case].items() if seed in shared or not shared} for case in (first, second)}
        self.raw = tuple(np.array(list(of_seeds.values()), float) for of_seeds in used.values())
        self.bad = tuple(
            np.array([badness(metric, value) for value in raw]) for metric, raw in zip((of_first, of_second), self.raw, strict=True)
        )
        self.finite = all(np.isfinite(bad).all() for bad in self.bad)
        self.summaries = {first: summary(used[first], of_first), second: summary(used[second], of_second)}

    @property
    def difference(self) -> float | None:
        """mean(first) − mean(second) of the metric itself."""
        return float(self.raw[0].mean() - self.raw[1].mean()) if self.finite else None

    def interval(self, confidence: float):
        return difference_interval(*self.raw, self.paired, confidence)

    def spread(self) -> tuple[float, int]:
        """(standard deviation behind the difference, its degrees of freedom): of differences where paired, else pooled."""
        a, b = self.bad
        if not self.finite:
            return 0.0, 0
        if self.paired:
            return (float((a - b).std(ddof=1)), len(a) - 1) if len(a) > 1 else (0.0, 0)
        degrees = len(a) + len(b) - 2
        squares = ((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()
        return (math.sqrt(squares / degrees), degrees) if degrees > 0 else (0.0, 0)

    def power_to_order(self) -> Power | None:
        """Chance of seeing the observed difference again; None where it or its scatter is not known."""
        size = small_sample_effect(self.difference, *self.spread()) if self.finite else None
        return None if size is None else lambda n, level: power_of_difference(n, size, level, self.paired)

    def power_to_equate(self, margin: float) -> Power | None:
        """Chance of deciding equivalence at the observed difference; None where the scatter is not known."""
        spread, _ = self.spread()
        if not spread > 0:
            return None
        return lambda n, level: power_of_equivalence(n, self.difference / spread, margin / spread, level, self.paired)

    def effect(self, confidence: float) -> Effect:
        share, interval = superiority(*self.bad, self.paired, confidence)
        return Effect(f"P({self.first} better than {self.second})", share, interval)

    def told(self) -> str:
        first, second = (described(case, summed) for case, summed in self.summaries.items())
        n = {self.first: len(self.raw[0]), self.second: len(self.raw[1])}
        return f"{first} vs {second}; {counts(n)}{', from the same trainings' if self.paired else ''}."

    def smallest(self) -> float:
        return smallest_p(len(self.bad[0]), self.paired, len(self.bad[1]))


def ordering(claim: Ordering, evidence: Evidence, confidence: float) -> Finding:
    """Permutation test of the difference of means, two-sided."""
    pair = Pair(evidence, claim.better, claim.worse, claim.metric)
    return _first_is_better(pair, pair.told(), confidence)


def paired(claim: Paired, evidence: Evidence, confidence: float) -> Finding:
    """Sign-flip test of the mean difference of two metrics over the trainings of a case, two-sided. The evidence is keyed by metric."""
    pair = Pair(evidence, claim.better, claim.worse, claim.better, claim.worse)
    first, second = (described(metric, summed) for metric, summed in pair.summaries.items())
    return _first_is_better(pair, f"{first} vs {second}, training by training; {seeds(len(pair.raw[0]))} of '{claim.case}'.", confidence)


def _first_is_better(pair: Pair, told: str, confidence: float) -> Finding:
    test = compare(*pair.bad, pair.paired)
    effect = pair.effect(confidence)
    lead = pair.bad[1].mean() - pair.bad[0].mean() if pair.finite else effect.value - 0.5  # above 0: the first case is better
    return Finding(
        told=told,
        supports=min(1.0, 2 * test.less),
        against=min(1.0, 2 * test.greater),
        test=test.name,
        effect=effect,
        difference=pair.difference,
        interval=pair.interval(confidence),
        direction="as stated" if lead > 0 else "against" if lead < 0 else "none",
        smallest=pair.smallest(),
        smallest_for=lambda n: smallest_p(n, pair.paired),
        power=pair.power_to_order(),
    )


def no_difference(claim: NoDifference, evidence: Evidence, confidence: float) -> Finding:
    """Equivalence of every pair of cases within the margin. All must be within; one beyond, doubly sure, contradicts.

    A relative margin is a share of the first case's observed mean, taken as known.
    """
    first = summary(evidence.values[claim.cases[0]], claim.metric)
    margin = claim.margin if claim.margin_kind == "absolute" else claim.margin * abs(first.mean or 0.0)
    if not margin > 0:
        why = f"{described(claim.cases[0], first)} gives no mean that the margin could be a share of."
        return Finding(told=why, certain="inconclusive")
    pairs = [Pair(evidence, a, b, claim.metric) for a, b in combinations(claim.cases, 2)]
    tested = [equivalence(*pair.bad, margin, pair.paired) for pair in pairs]
    widest = max(pairs, key=lambda pair: math.inf if pair.difference is None else abs(pair.difference))
    within = widest.difference is not None and abs(widest.difference) < margin
    among = f"the widest of {len(pairs)} pairs: " if len(pairs) > 1 else ""
    apart = "" if widest.difference is None else f" They differ by {figure(abs(widest.difference))}; the margin is {figure(margin)}."
    return Finding(
        told=f"{among}{widest.told()}{apart}",
        supports=max(within for within, _ in tested),
        against=min(1.0, len(pairs) * min(beyond for _, beyond in tested)),
        test=f"equivalence: two one-sided tests, {compare(*widest.bad, widest.paired).name.removesuffix(', two-sided')}",
        effect=widest.effect(confidence),
        difference=widest.difference,
        interval=widest.interval(confidence),
        margin=margin,
        direction="as stated" if within else "against",
        smallest=max(pair.smallest() for pair in pairs) / 2,
        smallest_for=lambda n: smallest_p(n, widest.paired) / 2,
        power=widest.power_to_equate(margin),
    )


def seconds(claim: Cost, evidence: Evidence, confidence: float) -> Finding:
    """Is the ratio of seconds at least the stated one? Permutation test of the logarithms, shifted by the stated ratio."""
    pair = Pair(evidence, claim.numerator, claim.denominator, "seconds_per_epoch")
    above, below = (np.log(raw) for raw in pair.raw)
    test = compare(above - math.log(claim.at_least), below, pair.paired)
    ratio = float(np.exp(above.mean() - below.mean()))
    logs = difference_interval(above, below, pair.paired, confidence)
    interval = (math.exp(logs[0]), math.exp(logs[1])) if logs else None
    return Finding(
        told=f"{pair.told()} Ratio {figure(ratio)}{f' {span(interval)}' if interval else ''}, stated at least {figure(claim.at_least)}.",
        supports=min(1.0, 2 * test.greater),
        against=min(1.0, 2 * test.less),
        test=f"{test.name}; of log seconds",
        effect=Effect("ratio", ratio, interval),
        direction="as stated" if ratio >= claim.at_least else "against",
        smallest=pair.smallest(),
        smallest_for=lambda n: smallest_p(n, pair.paired),
    )
