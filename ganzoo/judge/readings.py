"""Read cases off records. One record is one trajectory; it may hold several cases, each read at its own epoch.

last: the evaluation at the case's epoch. best: the evaluation up to it with the lowest `select.frechet`, which other samples
decided than those reported. each-best: every metric at its own best evaluation, on the reported samples themselves; some documents
did it so, and it flatters. A trajectory that crashed or stopped later than a case's epoch still yields that case.
Non-finite metrics stay in, as NaN: a finished training that diverged is an outcome, not a gap. What only a case's end measures (the
probe, truncated z) has a last value and no best one.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from ganzoo.judge.choice import chosen
from ganzoo.judge.metrics import SCALARS, badness, is_measured
from ganzoo.judge.sightings import epochs, first_seen
from ganzoo.spec.metric_names import PROBES, SAMPLED, only_at_the_end, truncated
from ganzoo.variation import variation

Status = Literal["finished", "crashed", "partial"]
ReadingKind = Literal["last", "best", "each-best"]


@dataclass(frozen=True)
class Reading:
    """One case of one seed.

    `last`, `best` and `each_best` map metric → value (NaN where it was not finite), empty where it was not reached.
    """

    case: str
    seed: int
    status: Status  # of this case: finished once its epoch was evaluated, whatever came of the trajectory later
    epoch: float  # a fraction where train.max_steps cut the last one
    step: int | None  # of the evaluation at its epoch
    trajectory: str  # equal where two readings come from the same training
    last: Mapping[str, float] = field(repr=False)
    best: Mapping[str, float] = field(repr=False)
    each_best: Mapping[str, float] = field(repr=False)
    record: Mapping = field(repr=False)

    def metrics(self, kind: ReadingKind) -> Mapping[str, float]:
        return {"last": self.last, "best": self.best, "each-best": self.each_best}[kind]


def read(records: Iterable[Mapping]) -> dict[str, dict[int, Reading]]:
    """case → seed → reading. Of several records of one case and seed the one that `chosen` takes without a spec."""
    found: dict[str, dict[int, Reading]] = {}
    for record in chosen(records):
        for case in cases_of(record):
            reading = read_case(record, case)
            found.setdefault(case, {})[reading.seed] = reading
    return {case: dict(sorted(seeds.items())) for case, seeds in found.items()}


def read_case(record: Mapping, case: str) -> Reading:
    """One case off one record. KeyError if the record does not hold it."""
    epoch = cases_of(record)[case]
    evaluations = sorted(record.get("evaluations") or [], key=lambda e: e["epoch"])
    reached = [e for e in evaluations if e["epoch"] <= epoch]
    end = next((e for e in reached if e["epoch"] == epoch), None)
    status = "finished" if end else ("crashed" if record["status"] == "crashed" else "partial")
    step = end.get("step") if end else None
    of_run = _scalars(record, end) | epochs(record, _limit(step)) if end else {}
    last = _metrics(end) | _at_the_end(record, end) | of_run if end else {}
    chosen = _best(reached) if end else None
    best = {name: value for name, value in _metrics(chosen).items() if not only_at_the_end(name)} | of_run if chosen else {}
    each_best = _each_best([_metrics(e) for e in reached]) | of_run if end else {}
    return Reading(case, int(record["seed"]), status, epoch, step, trajectory_of(record), last, best, each_best, record)


def cases_of(record: Mapping) -> dict[str, float]:
    """case → the epoch at which it is read off."""
    return dict(record["cases"])


def trajectory_of(record: Mapping) -> str:
    """A name that two records share if one is only the longer training of the other: same settings, same seed."""
    resolved = json.loads(json.dumps(record["resolved"]))
    for length in ("epochs", "max_steps"):
        resolved["train"].pop(length, None)
    text = json.dumps([resolved, record["seed"], record.get("tier")], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def values(readings: Mapping[int, Reading], metric: str, kind: ReadingKind = "last") -> dict[int, float]:
    """seed → value, for the seeds that reached the case's end and measured the metric."""
    return {seed: r.metrics(kind)[metric] for seed, r in readings.items() if metric in r.metrics(kind)}


