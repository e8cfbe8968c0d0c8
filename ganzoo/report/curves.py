"""Small multiples: one panel per case on common axes, one thin line per seed; marks of what happened, and levels to compare with."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

from markupsafe import Markup

from ganzoo.report.svg import Scale, element, fit, line, picture, text
from ganzoo.report.text import is_number, number

WIDTH, HEIGHT = 260, 150
LEFT, RIGHT, TOP, BOTTOM = 42, 252, 8, 118
MOST_POINTS = 120  # a line with more is thinned, its extremes kept
LANE = 12  # height above the plot for the marks of one name
POINTER = 5  # between pointers of one lane at one place, which stand side by side
LETTER = 5.6  # about the width of one, in marks' names
MOST_TOLD = 8  # marks that a panel's description tells one by one

Points = list[tuple[float, float | None]]


@dataclass(frozen=True)
class Line:
    """One seed's course. `style` is a class of the style sheet: a, b, c for kinds in one panel. `dots`: a name for every point."""

    points: Points
    told: str
    style: str = "a"
    dots: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """What happened at one place of the x axis, in words and by name; marks of one name share a lane above the plot."""

    x: float
    name: str
    told: str
    style: str


@dataclass(frozen=True)
class Level:
    """A horizontal line, such as a threshold."""

    y: float
    told: str


@dataclass(frozen=True)
class Panel:
    case: str
    title: str
    chart: Markup


def panels(
    lines: dict[str, list[Line]],
    titles: dict[str, str],
    x_label: str,
    y_label: str,
    *,
    marks: dict[str, list[Mark]] | None = None,
    levels: dict[str, list[Level]] | None = None,
    log: bool | None = None,
    x_names: list[str] | None = None,
) -> list[Panel]:
    """A panel for each case that has at least one finite point; axes shared, so heights compare across panels.

    `log`: the y axis, None: as the values ask for. `x_names`: x is 0, 1, … and these are the names under it.
    """
    drawn = {case: [ln for ln in group if _finite(ln.points)] for case, group in lines.items()}
    drawn = {case: group for case, group in drawn.items() if group}
    points = [p for group in drawn.values() for ln in group for p in _finite(ln.points)]
    if not points:
        return []
    marked = {case: [m for m in (marks or {}).get(case, []) if is_number(m.x)] for case in drawn}
    level = {case: (levels or {}).get(case, []) for case in drawn}
    lanes = max(len({m.name for m in group}) for group in marked.values())
    down = lanes * LANE
    y = fit([v for _, v in points], BOTTOM + down, TOP + down, [lv.y for group in level.values() for lv in group], log)
    x = _across([x for x, _ in points] + [m.x for group in marked.values() for m in group], x_names)
    return [
        Panel(case, titles.get(case, case), _panel(case, group, (x, y), (x_label, y_label), marked[case], level[case], x_names))
        for case, group in drawn.items()
    ]


def _across(xs: list[float], names: list[str] | None) -> Scale:
    if names:
        return Scale(-0.3, len(names) - 0.7, False, LEFT, RIGHT)
    return Scale(min(0.0, min(xs)), max(xs) if max(xs) > min(0.0, min(xs)) else min(xs) + 1.0, False, LEFT, RIGHT)


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, v) for x, v in points if is_number(x) and is_number(v)]


def _panel(
    case: str, group: list[Line], scales: tuple[Scale, Scale], labels: tuple[str, str], marks: list[Mark], levels: list[Level], x_names
):
    (x, y), (x_label, y_label), bottom = scales, labels, scales[1].start
    parts = []
    for value, label in y.ticks(4):
        parts += [line(LEFT, y(value), RIGHT, y(value), "grid"), text(LEFT - 5, y(value) + 3.5, label, "t tick", "end")]
    for value, label in list(enumerate(x_names)) if x_names else x.ticks(4):
        at_end = not x_names and x(value) > RIGHT - 8
        parts.append(text(RIGHT if at_end else x(value), bottom + 14, label, "t tick", "end" if at_end else "middle"))
    parts.append(line(LEFT, bottom, RIGHT, bottom, "axis"))
    parts += [_level(lv, y) for lv in levels]
    parts += _marks(marks, x, bottom)
    for ln in group:
        parts.append(element("path", element("title", ln.told), d=_path(thin(ln.points), x, y), class_=f"line {ln.style}"))
        if len(_finite(ln.points)) == 1 and not ln.dots:  # a path of one point draws nothing
            px, pv = _finite(ln.points)[0]
            parts.append(element("circle", cx=x(px), cy=y(pv), r=2.5, class_=f"point {ln.style}"))
        parts += _dots(ln, x, y)
    parts.append(text((LEFT + RIGHT) / 2, bottom + 28, x_label + (" · log y" if y.log else ""), "t muted", "middle"))
    return picture(WIDTH, bottom + 32, _in_words(case, group, x_label, y_label, marks, levels), *parts, class_="chart panel")


