"""What a claim's test is given, and what it gives back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ganzoo.judge.comparable import differing_fields
from ganzoo.judge.metrics import is_epoch_of
from ganzoo.judge.readings import Reading, values
from ganzoo.judge.sightings import WITH_BALANCE
from ganzoo.judge.stats.intervals import Interval
from ganzoo.judge.summaries import error_of
from ganzoo.judge.verdicts import ClaimKind, Effect, Values
from ganzoo.judge.words import figure, listing, seeds
from ganzoo.spec import Claim, Paired
from ganzoo.spec.metric_names import EPOCH_OF

Power = Callable[[int, float], float]  # (seeds a case, level) → chance of a decision
AllReadings = Mapping[str, Mapping[int, Reading]]  # case → seed → reading
SPARED = "An event that never came counts as later than any other; ranks are compared."
MACHINE = ("device", "device_name", "threads")  # of a record's environment: what seconds depend on


@dataclass(frozen=True)
class Gap:
    """Why there is no evidence."""

    reason: str
    differs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Evidence:
    """The values of a claim's cases, in the claim's order; of a claim about two metrics of one case, by metric."""

    values: Mapping[str, Values]
    trajectories: Mapping[str, Mapping[int, str]]  # case → seed → trajectory
    notes: list[str]

    def shared(self, first: str, second: str) -> list[int]:
        """Seeds whose two values come from one training."""
        a, b = self.trajectories[first], self.trajectories[second]
        return [seed for seed in a if seed in b and a[seed] == b[seed]]


@dataclass(frozen=True)
class Finding:
    """What a test says before the other claims are taken into account.

    `supports`, `against`: p-values of the two decisions, None where `certain` decides without chance. `smallest`: the p-value
    below which these seeds cannot come; `smallest_for(n)` the same for n seeds a case; `power(n, level)`: chance of a decision.
    """

    told: str
    supports: float | None = None
    against: float | None = None
    certain: ClaimKind | None = None
    test: str | None = None
    effect: Effect | None = None
    difference: float | None = None
    interval: Interval | None = None
    margin: float | None = None
    direction: Literal["as stated", "against", "none"] = "none"
    smallest: float = 0.0
    smallest_for: Callable[[int], float] | None = None
    power: Power | None = None

    @property
    def p(self) -> float | None:
        return None if self.supports is None or self.against is None else min(self.supports, self.against)


def gather(claim: Claim, metric: str, readings: AllReadings) -> Evidence | Gap:
    """The metric of every case of a claim; a gap where a case has none or the protocols forbid a comparison."""
    found = {case: values(readings.get(case) or {}, metric, claim.reading) for case in claim.case_names}
    missing = [why_missing(case, metric, claim.reading, readings.get(case) or {}) for case, of_seeds in found.items() if not of_seeds]
    if missing:
        return Gap(" ".join(missing))
    used = {case: {seed: readings[case][seed] for seed in of_seeds} for case, of_seeds in found.items()}
    forbidden = _timed_elsewhere(used) if metric == "seconds_per_epoch" else _measured_otherwise(used)
    if forbidden:
        return forbidden
    trajectories = {case: {seed: reading.trajectory for seed, reading in of_seeds.items()} for case, of_seeds in used.items()}
    notes = left_out(claim.case_names, readings)
    if is_epoch_of(metric):
        found, told = _censored(found, used)
        notes += told
    return Evidence(found, trajectories, notes)


def gather_metrics(claim: Paired, readings: AllReadings) -> Evidence | Gap:
    """Both metrics of every training of the claim's case that has both; a gap where none has, or the protocols differ."""
    of_seeds = readings.get(claim.case) or {}
    both = {metric: values(of_seeds, metric, claim.reading) for metric in claim.metrics}
    missing = [why_missing(claim.case, metric, claim.reading, of_seeds) for metric, found in both.items() if not found]
    if missing:
        return Gap(" ".join(dict.fromkeys(missing)))
    shared = [seed for seed in both[claim.better] if seed in both[claim.worse]]
    if not shared:
        return Gap(f"No training of '{claim.case}' measured both '{claim.better}' and '{claim.worse}'.")
    if forbidden := _measured_otherwise({claim.case: {seed: of_seeds[seed] for seed in shared}}):
        return forbidden
    notes, single = left_out([claim.case], readings), len({*both[claim.better], *both[claim.worse]}) - len(shared)
    if single:
        notes.append(f"{seeds(single)} of '{claim.case}' measured only one of the two and {'is' if single == 1 else 'are'} left out.")
    found = {metric: {seed: both[metric][seed] for seed in shared} for metric in claim.metrics}
    if any(is_epoch_of(metric) and math.inf in of_metric.values() for metric, of_metric in found.items()):
        notes.append(SPARED)
    return Evidence(found, {metric: {seed: of_seeds[seed].trajectory for seed in shared} for metric in claim.metrics}, notes)


