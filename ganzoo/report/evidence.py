"""Judged claims and judged numbers, ready to show: facts in words, charts of seeds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

from ganzoo.judge.metrics import direction, is_epoch_of
from ganzoo.judge.metrics import label as metric_label
from ganzoo.report import charts
from ganzoo.report.text import interval, is_number, number, p_value, plural, seed_order
from ganzoo.report.verdicts import Look, look

READINGS = {
    "last": "last evaluation",
    "best": "best evaluation, chosen on other samples",
    "each-best": "each metric's best evaluation, chosen on the samples reported",
}
DESCRIPTIONS = ("d_loss_mean", "g_loss_mean")  # by convention higher, and no quality


@dataclass(frozen=True)
class ClaimView:
    id: str
    anchor: str
    text: str
    where: str
    kind: str
    look: Look
    verdict: str
    reason: str
    points: str  # where the seeds point, decided or not; empty if nowhere
    needed: str  # what would decide
    note: str
    facts: list[tuple[str, str]]
    strip: Markup | None
    difference: Markup | None
    values: list[tuple[str, list[tuple[str, str]]]]  # case (or metric) → (seed, value)
    lanes: str  # what `values` are by
    label: str
    stand_in: str


def anchor(kind: str, name: str) -> str:
    """A fragment id from any text."""
    return f"{kind}-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed")


def better(metric: str | None) -> str:
    """ "lower is better"; empty for no metric, one that nobody knows, and one that only describes."""
    if not metric or metric in DESCRIPTIONS:
        return ""
    if is_epoch_of(metric):
        return "later is better, never is best"
    try:
        return f"{direction(metric)} is better"
    except KeyError:
        return ""


def claim_views(claims: list[dict], cases: list[dict], labels: dict[str, str] | None = None) -> list[ClaimView]:
    """`cases`: the judgement's summaries, from which the intervals of the means are taken. `labels`: metrics by their protocol's names."""
    return [_claim(claim, cases, labels or {}, taken) for claim, taken in zip(claims, _anchors(claims), strict=True)]


def _anchors(claims: list[dict]) -> list[str]:
    """Unique even where two ids differ only in signs that a fragment cannot hold."""
    found: list[str] = []
    for claim in claims:
        name = anchor("claim", claim["id"])
        found.append(name if name not in found else f"{name}-{len(found)}")
    return found


def _claim(claim: dict, cases: list[dict], labels: dict[str, str], anchor_: str) -> ClaimView:
    """Of a claim of kind `paired` the lanes are the two metrics of its case, of any other its cases."""
    paired, happened = claim["kind"] == "paired", claim["kind"] == "event"
    order = list(claim["values"]) if paired else claim["cases"]
    values = {name: claim["values"][name] for name in order if name in claim["values"]}
    shown = {name: metric_label(name, {"labels": labels}) if paired else name for name in values}
    lanes = [
        charts.Lane(shown[name], seeds, _mean(seeds), _mean_interval(claim, cases, name, seeds), _absent(claim, name))
        for name, seeds in values.items()
    ]
    metric = next(iter(values), None) if paired else claim["metric"]
    label = f"within the trainings of {claim['cases'][0]}" if paired else claim["label"]
    return ClaimView(
        id=claim["id"],
        anchor=anchor_,
        text=claim["text"],
        where=claim["where"],
        kind=claim["kind"],
        look=look(claim["verdict"]),
        verdict=claim["verdict"],
        reason=claim["reason"],
        points="" if claim["direction"] == "none" else claim["direction"],
        needed=_needed(claim),
        note=claim["note"] or "",
        facts=_facts(claim),
        strip=charts.strip(lanes, label, better(metric), happened) if values else None,
        difference=_difference(claim) if values else None,
        values=[(shown[name], _by_seed(seeds, _absent(claim, name))) for name, seeds in values.items()],
        lanes="Metric" if paired else "Case",
        label=label,
        stand_in=claim["stand_in"] or "",
    )


def _mean(seeds: dict[str, float | None]) -> float | None:
    """None as soon as one seed diverged: no mean of the rest would be honest."""
    whole = seeds and all(is_number(value) for value in seeds.values())
    return sum(seeds.values()) / len(seeds) if whole else None


def _absent(claim: dict, name: str) -> str:
    """What a value that is not finite means: the training diverged, the event never came, the run was too short to tell."""
    never = (claim.get("never") or {}).get(name)
    return "never" if never else "too short to tell" if claim["kind"] == "event" else "diverged"


def _mean_interval(claim: dict, cases: list[dict], name: str, seeds: dict) -> tuple[float, float] | None:
    """The interval of a mean, if the judge summed up the very values that the claim was judged on. `name`: a case, or a metric of one."""
    case, metric = (claim["cases"][0], name) if claim["kind"] == "paired" else (name, claim["metric"])
    of_case = next((c for c in cases if c["case"] == case), {"metrics": {}, "best": {}})
    summed = of_case["best" if claim["reading"] == "best" else "metrics"].get(metric)
    return tuple(summed["interval"]) if summed and summed["interval"] and summed["values"] == seeds else None


def _by_seed(seeds: dict, absent: str) -> list[tuple[str, str]]:
    ordered = sorted(seeds.items(), key=lambda entry: seed_order(entry[0]))
    return [(seed, absent if value is None else number(value, 4)) for seed, value in ordered]


def _difference(claim: dict) -> Markup | None:
    """The judge takes last − first of a trend, of other claims first − second, of more than two cases the widest pair."""
    first, *_, last = claim["cases"] * 2 if len(claim["cases"]) == 1 else claim["cases"]
    if claim["kind"] == "paired":
        first, last = (list(claim["values"]) * 2)[:2]
        return charts.difference(claim["difference"], claim["interval"], claim["margin"], "difference", f"{first} − {last}")
    between = f"{last} − {first}" if claim["kind"] == "trend" else f"{first} − {last}" if len(claim["cases"]) == 2 else "widest pair"
    return charts.difference(claim["difference"], claim["interval"], claim["margin"], f"difference in {claim['label']}", between)


def _facts(claim: dict) -> list[tuple[str, str]]:
    """What the verdict rests on, as (name, value); what a kind of claim does not have is left out."""
    effect, needed, p_holm = claim["effect"], _needed(claim), claim["p_holm"]
    facts = [
        ("Within", f"every training of {claim['cases'][0]}" if claim["kind"] == "paired" else None),
        ("Test", claim["test"]),
        ("p", p_value(claim["p"]) if is_number(claim["p"]) else None),
        ("p after Holm", f"{p_value(p_holm)} (α = {claim['alpha']:g})" if is_number(p_holm) else None),
        ("Effect", f"{effect['name']} = {_with_interval(effect['value'], effect['interval'])}" if effect else None),
        ("Difference", _with_interval(claim["difference"], claim["interval"]) if is_number(claim["difference"]) else None),
        ("Margin", f"±{number(claim['margin'])}" if is_number(claim["margin"]) else None),
        ("The seeds point", claim["direction"] if claim["direction"] != "none" else None),
        ("Seeds", ", ".join(f"{case} {count}" for case, count in claim["n"].items()) if claim["values"] else None),
        ("Would decide", f"{needed} per case" if needed else None),
        ("Differs in", ", ".join(claim["differs"])),
        ("Read off at", READINGS[claim["reading"]] if claim["kind"] not in ("event", "cost") else None),
    ]
    return [(name, value) for name, value in facts if value]


def _needed(claim: dict) -> str:
    return plural(claim["seeds_needed"], "seed") if claim["seeds_needed"] else ""


def _with_interval(value: float | None, bounds: list | None) -> str:
    return number(value) + (f", interval {interval(bounds)}" if bounds else "")


@dataclass(frozen=True)
class NumberRow:
    cell: str
    case: str
    label: str
    theirs: str
    spread_kind: str
    ours: str
    interval: str
    predicted: str
    n: str
    delta: str
    look: Look
    reason: str
    flags: str  # the document's, part of the reason

    @property
    def remark(self) -> str:
        """What stands below the row. That a case was not run needs no sentence."""
        return self.flags if self.look.word == "not run" and self.case else self.reason


@dataclass(frozen=True)
class NumberTable:
    id: str
    anchor: str
    source: str
    label: str  # of the metric, where all rows have one
    rows: list[NumberRow]


def number_tables(numbers: list[dict]) -> list[NumberTable]:
    """The document's tables, cell by cell, in the judge's order, which is the document's."""
    groups: dict[str, list[dict]] = {}
    for entry in numbers:
        groups.setdefault(entry["table"], []).append(entry)
    tables = []
    for table, group in groups.items():
        rows = [_row(entry) for entry in group]
        labels = {row.label for row in rows}
        tables.append(NumberTable(table, anchor("table", table), _place(group), labels.pop() if len(labels) == 1 else "", rows))
    return tables


