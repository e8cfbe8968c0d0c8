"""Cases summed up over their seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ganzoo.judge.metrics import DIRECTION, label
from ganzoo.judge.readings import Reading, ReadingKind, values
from ganzoo.judge.stats.intervals import mean_interval
from ganzoo.judge.verdicts import CaseResult, CaseStatus, Summary, Values


def summary(of_seeds: Values, name: str) -> Summary:
    """Mean, std (ddof 1) and interval; none of them once a seed diverged, since no mean of the rest would be honest."""
    found = np.array(list(of_seeds.values()), float)
    diverged = int(np.count_nonzero(~np.isfinite(found)))
    known = len(found) > 0 and not diverged
    return Summary(
        values=dict(of_seeds),
        n=len(found),
        mean=float(found.mean()) if known else None,
        std=float(found.std(ddof=1)) if known and len(found) > 1 else None,
        interval=mean_interval(found) if known else None,
        label=name,
        diverged=diverged,
    )


def case_result(case: str, title: str, readings: Mapping[int, Reading]) -> CaseResult:
    """Everything measured of a case, whether a claim asks for it or not."""
    return CaseResult(
        case=case,
        title=title,
        status=status_of(readings),
        seeds={seed: reading.status for seed, reading in readings.items()},
        errors={seed: error_of(reading) for seed, reading in readings.items() if reading.status == "crashed"},
        metrics=_summaries(readings, "last"),
        best=_summaries(readings, "best"),
    )


def status_of(readings: Mapping[int, Reading]) -> CaseStatus:
    statuses = {reading.status for reading in readings.values()}
    if not statuses:
        return "not run"
    return statuses.pop() if len(statuses) == 1 else "partial"


def error_of(reading: Reading) -> str:
    """ "RuntimeError: …" of a crashed run."""
    error = reading.record.get("error") or {}
    return f"{error.get('type', 'error')}: {error.get('message', 'no message')}"


def _summaries(readings: Mapping[int, Reading], kind: ReadingKind) -> dict[str, Summary]:
    protocol = next((reading.record.get("protocol") for reading in readings.values() if reading.record.get("protocol")), None)
    return {metric: summary(found, label(metric, protocol)) for metric in DIRECTION if (found := values(readings, metric, kind))}
