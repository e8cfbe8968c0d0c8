"""A document against itself: what its own tables say of a claim made in its text. Arithmetic on printed numbers; no run is needed.

A claim's `self_check` (references.py) names tables, one axis of their rows or columns, and two entries of that axis. Two cells
make a pair where they differ in this axis only. A pair goes as stated, against, or is a tie:

- ordering: as stated where the first entry's cell is the better one by the table's metric, against where it is the worse one;
- no-difference: as stated where the two values differ by no more than the margin, against where they differ by more.

The verdict of one table:

- consistent: every pair goes as stated; of an ordering also where more do than do not and the exact two-sided sign test, ties left
  out, gives p ≤ 0.05;
- inconsistent: more pairs go against than as stated;
- mixed: anything else.

Tables often show the same trainings by several metrics, so their pairs are never added up: over several tables the verdict is the
one they share, else mixed. The sign test takes pairs for independent, which cells of one table need not be. A difference larger
than the two cells' spreads together (the root of the sum of their squares) is counted beside the verdict and does not move it: a
spread over splits says nothing about other trainings.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ganzoo.judge.metrics import badness
from ganzoo.judge.references import Cell, Claim, Part, Published, SelfCheck, Table
from ganzoo.judge.stats.shares import majority
from ganzoo.judge.verdicts import Plain
from ganzoo.judge.words import chance, sentences

SelfKind = Literal["consistent", "inconsistent", "mixed"]
Going = Literal["as stated", "against", "tie"]
LEVEL = 0.05  # of the sign test
SLACK = 1e-9  # printed decimals are not exact in binary: what differs by less is equal


@dataclass(frozen=True)
class CellPair(Plain):
    """Two cells that agree in `place` and differ in the checked axis. `difference` is first − second, of the metric itself."""

    place: str
    cells: tuple[str, str]
    values: tuple[float, float]
    spreads: tuple[float | None, float | None]
    difference: float
    better: Literal["first", "second", "neither"]
    goes: Going
    beyond_spread: bool | None  # None where the table prints no ±
    flags: list[str]


@dataclass(frozen=True)
class TableCheck(Plain):
    """`better`, `worse`: pairs in which the first entry is so; they and `p`, of the sign test, are about the direction alone."""

    table: str
    where: str
    label: str
    metric: str
    verdict: SelfKind
    reason: str
    as_stated: int
    against: int
    ties: int
    better: int
    worse: int
    p: float
    beyond_spread: int | None
    spread: str | None  # what the table's ± is
    flags: Mapping[str, str]  # of the cells used: name → remark
    unpaired: list[str]  # cells of either entry that have no counterpart
    pairs: list[CellPair]


@dataclass(frozen=True)
class SelfVerdict(Plain):
    id: str
    text: str
    where: str
    expects: str
    axis: str
    first: str
    second: str
    margin: str | None
    verdict: SelfKind
    reason: str
    note: str | None
    tables: list[TableCheck]


def self_checks(document: Published) -> list[SelfVerdict]:
    """One verdict for every claim, or part of one, that has a `self_check`; in the document's order."""
    return [
        self_verdict(document, entry, claim.where)
        for claim in document.claims
        for entry in (claim, *claim.parts)
        if entry.self_check is not None
    ]


def self_verdict(document: Published, claim: Claim | Part, where: str) -> SelfVerdict:
    check = claim.self_check
    tables = [check_table(document.table(name), check) for name in check.tables]
    verdicts = {one.verdict for one in tables}
    verdict = verdicts.pop() if len(verdicts) == 1 else "mixed"
    apart = f"The tables do not agree, so the whole is {verdict}." if verdicts else ""
    return SelfVerdict(
        id=claim.id,
        text=claim.text,
        where=where,
        expects=check.expects,
        axis=check.axis,
        first=named(check, check.first),
        second=named(check, check.second),
        margin=margin_told(check),
        verdict=verdict,
        reason=sentences([*(one.reason for one in tables), apart]),
        note=check.note,
        tables=tables,
    )


def named(check: SelfCheck, entry: str | int) -> str:
    """ "SN-DCGAN"; a bare number with its axis: "batch 64"."""
    return f"{check.axis.removeprefix('row.')} {entry}" if isinstance(entry, int) else entry


def margin_told(check: SelfCheck) -> str | None:
    """ "15 % of the value at DCGAN", or the absolute margin as it is."""
    if check.margin is None:
        return None
    if check.margin_kind == "absolute":
        return f"{check.margin:g}"
    return f"{100 * check.margin:g} % of the value at {named(check, check.second)}"