def _place(group: list[dict]) -> str:
    """Where the cells stand, as far as they agree: "Table 1" of "Table 1, row a" and "Table 1, row b"."""
    places = [entry["source"].split(", ") for entry in group if entry["source"]]
    shared = [parts[0] for parts in zip(*places, strict=False) if len(set(parts)) == 1]
    return ", ".join(shared)


def _row(entry: dict) -> NumberRow:
    ours = entry["ours"] or {"mean": None, "interval": None, "n": 0}
    theirs, differs, why = entry["theirs"], entry["differs"], [entry["reason"]]
    if not all(field in entry["reason"] for field in differs):
        why.append(f"Differs in: {', '.join(differs)}.")
    return NumberRow(
        cell=entry["cell"],
        case=entry["case"],
        label=entry["label"] + ("" if entry["reading"] == "last" else f", {READINGS[entry['reading']]}"),
        theirs=_as_printed(theirs),
        spread_kind=theirs["spread_kind"] or "" if is_number(theirs["spread"]) else "",
        ours=number(ours["mean"], 4),
        interval=interval(ours["interval"]),
        predicted=interval(entry["predicted"]),
        n=str(ours["n"]),
        delta=("+" if is_number(entry["delta"]) and entry["delta"] > 0 else "") + number(entry["delta"]),
        look=look(entry["verdict"]),
        reason=" ".join(filter(None, [*why, *theirs["flags"]])),
        flags=" ".join(theirs["flags"]),
    )


def _as_printed(theirs: dict) -> str:
    """The published number with the digits that the document gives."""
    return " ± ".join(f"{theirs[part]:g}" for part in ("value", "spread") if is_number(theirs[part])).replace("-", "−")
