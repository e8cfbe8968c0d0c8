"""Events of a record by the epoch at which each kind is first seen. A kind that comes again counts where it came first."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ganzoo.spec.metric_names import EPOCH_OF

FROM_THE_BEGINNING = ("nan", "modes-lost", "d-saturated")  # looked for in every record; the others since cases have a `watch`
WITH_BALANCE = ("all-real",)  # found in D's mean outputs, which only the rule 'self' logs


def looked_for(record: Mapping, kind: str) -> bool:
    """Whether the run would have told of such an event, so that its absence means something."""
    if kind in WITH_BALANCE:
        return bool(record.get("balance"))
    return kind in FROM_THE_BEGINNING or "watch" in record["resolved"]


def first_seen(record: Mapping, last_step: float) -> dict[str, float]:
    """kind → epoch of its first step, of the events up to a step: as the run found them there, or else the whole training's."""
    found: dict[str, float] = {}
    by_end = record.get("events_by_end") or {}
    events = by_end.get(f"{last_step:.0f}", record.get("events")) if math.isfinite(last_step) else record.get("events")
    for event in sorted(events or [], key=lambda event: event["step"]):
        if event["step"] <= last_step:
            found.setdefault(event["kind"], epoch_of(record, event))
    return found


def epoch_of(record: Mapping, event: Mapping) -> float:
    """The event's epoch; older records tell only its step, and the evaluations how many steps an epoch has. NaN where nothing does."""
    if event.get("epoch") is not None:
        return float(event["epoch"])
    evaluated = [entry for entry in record.get("evaluations") or [] if entry.get("step") and entry["epoch"]]
    if evaluated:
        return event["step"] * evaluated[-1]["epoch"] / evaluated[-1]["step"]
    count = (record.get("data") or {}).get("count")
    per_epoch = count // record["resolved"]["train"]["batch_size"] if count else 0
    return event["step"] / per_epoch if per_epoch else math.nan


def epochs(record: Mapping, last_step: float) -> dict[str, float]:
    """epoch_of_<event> → epoch, infinite where it never came up to that step; without those that the run did not look for."""
    seen = first_seen(record, last_step)
    return {metric: seen.get(kind, math.inf) for metric, kind in EPOCH_OF.items() if looked_for(record, kind)}
