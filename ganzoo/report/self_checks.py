"""What a document's own tables say of its claims, ready to show: counts, every pair of cells, a chart of each table."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup

from ganzoo.report.evidence import anchor, better
from ganzoo.report.svg import caption, element, fit, line, picture, text
from ganzoo.report.text import NONE, is_number, p_value, plural
from ganzoo.report.verdicts import Look, look

WIDTH, LEFT, RIGHT = 380, 148, 370
LANE = 19  # height of one pair
GOES = {"as stated": Look("as stated", "good", "check"), "against": Look("against", "bad", "cross"), "tie": Look("tie", "none", "dash")}


@dataclass(frozen=True)
class PairRow:
    place: str
    first: str
    second: str
    difference: str
    better: str
    goes: Look
    beyond: str  # whether the difference exceeds both spreads together
    flags: str


@dataclass(frozen=True)
class TableView:
    label: str
    where: str
    better: str
    look: Look
    reason: str
    counts: list[tuple[str, str]]
    spread: str
    flags: list[tuple[str, str]]
    unpaired: str
    rows: list[PairRow]
    chart: Markup


@dataclass(frozen=True)
class SelfView:
    id: str
    anchor: str
    text: str
    where: str
    look: Look
    first: str
    second: str
    expects: str
    note: str
    tables: list[TableView]


def self_views(checks: list[dict]) -> list[SelfView]:
    return [
        SelfView(
            id=check["id"],
            anchor=f"{anchor('own', check['id'])}-{place}",
            text=check["text"],
            where=check["where"],
            look=look(check["verdict"]),
            first=check["first"],
            second=check["second"],
            expects=f"differ by no more than {check['margin']}" if check["expects"] == "no-difference" else f"{check['first']} is better",
            note=check["note"] or "",
            tables=[_table(table, check) for table in check["tables"]],
        )
        for place, check in enumerate(checks)
    ]


def same_claim(one: str, other: str) -> bool:
    """Whether two ids are of one claim: equal, or one a part or a variant of the other: I2 and I2a, L13 and L13-g."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and re.fullmatch(r"([a-z].*|-.*)?", long[len(short) :]) is not None


def _table(table: dict, check: dict) -> TableView:
    n = len(table["pairs"])
    counts = [
        (
            "Pairs",
            f"{n}: {table['as_stated']} as stated, {table['against']} against"
            + (f", {plural(table['ties'], 'tie')}" if table["ties"] else ""),
        ),
        ("First better", f"{table['better']} of {n}, worse in {table['worse']}"),
        ("Sign test", f"p {_equals(p_value(table['p']))}"),
        ("Beyond both ±", f"{table['beyond_spread']} of {n}" if table["beyond_spread"] is not None else ""),
    ]
    return TableView(
        label=table["label"],
        where=table["where"],
        better=better(table["metric"]),
        look=look(table["verdict"]),
        reason=table["reason"],
        counts=[(name, value) for name, value in counts if value],
        spread=table["spread"] or "",
        flags=list(table["flags"].items()),
        unpaired=", ".join(table["unpaired"]),
        rows=[_row(pair, check) for pair in table["pairs"]],
        chart=dumbbells(table, check),
    )


def _equals(p: str) -> str:
    return p if p.startswith("<") else f"= {p}"


def _row(pair: dict, check: dict) -> PairRow:
    first, second = (_printed(value, spread) for value, spread in zip(pair["values"], pair["spreads"], strict=True))
    sides = {"first": check["first"], "second": check["second"], "neither": "neither"}
    return PairRow(
        place=pair["place"],
        first=first,
        second=second,
        difference=f"{pair['difference']:+.4g}".replace("-", "−"),
        better=sides[pair["better"]],
        goes=GOES.get(pair["goes"]) or look(pair["goes"]),
        beyond={True: "yes", False: "no", None: NONE}[pair["beyond_spread"]],
        flags=", ".join(pair["flags"]),
    )


def _printed(value: float, spread: float | None) -> str:
    """With the digits that the document gives."""
    return f"{value:g}" + (f" ± {spread:g}" if is_number(spread) else "")


def dumbbells(table: dict, check: dict) -> Markup:
    """A lane a pair: an open dot at the second entry's value, a full one at the first's, joined; dashed where the pair goes against."""
    pairs = table["pairs"]
    ends = [
        value + way * (spread or 0)
        for pair in pairs
        for value, spread in zip(pair["values"], pair["spreads"], strict=True)
        for way in (-1, 1)
    ]
    scale = fit([value for pair in pairs for value in pair["values"]], LEFT + 6, RIGHT - 6, extra=ends)
    bottom = len(pairs) * LANE + 6
    parts = [line(scale(v), 4, scale(v), bottom, "grid") for v, _ in scale.ticks(4)]
    for row, pair in enumerate(pairs):
        parts.append(_dumbbell(pair, check, scale, 4 + (row + 0.5) * LANE))
    parts.append(line(LEFT, bottom, RIGHT, bottom, "axis"))
    parts += [text(scale(v), bottom + 14, told, "t tick", "middle") for v, told in scale.ticks(4)]
    told = caption(
        (LEFT + RIGHT) / 2,
        bottom + 32,
        (f"{table['label']}, {table['where']}", better(table["metric"]), "log scale" if scale.log else ""),
        40,
    )
    key = caption(
        (LEFT + RIGHT) / 2, bottom + 32 + 14 * len(told), (f"● {check['first']}", f"○ {check['second']}", "dashed: against the claim"), 44
    )
    height = bottom + 24 + 14 * (len(told) + len(key))
    return picture(WIDTH, height, f"{table['label']} of the pairs: {table['reason']}", *parts, *told, *key, class_="chart pairs")


def _dumbbell(pair: dict, check: dict, scale, y: float) -> Markup:
    (x1, x2), style = (scale(value) for value in pair["values"]), GOES.get(pair["goes"], GOES["tie"]).style
    told = f"{pair['place']}: {check['first']} {pair['values'][0]:g}, {check['second']} {pair['values'][1]:g}, {pair['goes']}"
    short = pair["place"] if len(pair["place"]) <= 22 else pair["place"][:21] + "…"
    spreads = [
        line(scale(value - spread), y, scale(value + spread), y, "whisker")
        for value, spread in zip(pair["values"], pair["spreads"], strict=True)
        if is_number(spread)
    ]
    return element(
        "g",
        element("title", told),
        text(LEFT - 8, y + 4, short + (" *" if pair["flags"] else ""), "t", "end"),
        *spreads,
        line(x2, y, x1, y, f"bar {style}"),
        element("circle", cx=x2, cy=y, r=3.6, class_=f"from {style}"),
        element("circle", cx=x1, cy=y, r=4.2, class_=f"to {style}"),
    )
