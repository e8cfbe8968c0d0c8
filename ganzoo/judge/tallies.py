"""Claims decided by counting: events over trainings, parameters of networks."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ganzoo.judge.evidence import AllReadings, Finding, Gap, unwatched, why_missing
from ganzoo.judge.readings import Reading, events_of, parameters_of
from ganzoo.judge.sightings import looked_for
from ganzoo.judge.stats.planning import power_of_share
from ganzoo.judge.stats.shares import Interval, clopper_pearson, majority
from ganzoo.judge.verdicts import Effect, Values
from ganzoo.judge.words import figure, listing, seeds, sentences, span
from ganzoo.spec import Cost, Event

SLACK = 1e-3  # epochs: what rounding may do to a step's


def happened(claim: Event, readings: AllReadings) -> Mapping[str, Values] | Gap:
    """case → seed → 1 or 0, up to the case's end; NaN where a run ended before the claim's window closed and had not seen it.

    A crashed training counts if it happened before the crash, else not at all. A gap where the runs of a case leave it all open: they
    had no evaluation, did not look for the event, or were too short.
    """
    found, missing = {}, []
    for case in claim.cases:
        of_seeds = readings.get(case) or {}
        outcomes = {seed: _outcome(claim, one) for seed, one in of_seeds.items() if one.status != "partial"}
        found[case] = {seed: seen for seed, seen in outcomes.items() if seen is not None}
        if not found[case]:
            missing.append(_why_open(claim, case, of_seeds))
        elif all(map(math.isnan, found[case].values())):
            last = max(one.epoch for one in of_seeds.values())
            missing.append(f"'{case}' ends at epoch {figure(last)}, before epoch {figure(_closes(claim))}: too early to tell.")
    return Gap(" ".join(missing)) if missing else found


def _outcome(claim: Event, one: Reading) -> float | None:
    """None where nothing can be said of the training at all."""
    seen = events_of(one)
    if any(kind in seen and _inside(claim, seen[kind]) for kind in claim.event):
        return 1
    still_possible = [kind for kind in claim.event if kind not in seen]
    if one.status != "finished" or any(not looked_for(one.record, kind) for kind in still_possible):
        return None
    return math.nan if still_possible and one.epoch < _closes(claim) - SLACK else 0


def _inside(claim: Event, epoch: float) -> bool:
    """Whether an event first seen at this epoch lies in the claim's window."""
    return (claim.after_epochs or 0.0) - SLACK <= epoch <= (claim.within_epochs or math.inf) + SLACK or _anytime(claim)


def _anytime(claim: Event) -> bool:
    return claim.within_epochs is None and claim.after_epochs is None


def _closes(claim: Event) -> float:
    """The epoch that a run must have reached before it can speak of an absence."""
    return claim.within_epochs or claim.after_epochs or 0.0


def _why_open(claim: Event, case: str, of_seeds: Mapping[int, Reading]) -> str:
    finished = [one for one in of_seeds.values() if one.status == "finished"]
    blind = [kind for kind in claim.event if any(not looked_for(one.record, kind) for one in finished)]
    return unwatched(case, blind[0]) if blind else why_missing(case, event_name(claim), "last", of_seeds)


def event_name(claim: Event) -> str:
    """ "nan or loss-swing, first seen by epoch 20": the kinds, and the window where there is one."""
    name, since, until = listing(claim.event, "or"), claim.after_epochs, claim.within_epochs
    if _anytime(claim):
        return name
    if since is None:
        return f"{name}, first seen by epoch {figure(until)}"
    return f"{name}, first seen " + (f"from epoch {figure(since)} to {figure(until)}" if until else f"at epoch {figure(since)} or later")


def event(claim: Event, outcomes: Mapping[str, Values], confidence: float) -> Finding:
    """`happens`: in more than half of the trainings of every case, by exact binomial test.

    `never` is refuted by one occurrence; none in n supports it once n are enough to tell the share from one half. Trainings too short
    to tell are held against either decision: as if it had happened there, and as if it had not.
    """
    tallies = {case: _tally(of_seeds) for case, of_seeds in outcomes.items()}
    tested = [_decisions(claim.expected, *tally) for tally in tallies.values()]
    shares = {case: k / n for case, (k, _, n) in tallies.items()}
    furthest = (min if claim.expected == "happens" else max)(shares, key=shares.get)  # the case that speaks most against the claim
    share, interval = shares[furthest], _bounds(*tallies[furthest], confidence)
    told = listing(f"{k} of {seeds(n)} of '{case}' {span(_bounds(k, k_most, n, confidence))}" for case, (k, k_most, n) in tallies.items())
    short = {case: k_most - k for case, (k, k_most, _) in tallies.items() if k_most > k}
    refuted = claim.expected == "never" and share > 0
    stated = share > 0.5 if claim.expected == "happens" else share == 0
    undecided = share <= 0.5 <= tallies[furthest][1] / tallies[furthest][2] and not refuted
    named = f"'{claim.event[0]}'" if claim.event == [event_name(claim)] else f"{event_name(claim)}:"
    return Finding(
        told=sentences([f"{named} in {told}.", "One occurrence refutes a never." if refuted else "", *_too_short(claim, short)]),
        supports=max(supports for supports, _ in tested),
        against=min(1.0, len(tested) * min(against for _, against in tested)),
        test=majority(0, 1).name,
        effect=Effect(f"share of trainings of '{furthest}'", share, interval),
        direction="as stated" if stated else "none" if undecided else "against",
        smallest=max(_smallest(n) for *_, n in tallies.values()),
        smallest_for=_smallest,
        power=None if share == 0.5 or short else lambda n, level: power_of_share(n, share, level),
    )


def _tally(of_seeds: Values) -> tuple[int, int, int]:
    """(trainings in which it happened, in which it may have, all)."""
    sure = sum(outcome == 1 for outcome in of_seeds.values())
    return sure, sure + sum(map(math.isnan, of_seeds.values())), len(of_seeds)


def _bounds(k: int, k_most: int, n: int, confidence: float) -> Interval:
    return clopper_pearson(k, n, confidence)[0], clopper_pearson(k_most, n, confidence)[1]


def _too_short(claim: Event, short: Mapping[str, int]) -> list[str]:
    return [
        f"{seeds(count)} of '{case}' ended before epoch {figure(_closes(claim))} without it: held against either verdict."
        for case, count in short.items()
    ]


def _decisions(expected: str, k: int, k_most: int, n: int) -> tuple[float, float]:
    """(p that the claim is true, p that it is false) from k of n, or k_most of n where that speaks more against the decision."""
    often, seldom = min(1.0, 2 * majority(k, n).greater), min(1.0, 2 * majority(k_most, n).less)
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
