"""What a claim's test is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ganzoo.judge.comparable import differing_fields
from ganzoo.judge.readings import Reading, values
from ganzoo.judge.stats.intervals import Interval
from ganzoo.judge.summaries import error_of
from ganzoo.judge.verdicts import ClaimKind, Effect, Values
from ganzoo.judge.words import listing, seeds
from ganzoo.spec import Claim

Power = Callable[[int, float], float]  # (seeds a case, level) → chance of a decision
AllReadings = Mapping[str, Mapping[int, Reading]]  # case → seed → reading
MACHINE = ("device", "device_name", "threads")  # of a record's environment: what seconds depend on


@dataclass(frozen=True)
class Gap:
    """Why there is no evidence."""

    reason: str
    differs: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Evidence:
    """The values of a claim's cases, in the claim's order."""

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
    return Evidence(found, trajectories, left_out(claim.case_names, readings))


def why_missing(case: str, metric: str, reading: str, of_seeds: Mapping[int, Reading]) -> str:
    """Why a case has no value at all."""
    if not of_seeds:
        return f"'{case}' was not run."
    if any(one.status == "finished" for one in of_seeds.values()):
        return f"'{case}' was run, but '{metric}' was not measured at its {reading} evaluation."
    crashed = next((one for one in of_seeds.values() if one.status == "crashed"), None)
    return f"'{case}' crashed: {error_of(crashed)}." if crashed else f"'{case}' stopped before its end; run it again to go on."


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
