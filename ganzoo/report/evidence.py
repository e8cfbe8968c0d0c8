"""Judged claims and judged numbers, ready to show: facts in words, charts of seeds."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

from ganzoo.judge.metrics import DIRECTION
from ganzoo.report import charts
from ganzoo.report.text import NONE, interval, is_number, listing, number, p_value, plural, seed_order, spread
from ganzoo.report.verdicts import Look, look


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
    note: str
    facts: list[tuple[str, str]]
    strip: Markup | None
    difference: Markup | None
    values: list[tuple[str, list[tuple[str, str]]]]  # case → (seed, value)
    label: str
    stand_in: str


def anchor(kind: str, name: object) -> str:
    """A fragment id from any text."""
    return f"{kind}-" + (re.sub(r"[^a-z0-9]+", "-", str(name).lower()).strip("-") or "unnamed")


def better(metric: object) -> str:
    direction = DIRECTION.get(str(metric))
    return f"{direction} is better" if direction else ""


def claim_views(claims: list[dict]) -> list[ClaimView]:
    return [_claim(claim, taken) for claim, taken in zip(claims, _anchors(claims), strict=True)]


def _anchors(claims: list[dict]) -> list[str]:
    """Unique even where two ids differ only in signs that a fragment cannot hold."""
    found: list[str] = []
    for claim in claims:
        name = anchor("claim", claim.get("id"))
        found.append(name if name not in found else f"{name}-{len(found)}")
    return found


def _claim(claim: dict, anchor_: str) -> ClaimView:
    metric = claim.get("metric")
    label = str(claim.get("label") or metric or "")
    values = {str(case): dict(seeds or {}) for case, seeds in (claim.get("values") or {}).items()}
    cases = [case for case in claim.get("cases") or [] if case in values] + [c for c in values if c not in (claim.get("cases") or [])]
    values = {case: values[case] for case in cases}
    has_seeds = any(is_number(v) for seeds in values.values() for v in seeds.values())
    happened = claim.get("kind") == "event"
    lanes = [charts.Lane(case, seeds, mean=_mean(seeds)) for case, seeds in values.items()]
    return ClaimView(
        id=str(claim.get("id")),
        anchor=anchor_,
        text=str(claim.get("text") or ""),
        where=str(claim.get("where") or ""),
        kind=str(claim.get("kind") or ""),
        look=look(claim.get("verdict")),
        verdict=str(claim.get("verdict")),
        reason=str(claim.get("reason") or ""),
        note=str(claim.get("note") or ""),
        facts=_facts(claim),
        strip=charts.strip(lanes, label, better(metric), happened) if has_seeds else None,
        difference=_difference(claim, label) if has_seeds and not happened else None,
        values=[(case, _by_seed(seeds)) for case, seeds in values.items()],
        label=label,
        stand_in=str(claim.get("stand_in") or ""),
    )


def _mean(seeds: dict[str, float]) -> float | None:
    kept = [v for v in seeds.values() if is_number(v)]
    return sum(kept) / len(kept) if kept else None


def _by_seed(seeds: dict) -> list[tuple[str, str]]:
    return [(str(seed), number(value, 4)) for seed, value in sorted(seeds.items(), key=lambda kv: seed_order(kv[0]))]


def _difference(claim: dict, label: str) -> Markup | None:
    bounds = claim.get("interval")
    bounds = tuple(bounds) if isinstance(bounds, list | tuple) and len(bounds) == 2 else None
    cases = claim.get("cases") or []
    told = f"difference in {label}" + (f", {cases[0]} − {cases[1]}" if len(cases) == 2 else "")
    return charts.difference(claim.get("difference"), bounds, claim.get("margin"), told)


def _facts(claim: dict) -> list[tuple[str, str]]:
    """What the verdict rests on, as (name, value); what a kind of claim does not have is left out."""
    effect = claim.get("effect") or {}
    needed = claim.get("seeds_needed")
    facts = [
        ("Test", claim.get("test")),
        ("p", p_value(claim.get("p")) if is_number(claim.get("p")) else None),
        ("p after Holm", _against_alpha(claim)),
        ("Effect", f"{effect.get('name')} = {number(effect.get('value'))}" if is_number(effect.get("value")) else None),
        ("Difference", _with_interval(claim)),
        ("Margin", f"±{number(abs(claim['margin']))}" if is_number(claim.get("margin")) else None),
        ("Direction", claim.get("direction") if claim.get("direction") not in (None, "none") else None),
        ("Seeds", ", ".join(f"{case} {count}" for case, count in (claim.get("n") or {}).items()) or None),
        ("Would decide", f"{plural(needed, 'seed')} per case" if isinstance(needed, int) else None),
        ("Read off at", {"last": "last evaluation", "best": "best evaluation, chosen on other samples"}.get(str(claim.get("reading")))),
    ]
    return [(name, str(value)) for name, value in facts if value]


def _against_alpha(claim: dict) -> str | None:
    if not is_number(claim.get("p_holm")):
        return None
    return f"{p_value(claim['p_holm'])} (α = {number(claim.get('alpha'))})"


def _with_interval(claim: dict) -> str | None:
    if not is_number(claim.get("difference")):
        return None
    bounds = interval(claim.get("interval"))
    return number(claim["difference"]) + (f", interval {bounds}" if bounds != NONE else "")


@dataclass(frozen=True)
class NumberRow:
    cell: str
    case: str
    label: str
    theirs: str
    spread_kind: str
    ours: str
    interval: str
    n: str
    delta: str
    look: Look
    reason: str


@dataclass(frozen=True)
class NumberTable:
    id: str
    anchor: str
    source: str
    rows: list[NumberRow]


def number_tables(numbers: list[dict]) -> list[NumberTable]:
    """The document's tables, cell by cell, in the order of the spec."""
    groups: dict[str, list[dict]] = {}
    for entry in numbers:
        groups.setdefault(str(entry.get("table")), []).append(entry)
    return [
        NumberTable(table, anchor("table", table), listing(sorted({str(e["source"]) for e in group if e.get("source")})), [_row(e) for e in group])
        for table, group in groups.items()
    ]


def _row(entry: dict) -> NumberRow:
    ours, theirs = entry.get("ours") or {}, entry.get("theirs") or {}
    differs = entry.get("differs") or []
    reason = str(entry.get("reason") or "")
    if differs and not all(str(field) in reason for field in differs):
        reason = f"{reason} Differs in: {', '.join(map(str, differs))}.".strip()
    kind = theirs.get("spread_kind")
    return NumberRow(
        cell=str(entry.get("cell")),
        case=str(entry.get("case")),
        label=str(entry.get("label") or entry.get("metric")),
        theirs=spread(theirs.get("value"), theirs.get("spread")),
        spread_kind=str(kind) if kind and is_number(theirs.get("spread")) else "",
        ours=number(ours.get("mean"), 4),
        interval=interval(ours.get("interval")),
        n=str(ours.get("n") or 0),
        delta=("+" if is_number(entry.get("delta")) and entry["delta"] > 0 else "") + number(entry.get("delta")),
        look=look(entry.get("verdict")),
        reason=reason,
    )
