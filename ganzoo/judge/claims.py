"""Claims: gather the evidence, test it, adjust by Holm over the claims that have any, and say the verdict in words.

Every claim has two decisions, "holds" and "contradicted", each wrong with a chance of alpha at most; the claim's p is that of
the nearer one. Claims decided by arithmetic take no part in Holm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ganzoo.judge.comparisons import no_difference, ordering, paired, seconds
from ganzoo.judge.evidence import AllReadings, Evidence, Finding, Gap, gather, gather_metrics, left_out
from ganzoo.judge.metrics import badness, is_epoch_of, label
from ganzoo.judge.mixtures import mixtures
from ganzoo.judge.numbers import stand_in_of
from ganzoo.judge.stats.holm import holm
from ganzoo.judge.stats.planning import CAP, POWER, Plan, plan
from ganzoo.judge.tallies import event, event_name, happened, parameters, sizes
from ganzoo.judge.trends import monotone
from ganzoo.judge.verdicts import ClaimVerdict, Values
from ganzoo.judge.words import chance, listing, scale, seeds, sentences
from ganzoo.spec import Claim, Spec


@dataclass(frozen=True)
class Tested:
    """`values` by case, or by metric for a claim about two metrics of one case."""

    finding: Finding
    values: Mapping[str, Values]
    notes: list[str]
    case: str | None = None  # the one case, where the values are by metric

    @property
    def cases(self) -> dict[str, str]:
        """The case of each key of the values."""
        return {key: self.case or key for key in self.values}


def judge_claims(spec: Spec, tier: str, readings: AllReadings, alpha: float) -> list[ClaimVerdict]:
    """One verdict a claim of the spec, in its order."""
    tested = [_test(claim, readings, 1 - (claim.alpha or alpha)) for claim in spec.claims]
    p_values = [outcome.finding.p for outcome in tested if isinstance(outcome, Tested) and outcome.finding.p is not None]
    adjusted = iter(holm(p_values))
    verdicts = []
    for claim, outcome in zip(spec.claims, tested, strict=True):
        open_ = _open(spec, claim, tier, readings, alpha)
        if isinstance(outcome, Gap):
            verdicts.append(replace(open_, reason=sentences([outcome.reason, scale(tier, open_.stand_in)]), differs=outcome.differs))
        else:
            p_holm = None if outcome.finding.p is None else next(adjusted)
            used = [readings[outcome.cases[key]][seed].record for key, of_seeds in outcome.values.items() for seed in of_seeds]
            verdicts.append(_conclude(open_, replace(outcome, notes=[*outcome.notes, *mixtures(used)]), p_holm, len(p_values)))
    return verdicts


def _test(claim: Claim, readings: AllReadings, confidence: float) -> Tested | Gap:
    if claim.kind == "event":
        outcomes = happened(claim, readings)
        if isinstance(outcomes, Gap):
            return outcomes
        return Tested(event(claim, outcomes, confidence), outcomes, [*left_out(claim.cases, readings), *_blind(outcomes, readings)])
    if claim.kind == "cost" and claim.quantity == "parameters":
        counted = sizes(claim, readings)
        return counted if isinstance(counted, Gap) else Tested(parameters(claim, counted), counted, [])
    if claim.kind == "paired":
        evidence, metrics = gather_metrics(claim, readings), {metric: metric for metric in claim.metrics}
    else:
        metric = claim.quantity if claim.kind == "cost" else claim.metric
        evidence, metrics = gather(claim, metric, readings), dict.fromkeys(claim.case_names, metric)
    if isinstance(evidence, Gap):
        return evidence
    of_kind = {"ordering": ordering, "no-difference": no_difference, "trend": monotone, "paired": paired, "cost": seconds}[claim.kind]
    case = claim.case if claim.kind == "paired" else None
    return Tested(of_kind(claim, evidence, confidence), evidence.values, notes_of(evidence, metrics), case)


def _blind(outcomes: Mapping[str, Values], readings: AllReadings) -> list[str]:
    """One sentence for every case some of whose finished runs did not look for the event."""
    told = []
    for case, of_seeds in outcomes.items():
        if blind := sum(one.status == "finished" and seed not in of_seeds for seed, one in readings[case].items()):
            of = seeds(len(readings[case]))
            told.append(f"{blind} of {of} of '{case}' did not look for it and {'is' if blind == 1 else 'are'} left out.")
    return told


def notes_of(evidence: Evidence, metrics: Mapping[str, str]) -> list[str]:
    """`metrics`: the metric that stands under each key of the evidence."""
    worst = float("inf")
    diverged = [key for key, of_seeds in evidence.values.items() if any(badness(metrics[key], v) == worst for v in of_seeds.values())]
    return [
        *evidence.notes,
        *([f"Diverged trainings of {', '.join(diverged)} count as the worst; ranks are compared."] if diverged else []),
    ]


def _open(spec: Spec, claim: Claim, tier: str, readings: AllReadings, alpha: float) -> ClaimVerdict:
    """The claim before its evidence is weighed."""
    metric = claim.quantity if claim.kind == "cost" else claim.metrics[0] if claim.metrics else None
    of_seeds = next((readings[case] for case in claim.case_names if readings.get(case)), {})
    protocol = next((one.record.get("protocol") for one in of_seeds.values() if one.record.get("protocol")), None)
    return ClaimVerdict(
        id=claim.id,
        text=claim.text,
        where=claim.where,
        kind=claim.kind,
        verdict="no evidence",
        reason="",
        metric=metric,
        label=event_name(claim) if claim.kind == "event" else listing([label(m, protocol) for m in claim.metrics or [metric]], "against"),
        cases=list(claim.case_names),
        reading=claim.reading,
        values={},
        n=dict.fromkeys(claim.metrics if claim.kind == "paired" else claim.case_names, 0),
        alpha=claim.alpha or alpha,
        tier=tier,
        stand_in=stand_in_of(spec, tier, claim.case_names, readings),
        note=claim.note,
    )


def _conclude(open_: ClaimVerdict, tested: Tested, p_holm: float | None, family: int) -> ClaimVerdict:
    finding, values, notes = tested.finding, tested.values, tested.notes
    seeds_needed = None
    if finding.certain:
        verdict, why = finding.certain, ""
    elif p_holm <= open_.alpha:
        verdict = "holds" if finding.supports <= finding.against else "contradicted"
        why = f"{_p(finding.p, p_holm, family)}: decided at {open_.alpha:g}."
    else:
        verdict, planned = "inconclusive", plan_of(finding, open_.alpha / family)
        at_hand = min(map(len, values.values()))
        needed = planned.likely or (planned.possible if finding.power is None else None)
        seeds_needed = needed if needed and needed > at_hand else None
        undecided = _undecided(finding, p_holm, open_.alpha, family)
        why = sentences([undecided, _would(planned, finding.power is not None, at_hand)])
    return replace(
        open_,
        verdict=verdict,
        reason=sentences([finding.told, why, *notes, scale(open_.tier, open_.stand_in)]),
        values=values,
        n={case: len(of_seeds) for case, of_seeds in values.items()},
        effect=finding.effect,
        difference=finding.difference,
        interval=finding.interval,
        margin=finding.margin,
        test=finding.test,
        p=finding.p,
        p_holm=p_holm,
        seeds_needed=seeds_needed,
        direction=finding.direction,
        never=_never(open_, values),
    )


def _never(open_: ClaimVerdict, values: Mapping[str, Values]) -> dict[str, int]:
    """How many trainings an event spared, where the values are its epochs; empty where none was."""
    metric_of = {key: key if open_.kind == "paired" else open_.metric for key in values}
    spared = {key: sum(v == float("inf") for v in of_seeds.values()) for key, of_seeds in values.items() if is_epoch_of(metric_of[key])}
    return spared if any(spared.values()) else {}


def plan_of(finding: Finding, level: float) -> Plan:
    power = finding.power
    return plan(level, finding.smallest_for, None if power is None else lambda n: power(n, level))


def _p(p: float, p_holm: float, family: int) -> str:
    return chance(p) if family == 1 else f"{chance(p)}, {chance(p_holm)} after Holm over {family} claims"


def _undecided(finding: Finding, p_holm: float, alpha: float, family: int) -> str:
    """Why not: too few seeds for any outcome, or not clear enough."""
    if finding.smallest <= alpha / family:
        return f"{_p(finding.p, p_holm, family)}: not decided at {alpha:g}."
    floor = f"The smallest p these seeds can give is {finding.smallest:.2g}"
    if family == 1:
        return f"{floor}, so nothing can be decided at {alpha:g}."
    return f"{floor}, {min(1.0, family * finding.smallest):.2g} after Holm over {family} claims: too few to decide at {alpha:g}."


def _would(planned: Plan, has_effect: bool, at_hand: int) -> str:
    """How many seeds would decide. What as many as are at hand could have done is no advice."""
    if planned.possible is None:
        return f"Not even {CAP} seeds a case could."
    if planned.possible > at_hand:
        earliest = f"{planned.possible} seeds a case could at the earliest"
        if not has_effect:
            return f"{earliest}."
        if planned.likely is None:
            return f"{earliest}; not even {CAP} probably would if what is observed is true."
        return f"{earliest}; {planned.likely} would with {POWER:.0%} chance if what is observed is true."
    if not has_effect or (planned.likely or CAP) <= at_hand:
        return ""
    if planned.likely is None:
        return f"Not even {CAP} seeds a case probably would if what is observed is true."
    return f"{planned.likely} seeds a case would with {POWER:.0%} chance if what is observed is true."
