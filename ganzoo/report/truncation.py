"""What a truncated z buys and costs: every threshold's metrics as a table, the distance by threshold, and precision against recall."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.report.curves import Line, Panel, panels
from ganzoo.report.evidence import better
from ganzoo.report.measures import Column, ordered, summed_up
from ganzoo.report.text import number, seed_order
from ganzoo.spec.metric_names import parted, truncated

WHOLE = "none"  # the threshold's name where z is not truncated
Case = dict


@dataclass(frozen=True)
class Row:
    case: str
    threshold: str
    n: int
    cells: list[str]


@dataclass(frozen=True)
class Truncations:
    """`quality`: the distance by threshold; `trade`: precision against recall, a point a threshold. Empty where not measured."""

    columns: list[Column]
    groups: list[list[Row]]  # by case
    label: str
    better: str
    quality: list[Panel]
    trade: list[Panel]


def truncations(cases: list[Case], titles: dict[str, str]) -> Truncations | None:
    """From the judgement's cases; None where nothing was measured with a truncated z."""
    with_some = [case for case in cases if thresholds(case)]
    if not with_some:
        return None
    every = sorted({threshold for case in with_some for threshold in thresholds(case)})
    names = ordered({parted(metric)[0] for case in with_some for metric in case["metrics"] if parted(metric)[1] is not None})
    groups = [[_row(case, threshold, names) for threshold in (*thresholds(case), None)] for case in with_some]
    label = _label(with_some, "frechet")
    at = [*every, None]
    return Truncations(
        columns=[Column(metric, _label(with_some, metric), better(metric)) for metric in names],
        groups=groups,
        label=label,
        better=better("frechet"),
        quality=panels(
            {case["case"]: _by_threshold(case, at) for case in with_some}, titles, "threshold on |z|", label, x_names=[told(t) for t in at]
        ),
        trade=panels({case["case"]: _trade(case) for case in with_some}, titles, "recall", "precision", log=False),
    )


def thresholds(case: Case) -> list[float]:
    return sorted({threshold for metric in case["metrics"] if (threshold := parted(metric)[1]) is not None})


def told(threshold: float | None) -> str:
    return WHOLE if threshold is None else f"{threshold:g}"


def _label(cases: list[Case], metric: str) -> str:
    return next((case["metrics"][metric]["label"] for case in cases if metric in case["metrics"]), metric)


def _summary(case: Case, metric: str, threshold: float | None) -> dict | None:
    return case["metrics"].get(metric if threshold is None else truncated(metric, threshold))


def _row(case: Case, threshold: float | None, names: list[str]) -> Row:
    found = [_summary(case, metric, threshold) for metric in names]
    return Row(case["case"], told(threshold), max((one["n"] for one in found if one), default=0), [summed_up(one) for one in found])


def _seeds(case: Case, metric: str, threshold: float | None) -> dict[str, float | None]:
    return (_summary(case, metric, threshold) or {"values": {}})["values"]


def _mean(case: Case, metric: str, threshold: float | None) -> float | None:
    return (_summary(case, metric, threshold) or {"mean": None})["mean"]


def _by_threshold(case: Case, at: list[float | None]) -> list[Line]:
    """Every seed faint, their mean over it; a threshold that the case lacks breaks no line."""
    mine = [(place, threshold) for place, threshold in enumerate(at) if threshold is None or threshold in thresholds(case)]
    seeds = sorted({seed for _, threshold in mine for seed in _seeds(case, "frechet", threshold)}, key=seed_order)
    lines = [Line([(place, _seeds(case, "frechet", t).get(seed)) for place, t in mine], f"seed {seed}", "faint") for seed in seeds]
    return [
        *lines,
        Line(
            [(place, _mean(case, "frechet", t)) for place, t in mine],
            "mean",
            "a",
            tuple(number(_mean(case, "frechet", t)) for _, t in mine),
        ),
    ]


def _trade(case: Case) -> list[Line]:
    at = [*thresholds(case), None]
    seeds = sorted({seed for threshold in at for seed in _seeds(case, "recall", threshold)}, key=seed_order)
    lines = [
        Line([(_seeds(case, "recall", t).get(seed), _seeds(case, "precision", t).get(seed)) for t in at], f"seed {seed}", "faint")
        for seed in seeds
    ]
    return [*lines, Line([(_mean(case, "recall", t), _mean(case, "precision", t)) for t in at], "mean", "a", tuple(map(told, at)))]