def _level(level: Level, y: Scale) -> Markup:
    at = y(level.y)
    return element(
        "g", element("title", level.told), line(LEFT, at, RIGHT, at, "level"), text(RIGHT, at - 3, level.told, "t muted halo", "end")
    )


def _marks(marks: list[Mark], x: Scale, bottom: float) -> list[Markup]:
    """For each name a lane above the plot with a pointer for every mark, and a line down from it to the axis."""
    parts = []
    for row, name in enumerate(dict.fromkeys(m.name for m in marks)):
        middle, mine = 7 + row * LANE, [m for m in marks if m.name == name]
        for m in mine:
            at, together = x(m.x), [other for other in mine if other.x == m.x]
            tip = at + POINTER * (next(i for i, other in enumerate(together) if other is m) - (len(together) - 1) / 2)  # side by side
            pointer = element("path", d=f"M{tip - 3.5:.1f} {middle - 4}H{tip + 3.5:.1f}L{tip:.1f} {middle + 3}Z")
            parts.append(element("g", element("title", m.told), line(at, middle, at, bottom, "drop"), pointer, class_=f"mark {m.style}"))
        aside = POINTER * (max(Counter(m.x for m in mine).values()) - 1) / 2
        first, last, wide = x(min(m.x for m in mine)) - aside, x(max(m.x for m in mine)) + aside, len(name) * LETTER
        if RIGHT - last >= wide + 6:
            parts.append(text(last + 6, middle + 3, name, "t muted small halo"))
        else:
            parts.append(text(max(first - 6, min(wide, RIGHT)), middle + 3, name, "t muted small halo", "end"))
    return parts


def _dots(ln: Line, x: Scale, y: Scale) -> list[Markup]:
    """Named points; the name stands above its point, at the right end to the left of it."""
    parts = []
    for name, (px, pv) in zip(ln.dots, ln.points, strict=False):
        if is_number(px) and is_number(pv):
            parts.append(
                element("circle", element("title", f"{name}: {number(pv)}"), cx=x(px), cy=y(pv), r=2.5, class_=f"point {ln.style}")
            )
            end = x(px) > RIGHT - len(name) * LETTER
            parts.append(text(x(px) + (-4 if end else 4), y(pv) - 4, name, "t muted small halo", "end" if end else "start"))
    return parts


def _in_words(case: str, group: list[Line], x_label: str, y_label: str, marks: list[Mark], levels: list[Level]) -> str:
    last = [_finite(ln.points)[-1][1] for ln in group]
    told = [f"{y_label} over {x_label}, {case}: {len(group)} lines, ending at {', '.join(number(v) for v in last[:6])}"]
    told += [m.told for m in marks[:MOST_TOLD]] + ([f"and {len(marks) - MOST_TOLD} more events"] if len(marks) > MOST_TOLD else [])
    return "; ".join(told + [lv.told for lv in levels])


def _path(points: Points, x: Scale, y: Scale) -> str:
    """M/L commands; a missing value breaks the line instead of bridging the gap."""
    commands, pen_down = [], False
    for px, pv in points:
        if not is_number(px) or not is_number(pv):
            pen_down = False
            continue
        commands.append(f"{'L' if pen_down else 'M'}{x(px):.1f} {y(pv):.1f}")
        pen_down = True
    return "".join(commands)


def thin(points: Points, most: int = MOST_POINTS) -> Points:
    """At most `most` points: of each stretch its lowest and its highest, in their order, so that spikes survive."""
    if len(points) <= most:
        return points
    size = math.ceil(len(points) / (most // 2))
    kept: Points = []
    for start in range(0, len(points), size):
        stretch = [p for p in points[start : start + size] if is_number(p[1])]
        if stretch:
            ends = {id(p): p for p in (min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1]))}
            kept += sorted(ends.values(), key=lambda p: p[0])
        else:
            kept.append(points[start])
    return kept