def _limit(step: int | None) -> float:
    """Last step that belongs to a case; a trajectory that ended before it belongs whole."""
    return math.inf if step is None else step


def events_of(reading: Reading) -> dict[str, float]:
    """Kinds of events up to the case's own end, whatever came of the trajectory later → the epoch at which each is first seen."""
    return first_seen(reading.record, _limit(reading.step))


def parameters_of(reading: Reading) -> int | None:
    """Trainable parameters of all its networks."""
    counts = (reading.record.get("counts") or {}).get("parameters")
    return sum(counts.values()) if counts else None


def _metrics(evaluation: Mapping) -> dict[str, float]:
    return {name: _number(value) for name, value in evaluation["metrics"].items()}


def _at_the_end(record: Mapping, end: Mapping) -> dict[str, float]:
    """What a case's end measures with truncated z, as frechet@1.0; with what was asked for of a generator that diverged, as NaN."""
    found = {
        truncated(name, entry["threshold"]): _number(value)
        for entry in end.get("truncated") or []
        for name, value in entry["metrics"].items()
        if name in SAMPLED
    }
    if end["metrics"].get("frechet", 0) is None:
        asked = record["resolved"].get("eval") or {}
        lost = [truncated(name, at) for at in asked.get("truncations") or [] for name in end["metrics"] if name in SAMPLED]
        found = dict.fromkeys([*lost, *(PROBES if asked.get("probe") else ())], math.nan) | found
    return found


def _number(value) -> float:
    """JSON knows no NaN: null or text in its place reads as NaN, infinities as what they are."""
    return float(value) if isinstance(value, int | float) else math.nan


def _best(evaluations: list[Mapping]) -> Mapping | None:
    """The lowest finite `select.frechet`; the last one if none is finite; None if nothing was put aside to select by."""
    scored = [(_number(e["select"]["frechet"]), e) for e in evaluations if "frechet" in (e.get("select") or {})]
    if not scored:
        return None
    finite = [(score, i, e) for i, (score, e) in enumerate(scored) if math.isfinite(score)]
    return min(finite, key=lambda row: row[:2])[2] if finite else scored[-1][1]


def _each_best(evaluations: list[Mapping[str, float]]) -> dict[str, float]:
    best: dict[str, float] = {}
    for metrics in evaluations:
        for name, value in metrics.items():
            if is_measured(name) and (name not in best or badness(name, value) < badness(name, best[name])):
                best[name] = value
    return best


def _scalars(record: Mapping, end: Mapping) -> dict[str, float]:
    """The run's scalars; for a case that ends before its trajectory the losses' variation and mean up to its own end.

    One that the run could not give is NaN where its losses diverged, and left out where they were too few. A mean that the run did not
    think of is left out too: records of blessed runs hold too few of their losses for it.
    """
    scalars = {name: float(value) for name, value in (record.get("scalars") or {}).items() if name in SCALARS and value is not None}
    losses = record.get("losses") or {}
    steps = losses.get("step") or []
    for network in ("d", "g"):
        kept = [loss for step, loss in zip(steps, losses.get(network) or [], strict=True) if step <= end["step"]]
        for name, of_losses in ((f"{network}_loss_variation", variation), (f"{network}_loss_mean", _mean)):
            if of_losses is _mean and name not in (record.get("scalars") or {}):
                continue
            if any(loss is None for loss in kept):
                scalars[name] = math.nan
            elif len(kept) < len(steps):
                scalars.pop(name, None)
                if (value := of_losses(kept)) is not None:
                    scalars[name] = value
    return scalars


def _mean(losses: list[float]) -> float | None:
    return sum(losses) / len(losses) if losses else None
