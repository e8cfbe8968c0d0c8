"""Claims decided by counting: events over trainings, parameters of networks."""

from __future__ import annotations

from collections.abc import Mapping

from ganzoo.judge.evidence import AllReadings, Finding, Gap, why_missing
from ganzoo.judge.readings import Reading, events_of, parameters_of
from ganzoo.judge.stats.planning import power_of_share
from ganzoo.judge.stats.shares import clopper_pearson, majority
from ganzoo.judge.verdicts import Effect, Values
from ganzoo.judge.words import figure, listing, seeds, span
from ganzoo.spec import Cost, Event


def happened(claim: Event, readings: AllReadings) -> Mapping[str, Values] | Gap:
    """case → seed → 1 or 0, up to the case's epoch. A crashed training counts if it happened before the crash, else not at all."""
    found = {case: _outcomes(claim.event, readings.get(case) or {}) for case in claim.cases}
    missing = [why_missing(case, claim.event, "last", readings.get(case) or {}) for case, outcomes in found.items() if not outcomes]
    return Gap(" ".join(missing)) if missing else found


def _outcomes(event: str, of_seeds: Mapping[int, Reading]) -> dict[int, int]:
    seen = {seed: int(event in events_of(one)) for seed, one in of_seeds.items() if one.status != "partial"}
    return {seed: outcome for seed, outcome in seen.items() if outcome or of_seeds[seed].status == "finished"}


def event(claim: Event, outcomes: Mapping[str, Values], confidence: float) -> Finding:
    """`happens`: in more than half of the trainings of every case, by exact binomial test.

    `never` is refuted by one occurrence; none in n supports it once n are enough to tell the share from one half.
    """
    tallies = {case: (sum(of_seeds.values()), len(of_seeds)) for case, of_seeds in outcomes.items()}
    tested = [_decisions(claim.expected, k, n) for k, n in tallies.values()]
    shares = {case: k / n for case, (k, n) in tallies.items()}
    furthest = (min if claim.expected == "happens" else max)(shares, key=shares.get)  # the case that speaks most against the claim
    share, interval = shares[furthest], clopper_pearson(*tallies[furthest], confidence)
    told = listing(f"{k} of {seeds(n)} of '{case}' {span(clopper_pearson(k, n, confidence))}" for case, (k, n) in tallies.items())
    refuted = claim.expected == "never" and share > 0
    stated = share > 0.5 if claim.expected == "happens" else share == 0
    return Finding(
        told=f"'{claim.event}' in {told}.{' One occurrence refutes a never.' if refuted else ''}",
        supports=max(supports for supports, _ in tested),
        against=min(1.0, len(tested) * min(against for _, against in tested)),
        test=majority(0, 1).name,
        effect=Effect(f"share of trainings of '{furthest}'", share, interval),
        direction="as stated" if stated else "none" if share == 0.5 and not refuted else "against",
        smallest=max(_smallest(n) for _, n in tallies.values()),
        smallest_for=_smallest,
        power=None if share == 0.5 else lambda n, level: power_of_share(n, share, level),
    )


def _decisions(expected: str, k: int, n: int) -> tuple[float, float]:
    """(p that the claim is true, p that it is false) from k of n."""
    test = majority(k, n)
    often, seldom = min(1.0, 2 * test.greater), min(1.0, 2 * test.less)
    if expected == "happens":
        return often, seldom
    return (1.0, 0.0) if k else (seldom, 1.0)


def _smallest(n: int) -> float:
    return min(1.0, 2 * 0.5**n)


def sizes(claim: Cost, readings: AllReadings) -> Mapping[str, Values] | Gap:
    """case → seed → trainable parameters. A run needs no end for that."""
    found = {case: {seed: n for seed, one in (readings.get(case) or {}).items() if (n := parameters_of(one))} for case in claim.case_names}
    missing = [case for case, counted in found.items() if not counted]
    return Gap(f"No run of {listing(missing)} counted its parameters.") if missing else found


def parameters(claim: Cost, counted: Mapping[str, Values]) -> Finding:
    """Arithmetic: the same for every seed, so no test."""
    above, below = (next(iter(counted[case].values())) for case in claim.case_names)
    ratio = above / below
    counted_as = f"{claim.numerator} has {above:,} trainable parameters, {claim.denominator} {below:,}"
    return Finding(
        told=f"{counted_as}: ratio {figure(ratio)}, stated at least {figure(claim.at_least)}.",
        certain="holds" if ratio >= claim.at_least else "contradicted",
        test="counted, no chance involved",
        effect=Effect("ratio", ratio),
        direction="as stated" if ratio >= claim.at_least else "against",
    )