def _censored(found: Mapping[str, Values], used: AllReadings) -> tuple[dict[str, Values], list[str]]:
    """Epochs of an event up to where the shortest run ends: what came later elsewhere cannot be told from what came never there."""
    ends = [one.epoch for of_seeds in used.values() for one in of_seeds.values()]
    end, notes = min(ends), []
    if end < max(ends):
        notes.append(f"Events count up to epoch {figure(end)}, where the shortest run ends.")
        found = {case: {seed: v if v <= end else math.inf for seed, v in of_seeds.items()} for case, of_seeds in found.items()}
    if any(math.inf in of_seeds.values() for of_seeds in found.values()):
        notes.append(SPARED)
    return dict(found), notes


def why_missing(case: str, metric: str, reading: str, of_seeds: Mapping[int, Reading]) -> str:
    """Why a case has no value at all."""
    if not of_seeds:
        return f"'{case}' was not run."
    if metric in EPOCH_OF and any(one.status == "finished" for one in of_seeds.values()):
        return unwatched(case, EPOCH_OF[metric])
    if any(one.status == "finished" for one in of_seeds.values()):
        return f"'{case}' was run, but '{metric}' was not measured at its {reading} evaluation."
    crashed = next((one for one in of_seeds.values() if one.status == "crashed"), None)
    return f"'{case}' crashed: {error_of(crashed)}." if crashed else f"'{case}' stopped before its end; run it again to go on."


def unwatched(case: str, kind: str) -> str:
    """Why an event's absence says nothing."""
    if kind in WITH_BALANCE:
        return f"'{kind}' is looked for in cases of the rule 'self' only, and '{case}' is none."
    return f"'{case}' was run before anything looked for '{kind}'; run it again."


def left_out(cases: list[str], readings: AllReadings) -> list[str]:
    """One sentence for every case of which some seeds did not reach the end."""
    told = []
    for case in cases:
        of_seeds = readings.get(case) or {}
        for status, word in (("crashed", "crashed"), ("partial", "stopped before the end")):
            count = sum(one.status == status for one in of_seeds.values())
            if count:
                told.append(f"{count} of {seeds(len(of_seeds))} of '{case}' {word} and {'is' if count == 1 else 'are'} left out.")
    return told


def _measured_otherwise(used: AllReadings) -> Gap | None:
    differs = differing_fields(one.record.get("protocol") for of_seeds in used.values() for one in of_seeds.values())
    if not differs:
        return None
    return Gap(
        f"The runs were measured under different protocols, which differ in {listing(differs)}: their numbers cannot be compared.", differs
    )


def _timed_elsewhere(used: AllReadings) -> Gap | None:
    machines = [
        {name: (one.record.get("environment") or {}).get(name) for name in MACHINE}
        for of_seeds in used.values()
        for one in of_seeds.values()
    ]
    differs = [name for name in MACHINE if len({machine[name] for machine in machines}) > 1]
    if not differs:
        return None
    return Gap(f"The runs were timed on different machines, which differ in {listing(differs)}: their seconds cannot be compared.", differs)
