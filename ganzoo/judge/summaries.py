"""Cases summed up over their seeds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ganzoo.judge.metrics import is_epoch_of, label, listed
from ganzoo.judge.readings import Reading, ReadingKind, values
from ganzoo.judge.stats.intervals import mean_interval
from ganzoo.judge.verdicts import CaseResult, CaseStatus, Summary, Values


def summary(of_seeds: Values, metric: str, protocol: Mapping | None = None) -> Summary:
    """Mean, std (ddof 1) and interval; none of them once a seed diverged or an event never came: no mean of the rest would be honest."""
    found = np.array(list(of_seeds.values()), float)
    never = int(np.count_nonzero(found == np.inf)) if is_epoch_of(metric) else 0
    diverged = int(np.count_nonzero(~np.isfinite(found))) - never
    known = len(found) > 0 and not diverged and not never
    return Summary(
        values=dict(of_seeds),
        n=len(found),
        mean=float(found.mean()) if known else None,
        std=float(found.std(ddof=1)) if known and len(found) > 1 else None,
        interval=mean_interval(found) if known else None,
        label=label(metric, protocol),
        diverged=diverged,
        never=never,
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
    measured = listed({metric for reading in readings.values() for metric in reading.metrics(kind)})
    return {metric: summary(values(readings, metric, kind), metric, protocol) for metric in measured}
