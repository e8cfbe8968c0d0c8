"""How far a run has come: which of its stops are reached, each with all that is measured there."""

from __future__ import annotations

from ganzoo.bench.plan import Run
from ganzoo.spec.schema import Case


def reached(record: dict, run: Run) -> bool:
    """Whether a record holds every case asked for, each with its evaluation."""
    known = all(record["cases"].get(name) == epoch for name, (_, epoch) in run.stops.items())
    return record["status"] == "finished" and known and evaluated(record, run)


def evaluated(record: dict, run: Run) -> bool:
    """Whether every case asked for was evaluated at its stop, whatever came of the training later."""
    return all(whole(record["evaluations"], step, run.resolved) for step, _ in run.stops.values())


def whole(evaluations: list[dict], step: int, case: Case, is_stop: bool = True) -> bool:
    """Whether there is an evaluation at `step`, at a case's end with all that belongs to one."""
    entry = next((entry for entry in evaluations if entry["step"] == step), None)
    if entry is None or not is_stop or entry["metrics"]["frechet"] is None:  # nothing more is measured of a diverged generator
        return entry is not None
    probed = "probe_pixels" in entry["metrics"] or not case.eval.probe
    return probed and len(entry.get("truncated", [])) == len(case.eval.truncations)