def check_table(table: Table, check: SelfCheck) -> TableCheck:
    found, unpaired = matched(table, check)
    pairs = [_pair(table, check, first, second) for first, second in found]
    goes, better = Counter(pair.goes for pair in pairs), Counter(pair.better for pair in pairs)
    p = majority(better["first"], better["first"] + better["second"]).two_sided
    beyond = sum(pair.beyond_spread for pair in pairs) if table.spread else None
    return TableCheck(
        table=table.id,
        where=table.where,
        label=table.label,
        metric=table.metric,
        verdict=_verdict(check, goes, p),
        reason=_told(table, check, pairs, p),
        as_stated=goes["as stated"],
        against=goes["against"],
        ties=goes["tie"],
        better=better["first"],
        worse=better["second"],
        p=p,
        beyond_spread=beyond,
        spread=table.spread.kind if table.spread else None,
        flags={name: told for name, told in table.flags.items() if any(name in pair.flags for pair in pairs)},
        unpaired=unpaired,
        pairs=pairs,
    )


def matched(table: Table, check: SelfCheck) -> tuple[list[tuple[Cell, Cell]], list[str]]:
    """(pairs in the table's order, cells of either entry without a counterpart)."""
    of_entry = {
        entry: {check.elsewhere(cell): cell for cell in table.cells if check.entry(cell) == entry} for entry in (check.first, check.second)
    }
    first, second = of_entry[check.first], of_entry[check.second]
    alone = [cell.id for mine, other in ((first, second), (second, first)) for place, cell in mine.items() if place not in other]
    return [(cell, second[place]) for place, cell in first.items() if place in second], alone


def _pair(table: Table, check: SelfCheck, first: Cell, second: Cell) -> CellPair:
    difference = first.value - second.value
    lead = badness(table.metric, second.value) - badness(table.metric, first.value)  # above 0: the first is better
    better = "neither" if abs(lead) <= SLACK else "first" if lead > 0 else "second"
    beyond = None
    if table.spread:
        beyond = abs(difference) > math.hypot(first.spread, second.spread) * (1 + SLACK)
    return CellPair(
        place=", ".join(told for _, told in check.elsewhere(first)),
        cells=(first.id, second.id),
        values=(first.value, second.value),
        spreads=(first.spread, second.spread),
        difference=difference,
        better=better,
        goes=_goes(check, better, abs(difference), second.value),
        beyond_spread=beyond,
        flags=sorted({*first.flags, *second.flags}),
    )


def _goes(check: SelfCheck, better: str, apart: float, second: float) -> Going:
    if check.expects == "ordering":
        return {"first": "as stated", "second": "against", "neither": "tie"}[better]
    margin = check.margin * abs(second) if check.margin_kind == "relative" else check.margin
    return "as stated" if apart <= margin * (1 + SLACK) else "against"


def _verdict(check: SelfCheck, goes: Mapping[Going, int], p: float) -> SelfKind:
    stated, against = goes["as stated"], goes["against"]
    if against > stated:
        return "inconsistent"
    decided = check.expects == "ordering" and stated > against and p <= LEVEL
    return "consistent" if decided or not against + goes["tie"] else "mixed"


def _told(table: Table, check: SelfCheck, pairs: list[CellPair], p: float) -> str:
    """One or two sentences a table: the counts, what they rest on, the flags."""
    n = len(pairs)
    better, worse = (sum(pair.better == side for pair in pairs) for side in ("first", "second"))
    first, second = (named(check, entry) for entry in (check.first, check.second))
    counted = f"{first} is better than {second} in {better} of {n} pairs and worse in {worse}"
    if check.expects == "no-difference":
        within = sum(pair.goes == "as stated" for pair in pairs)
        counted = f"{within} of {n} pairs differ by no more than {margin_told(check)}; {counted}"
    told = f"{table.where}, {table.label}: {counted} (sign test {chance(p)})."
    if table.spread:
        beyond = sum(pair.beyond_spread for pair in pairs)
        told += f" {beyond} of {n} differences exceed the two spreads together (±: {table.spread.kind})."
    for flag in (flag for flag in table.flags if any(flag in pair.flags for pair in pairs)):
        clear = [pair for pair in pairs if flag not in pair.flags]
        told += f" {n - len(clear)} of {n} pairs hold a cell with the flag '{flag}'"
        told += f"; of the others {first} is better in {sum(pair.better == 'first' for pair in clear)} of {len(clear)}." if clear else "."
    return told
