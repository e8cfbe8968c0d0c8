"""What a judgement holds. Every part turns into plain JSON by `as_dict`: seeds become text, values that are not finite null."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Literal

from ganzoo.judge.stats.intervals import Interval

NumberKind = Literal["reproduced", "better", "worse", "inconclusive", "incomparable", "crashed", "not run"]
ClaimKind = Literal["holds", "contradicted", "inconclusive", "no evidence"]
CaseStatus = Literal["finished", "crashed", "partial", "not run"]
Values = Mapping[int, float]  # seed → value


def plain(thing: Any) -> Any:
    """Dataclasses, mappings, sequences and numbers as what JSON knows."""
    if is_dataclass(thing):
        return {f.name: plain(getattr(thing, f.name)) for f in fields(thing)}
    if isinstance(thing, Mapping):
        return {str(name): plain(value) for name, value in thing.items()}
    if isinstance(thing, list | tuple):
        return [plain(value) for value in thing]
    if isinstance(thing, float):
        return float(thing) if math.isfinite(thing) else None
    return thing


class Plain:
    def as_dict(self) -> dict:
        return plain(self)


@dataclass(frozen=True)
class Summary(Plain):
    """One metric of one case over its seeds. `std` with ddof 1; `interval` of the mean, 95 %; None where the values give none."""

    values: Values
    n: int
    mean: float | None
    std: float | None
    interval: Interval | None
    label: str
    diverged: int = 0  # seeds whose value was not finite; then there is no mean
    never: int = 0  # seeds whose event never came, for the epoch of an event; no mean either


@dataclass(frozen=True)
class CaseResult(Plain):
    """`status`: finished if every seed's run reached the case's end, crashed or partial if none did, partial if some did."""

    case: str
    title: str
    status: CaseStatus
    seeds: Mapping[int, str]  # seed → status
    errors: Mapping[int, str]  # seed → what crashed it
    metrics: Mapping[str, Summary]  # at the last evaluation
    best: Mapping[str, Summary]  # at the evaluation that other samples chose


@dataclass(frozen=True)
class NumberVerdict(Plain):
    """A published number against ours. `predicted`: where one further training of ours would land, 95 %, the document's ± added."""

    table: str
    cell: str
    case: str  # empty where no case of the spec stands for the cell
    metric: str
    label: str
    reading: str
    verdict: NumberKind
    ours: Summary | None
    theirs: Mapping[str, Any]  # value, spread, spread_kind
    delta: float | None  # our mean − theirs
    predicted: Interval | None
    reason: str
    differs: list[str]
    source: str
    tier: str
    stand_in: str | None


@dataclass(frozen=True)
class Effect(Plain):
    name: str
    value: float | None
    interval: Interval | None = None


@dataclass(frozen=True)
class ClaimVerdict(Plain):
    """A claim and its evidence. `difference` is first case − second, of the metric itself; `interval` is the difference's, 95 %.

    `values` and `n` are by case; for a claim of kind `paired`, which has one case, by metric, the better one first. A value that is
    not finite is a diverged training; the epoch of an event that never came (`never`); of an event, a run too short to tell.
    """

    id: str
    text: str
    where: str
    kind: str
    verdict: ClaimKind
    reason: str
    metric: str | None
    label: str
    cases: list[str]
    reading: str
    values: Mapping[str, Values]
    n: Mapping[str, int]
    alpha: float
    tier: str
    stand_in: str | None
    effect: Effect | None = None
    difference: float | None = None
    interval: Interval | None = None
    margin: float | None = None
    test: str | None = None
    p: float | None = None
    p_holm: float | None = None
    seeds_needed: int | None = None
    direction: Literal["as stated", "against", "none"] = "none"
    differs: list[str] = field(default_factory=list)  # protocol fields that forbid the comparison
    note: str | None = None
    never: Mapping[str, int] = field(default_factory=dict)  # seeds whose event never came, keyed as `values`; empty for other metrics


@dataclass(frozen=True)
class Judgement(Plain):
    """All verdicts of one spec at one tier. `protocols`: every one the records were measured under, the most used first."""

    spec: str
    document: str
    tier: str
    stand_in: str | None
    numbers: list[NumberVerdict]
    claims: list[ClaimVerdict]
    cases: list[CaseResult]
    protocols: list[Mapping]
    coverage: list[Mapping]  # claims of the document that no claim of the spec judges
    set_aside: list[Mapping]  # records that were not judged, and why
    self_checks: list[Plain] = field(default_factory=list)  # the document against itself: self_consistency.SelfVerdict

    @property
    def protocol(self) -> Mapping | None:
        return self.protocols[0] if self.protocols else None

    def as_dict(self) -> dict:
        return {**plain(self), "protocol": plain(self.protocol)}
