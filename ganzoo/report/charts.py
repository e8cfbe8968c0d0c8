"""Charts of seeds: every seed a dot, with mean and interval (`strip`), and a difference against its margin (`difference`).

Drawn 380 units wide, so that a phone shows them at about full size and their text stays readable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from markupsafe import Markup

from ganzoo.report.svg import Scale, caption, element, fit, line, picture, text
from ganzoo.report.text import is_number, number, seed_order

WIDTH, LEFT, RIGHT = 380, 10, 370
LANE = 44  # height of one case: its label, then its dots in up to three rows
DOT = 4.2
Dots = list[tuple[str, float, float]]  # (seed, x, y from the lane's middle)
ROW, COLUMN = 6.5, 7.5  # between the centres of dots that step aside


@dataclass(frozen=True)
class Lane:
    """One case of a strip plot: {seed: value}, its mean and interval where the judge gave one."""

    name: str
    values: dict[str, float | None]  # None, NaN: `absent`
    mean: float | None = None
    interval: tuple[float, float] | None = None
    absent: str = "diverged"  # what a value that is not finite means
    finite: dict[str, float] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self):
        kept = {s: v for s, v in sorted(self.values.items(), key=lambda kv: seed_order(kv[0])) if is_number(v)}
        object.__setattr__(self, "finite", kept)


def strip(lanes: list[Lane], label: str, better: str = "", happened: bool = False) -> Markup:
    """One lane per case under a common axis. `happened`: the values are 0 or 1, an event that came or did not."""
    values = [v for lane in lanes for v in lane.finite.values()]
    bounds = [b for lane in lanes for b in lane.interval or () if is_number(b)]
    scale = Scale(-0.15, 1.15, False, LEFT, RIGHT) if happened else fit(values, LEFT + 4, RIGHT - 4, extra=bounds)
    placed = [_spread_out(lane.finite, scale) for lane in lanes]
    crowd = max([abs(y) for dots in placed for _, _, y in dots] + [ROW]) - ROW  # beyond three rows: room for more, above and below
    height = LANE + 2 * crowd
    bottom = len(lanes) * height + 6
    ticks = [(0.0, "did not happen"), (1.0, "happened")] if happened else scale.ticks()
    parts = [line(scale(v), 8, scale(v), bottom, "grid") for v, _ in ticks]
    for row, (lane, dots) in enumerate(zip(lanes, placed, strict=True)):
        parts.append(_lane(lane, dots, scale, row * height, 31 + crowd, happened))
    parts.append(line(LEFT, bottom, RIGHT, bottom, "axis"))
    parts += [_tick(scale(v), bottom + 14, t) for v, t in ticks]
    told = caption(WIDTH / 2, bottom + 32, (label, better, "log scale" if scale.log else ""))
    return picture(WIDTH, bottom + 24 + 14 * len(told), _in_words(lanes, label, happened), *parts, *told)


def _lane(lane: Lane, dots: Dots, scale: Scale, top: float, down: float, happened: bool) -> Markup:
    middle = top + down
    parts = [_name(lane.name, top + 15), line(LEFT, middle, RIGHT, middle, "lane")]
    parts.append(element("text", _summary(lane, happened), x=RIGHT, y=top + 15, class_="t muted halo", text_anchor="end"))
    if lane.interval and all(is_number(b) for b in lane.interval) and not happened:
        x1, x2 = scale(lane.interval[0]), scale(lane.interval[1])
        parts.append(element("rect", x=x1, y=middle - 6, width=max(x2 - x1, 1.0), height=12, rx=3, class_="range"))
    for seed, x, dy in dots:
        told = f"seed {seed}: {number(lane.finite[seed])}"
        parts.append(element("circle", element("title", told), cx=x, cy=middle + dy, r=DOT, class_="dot"))
    if is_number(lane.mean) and not happened and lane.finite:
        parts.append(line(scale(lane.mean), middle - 9, scale(lane.mean), middle + 9, "mean"))
    return element("g", *parts)


def _name(name: str, y: float) -> Markup:
    short = name if len(name) <= 30 else name[:29] + "…"
    return element("text", element("title", name), short, x=LEFT, y=y, class_="t strong halo")


def _summary(lane: Lane, happened: bool) -> str:
    diverged = len(lane.values) - len(lane.finite)
    if diverged:
        return f"{diverged} of {len(lane.values)} {lane.absent}"
    if happened:
        return f"{sum(v > 0 for v in lane.finite.values())} of {len(lane.finite)} seeds"
    return f"mean {number(lane.mean)}, n = {len(lane.finite)}" if is_number(lane.mean) else f"n = {len(lane.finite)}"


def _spread_out(values: dict[str, float], scale: Scale) -> Dots:
    """Dots that would cover one another step aside: up and down in turn, and only where five rows are full, sideways."""
    rows = [0.0, -ROW, ROW, -2 * ROW, 2 * ROW]
    placed: Dots = []
    for seed, value in values.items():
        places = ((scale(value) + column * COLUMN, row) for step in range(len(values)) for column in (step, -step) for row in rows)
        free = (place for place in places if all(math.dist(place, other) >= ROW for _, *other in placed))
        placed.append((seed, *next(free)))
    return placed


def _tick(x: float, y: float, label: str) -> Markup:
    """A label under its tick, kept inside the picture at either end."""
    if x < LEFT + 14:
        return text(LEFT, y, label, "t tick", "start")
    if x > RIGHT - 14:
        return text(RIGHT, y, label, "t tick", "end")
    return text(x, y, label, "t tick", "middle")


def _in_words(lanes: list[Lane], label: str, happened: bool) -> str:
    told = [f"{lane.name}: {_summary(lane, happened)}" for lane in lanes]
    return f"{label} per seed. " + "; ".join(told)


def difference(value: float, interval: tuple[float, float] | None, margin: float | None, label: str, between: str = "") -> Markup | None:
    """A difference with its interval, zero, and the equivalence margin as a band. None without a finite difference."""
    if not is_number(value):
        return None
    ends = [b for b in interval or () if is_number(b)]
    margin = abs(margin) if is_number(margin) else None
    scale = fit([value, 0.0, *ends], LEFT + 4, RIGHT - 4, extra=[margin, -margin] if margin else [], log=False)
    parts = []
    if margin:
        x1, x2 = scale(-margin), scale(margin)
        parts.append(element("rect", x=x1, y=6, width=x2 - x1, height=28, class_="margin"))
    ticks = scale.ticks()
    parts += [line(scale(v), 6, scale(v), 34, "zero" if v == 0 else "grid") for v, _ in ticks]
    if len(ends) == 2:
        x1, x2 = scale(ends[0]), scale(ends[1])
        parts += [line(x1, 20, x2, 20, "whisker"), line(x1, 15, x1, 25, "whisker"), line(x2, 15, x2, 25, "whisker")]
    x = scale(value)
    parts.append(element("path", d=f"M{x - 6:.1f} 20L{x:.1f} 14L{x + 6:.1f} 20L{x:.1f} 26Z", class_="diamond"))
    parts.append(line(LEFT, 34, RIGHT, 34, "axis"))
    parts += [_tick(scale(v), 48, t) for v, t in ticks]
    told = caption(WIDTH / 2, 66, (label, between, f"band: margin ±{number(margin)}" if margin else ""))
    words = f"{label}: {number(value)}" + (f", interval {number(ends[0])} to {number(ends[1])}" if len(ends) == 2 else "")
    return picture(WIDTH, 58 + 14 * len(told), words, *parts, *told)
