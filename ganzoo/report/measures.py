"""Metrics of every case as tables, and their courses over training as small multiples."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.judge.metrics import DIRECTION
from ganzoo.judge.metrics import label as metric_label
from ganzoo.report.curves import Line, Panel, panels
from ganzoo.report.evidence import better
from ganzoo.report.text import number, seed_order, spread
from ganzoo.report.verdicts import Look, look

ORDER = list(DIRECTION)  # frechet, kid, is, … as the judge lists them


@dataclass(frozen=True)
class Column:
    metric: str
    label: str
    better: str


@dataclass(frozen=True)
class CaseRow:
    case: str
    title: str
    look: Look
    n: int
    cells: list[str]  # mean ± std, one per column
    best: list[str]  # the same for the best evaluation; empty where there is none


@dataclass(frozen=True)
class SeedRow:
    case: str
    seed: str
    cells: list[str]


@dataclass(frozen=True)
class Metrics:
    columns: list[Column]
    cases: list[CaseRow]
    seeds: list[SeedRow]
    has_best: bool


@dataclass(frozen=True)
class Curves:
    label: str
    better: str
    panels: list[Panel]


def metric_labels(records: list[dict]) -> dict[str, str]:
    """metric → label as its protocol calls it. Records of one report share a protocol, or the judge says otherwise."""
    labels: dict[str, str] = {}
    for record in records:
        labels |= {str(k): str(v) for k, v in ((record.get("protocol") or {}).get("labels") or {}).items()}
    return labels


def _ordered(metrics: set[str]) -> list[str]:
    return sorted(metrics, key=lambda m: (ORDER.index(m) if m in ORDER else len(ORDER), m))


def metrics(cases: list[dict], labels: dict[str, str]) -> Metrics:
    """From the judgement's cases: means for reading, raw values for checking."""
    names = _ordered({m for case in cases for m in case.get("metrics") or {}})
    columns = [Column(m, _label(cases, m, labels), better(m)) for m in names]
    rows = [
        CaseRow(
            case=str(case.get("case")),
            title=str(case.get("title") or ""),
            look=look(case.get("status")),
            n=max((int((s or {}).get("n") or 0) for s in (case.get("metrics") or {}).values()), default=0),
            cells=_cells(case.get("metrics") or {}, names),
            best=_cells(case["best"], names) if case.get("best") else [],
        )
        for case in cases
    ]
    return Metrics(columns, rows, [row for case in cases for row in _seed_rows(case, names)], any(row.best for row in rows))


def _label(cases: list[dict], metric: str, labels: dict[str, str]) -> str:
    told = next((s["label"] for c in cases if (s := (c.get("metrics") or {}).get(metric)) and s.get("label")), None)
    return str(told or metric_label(metric, {"labels": labels}))


def _cells(summary: dict, names: list[str]) -> list[str]:
    return [_cell(summary.get(m) or {}) for m in names]


def _cell(of_metric: dict) -> str:
    if of_metric.get("diverged"):
        return f"{of_metric['diverged']} of {of_metric['n']} diverged"
    return spread(of_metric.get("mean"), of_metric.get("std"))


def _seed_rows(case: dict, names: list[str]) -> list[SeedRow]:
    values = {m: (case.get("metrics") or {}).get(m, {}).get("values") or {} for m in names}
    seeds = sorted({str(seed) for of_metric in values.values() for seed in of_metric}, key=seed_order)
    by_text = {m: {str(seed): v for seed, v in of_metric.items()} for m, of_metric in values.items()}
    return [SeedRow(str(case.get("case")), seed, [_value(by_text[m], seed) for m in names]) for seed in seeds]


def _value(by_seed: dict, seed: str) -> str:
    """A value that was measured but is not finite comes from the judge as None."""
    return "diverged" if seed in by_seed and by_seed[seed] is None else number(by_seed.get(seed), 4)


def training_titles(records: list[dict], titles: dict[str, str]) -> dict[str, str]:
    """Leader → title of its training, naming every case that is read off it."""
    found: dict[str, str] = {}
    for record in records:
        case, cases = str(record.get("case")), record.get("cases") or {}
        others = [f"{name} at {number(epoch)}" for name, epoch in sorted(cases.items(), key=lambda kv: kv[1]) if name != case]
        found[case] = titles.get(case, "")
        if others:
            found[case] = f"at {number(cases.get(case))} epochs; the same training: {', '.join(others)}"
    return found


def metric_curves(records: list[dict], labels: dict[str, str], titles: dict[str, str], first: list[str]) -> list[Curves]:
    """One set of panels per metric; those the claims speak of come first."""
    found = {m for r in records for e in r.get("evaluations") or [] for m in e.get("metrics") or {}}
    order = [m for m in dict.fromkeys(first) if m in found]
    order += [m for m in _ordered(found) if m not in order]
    sets = []
    for metric in order:
        label = metric_label(metric, {"labels": labels})
        lines = _lines(records, lambda r, m=metric: [(e.get("epoch"), (e.get("metrics") or {}).get(m)) for e in r.get("evaluations") or []])
        drawn = panels(lines, titles, "epochs", label)
        if drawn:
            sets.append(Curves(label, better(metric), drawn))
    return sets


def loss_curves(records: list[dict], titles: dict[str, str]) -> list[Panel]:
    """D (style a) and G (style b) over G steps."""
    lines: dict[str, list[Line]] = {}
    for key, style, name in (("d", "a", "D"), ("g", "b", "G")):
        for case, group in _lines(records, lambda r, k=key: _losses(r, k), style, name).items():
            lines.setdefault(case, []).extend(group)
    return panels(lines, titles, "steps", "loss")


def _losses(record: dict, key: str) -> list[tuple[float, float]]:
    losses = record.get("losses") or {}
    return list(zip(losses.get("step") or [], losses.get(key) or [], strict=False))


def _lines(records: list[dict], points, style: str = "a", name: str = "") -> dict[str, list[Line]]:
    lines: dict[str, list[Line]] = {}
    for record in sorted(records, key=lambda r: seed_order(r.get("seed"))):
        told = f"{name} seed {record.get('seed')}".strip()
        lines.setdefault(str(record.get("case")), []).append(Line(points(record), told, style))
    return lines
