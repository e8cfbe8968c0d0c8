"""Metrics of every case as tables, and their courses over training as small multiples."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ganzoo.judge.metrics import DIRECTION, is_epoch_of, is_measured
from ganzoo.judge.metrics import label as metric_label
from ganzoo.report.curves import Line, Mark, Panel, Points, panels
from ganzoo.report.evidence import better
from ganzoo.report.text import NONE, number, seed_order, spread
from ganzoo.report.verdicts import Look, look
from ganzoo.spec.metric_names import PROBES, parted

ORDER = list(DIRECTION)  # frechet, kid, is, … as the judge lists them
Series = tuple[str, str, str]  # column of a logged table, class of the style sheet, name
LOSSES: list[Series] = [("d", "a", "D"), ("g", "b", "G")]
PROBE_NAMES = {  # in the table's order
    "probe_d": "D",
    "probe_g": "G",
    "probe_untrained_d": "untrained D",
    "probe_untrained_g": "untrained G",
    "probe_pixels": "raw pixels",
}


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
class Probes:
    """Test accuracies of a linear classifier on features, by what gave the features."""

    columns: list[str]
    cases: list[CaseRow]


@dataclass(frozen=True)
class Curves:
    label: str
    better: str
    panels: list[Panel]


def metric_labels(records: list[dict]) -> dict[str, str]:
    """metric → label as its protocol calls it. Records of one report share a protocol, or the judge says otherwise."""
    labels: dict[str, str] = {}
    for record in records:
        labels |= (record["protocol"] or {}).get("labels", {})
    return labels


def in_main_table(metric: str) -> bool:
    """Probes and truncated samples have tables of their own, events their marks."""
    return metric not in PROBES and not is_epoch_of(metric) and parted(metric)[1] is None


def ordered(metrics: set[str]) -> list[str]:
    return sorted(metrics, key=lambda m: (ORDER.index(m) if m in ORDER else len(ORDER), m))


def metrics(cases: list[dict], labels: dict[str, str]) -> Metrics:
    """From the judgement's cases: means for reading, raw values for checking."""
    names = ordered({m for case in cases for m in case["metrics"] if in_main_table(m)})
    columns = [Column(m, _label(cases, m, labels), better(m)) for m in names]
    rows = [
        CaseRow(
            case=case["case"],
            title=case["title"],
            look=look(case["status"]),
            n=max((summed["n"] for summed in case["metrics"].values()), default=0),
            cells=_cells(case["metrics"], names),
            best=_cells(case["best"], names) if case["best"] else [],
        )
        for case in cases
    ]
    return Metrics(columns, rows, [row for case in cases for row in _seed_rows(case, names)], any(row.best for row in rows))


def probes(cases: list[dict]) -> Probes | None:
    """Cases whose features were tried; None where none was."""
    names = [name for name in PROBE_NAMES if any(name in case["metrics"] for case in cases)]
    rows = [
        CaseRow(case["case"], case["title"], look(case["status"]), max(m["n"] for m in mine), _cells(case["metrics"], names), [])
        for case in cases
        if (mine := [case["metrics"][name] for name in names if name in case["metrics"]])
    ]
    return Probes([PROBE_NAMES[name] for name in names], rows) if rows else None


def _label(cases: list[dict], metric: str, labels: dict[str, str]) -> str:
    told = next((case["metrics"][metric]["label"] for case in cases if metric in case["metrics"]), None)
    return told or metric_label(metric, {"labels": labels})


def _cells(summaries: dict, names: list[str]) -> list[str]:
    return [summed_up(summaries.get(m)) for m in names]


def summed_up(summed: dict | None) -> str:
    if summed is None:
        return NONE
    if summed["diverged"]:
        return f"{summed['diverged']} of {summed['n']} diverged"
    return spread(summed["mean"], summed["std"])


def _seed_rows(case: dict, names: list[str]) -> list[SeedRow]:
    values = [case["metrics"][m]["values"] if m in case["metrics"] else {} for m in names]
    seeds = sorted({seed for of_metric in values for seed in of_metric}, key=seed_order)
    return [SeedRow(case["case"], seed, [_value(of_metric, seed) for of_metric in values]) for seed in seeds]


def _value(by_seed: dict, seed: str) -> str:
    """A value that was measured but is not finite comes from the judge as None."""
    return "diverged" if seed in by_seed and by_seed[seed] is None else number(by_seed.get(seed), 4)


def training_titles(records: list[dict], titles: dict[str, str]) -> dict[str, str]:
    """Leader → title of its training, naming every other case that is read off it and where."""
    found: dict[str, str] = {}
    for record in records:
        case, cases = record["case"], record["cases"]
        others = [f"{name} (epoch {epoch:g})" for name, epoch in sorted(cases.items(), key=lambda kv: kv[1]) if name != case]
        found[case] = "; also ".join(filter(None, [titles.get(case, ""), ", ".join(others)]))
    return found


def metric_curves(records: list[dict], labels: dict[str, str], titles: dict[str, str], first: list[str]) -> list[Curves]:
    """One set of panels per metric that the judge knows, those of `first` (what the claims speak of) before the others."""
    found = {m for r in records for e in r["evaluations"] for m in e["metrics"] if is_measured(m)}
    order = [m for m in dict.fromkeys(first) if m in found]
    order += [m for m in ordered(found) if m not in order]
    sets = []
    for metric in order:
        label = metric_label(metric, {"labels": labels})
        lines = _lines(records, lambda r, m=metric: [(e["epoch"], e["metrics"].get(m)) for e in r["evaluations"]])
        drawn = panels(lines, titles, "epochs", label)
        if drawn:
            sets.append(Curves(label, better(metric), drawn))
    return sets


def loss_curves(records: list[dict], titles: dict[str, str], marks: dict[str, list[Mark]] | None = None) -> list[Panel]:
    """D (style a) and G (style b) over G steps, with the marks of each training."""
    return panels(courses(records, "losses", LOSSES), titles, "steps", "loss", marks=marks)


def courses(records: list[dict], table: str, series: list[Series]) -> dict[str, list[Line]]:
    """Training → a line for every seed of each series: columns of the record's table, over its G steps."""
    lines: dict[str, list[Line]] = {}
    for key, style, name in series:
        for case, group in _lines(records, lambda r, k=key: _course(r, table, k), style, name).items():
            lines.setdefault(case, []).extend(group)
    return lines


def _course(record: dict, table: str, key: str) -> Points:
    logged = record.get(table) or {"step": [], key: []}
    return list(zip(logged["step"], logged[key], strict=True))


def _lines(records: list[dict], points: Callable[[dict], Points], style: str = "a", name: str = "") -> dict[str, list[Line]]:
    lines: dict[str, list[Line]] = {}
    for record in records:
        lines.setdefault(record["case"], []).append(Line(points(record), f"{name} seed {record['seed']}".strip(), style))
    return lines
