"""Small multiples: one panel per case on common axes, one thin line per seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from markupsafe import Markup

from ganzoo.report.svg import Scale, element, fit, line, picture, text
from ganzoo.report.text import is_number, number

WIDTH, HEIGHT = 260, 150
LEFT, RIGHT, TOP, BOTTOM = 42, 252, 8, 118
MOST_POINTS = 120  # a line with more is thinned, its extremes kept

Points = list[tuple[float, float | None]]


@dataclass(frozen=True)
class Line:
    """One seed's course. `style` is a class of the style sheet: a, b for two kinds in one panel."""

    points: Points
    told: str
    style: str = "a"


@dataclass(frozen=True)
class Panel:
    case: str
    title: str
    chart: Markup


def panels(lines: dict[str, list[Line]], titles: dict[str, str], x_label: str, y_label: str) -> list[Panel]:
    """A panel for each case that has at least one finite point; axes shared, so heights compare across panels."""
    drawn = {case: [ln for ln in group if _finite(ln.points)] for case, group in lines.items()}
    drawn = {case: group for case, group in drawn.items() if group}
    points = [p for group in drawn.values() for ln in group for p in _finite(ln.points)]
    if not points:
        return []
    y = fit([v for _, v in points], BOTTOM, TOP)
    xs = [x for x, _ in points]
    x = Scale(min(0.0, min(xs)), max(xs) if max(xs) > min(0.0, min(xs)) else min(xs) + 1.0, False, LEFT, RIGHT)
    return [Panel(case, titles.get(case, case), _panel(case, group, x, y, x_label, y_label)) for case, group in drawn.items()]


def _finite(points: Points) -> list[tuple[float, float]]:
    return [(x, v) for x, v in points if is_number(x) and is_number(v)]


def _panel(case: str, group: list[Line], x: Scale, y: Scale, x_label: str, y_label: str) -> Markup:
    parts = []
    for value, label in y.ticks(4):
        parts += [line(LEFT, y(value), RIGHT, y(value), "grid"), text(LEFT - 5, y(value) + 3.5, label, "t tick", "end")]
    for value, label in x.ticks(4):
        at_end = x(value) > RIGHT - 8
        parts.append(text(RIGHT if at_end else x(value), BOTTOM + 14, label, "t tick", "end" if at_end else "middle"))
    parts.append(line(LEFT, BOTTOM, RIGHT, BOTTOM, "axis"))
    for ln in group:
        parts.append(element("path", element("title", ln.told), d=_path(thin(ln.points), x, y), class_=f"line {ln.style}"))
        if len(_finite(ln.points)) == 1:  # a path of one point draws nothing
            px, pv = _finite(ln.points)[0]
            parts.append(element("circle", cx=x(px), cy=y(pv), r=2.5, class_=f"point {ln.style}"))
    parts.append(text((LEFT + RIGHT) / 2, HEIGHT - 4, x_label + (" · log y" if y.log else ""), "t muted", "middle"))
    last = [_finite(ln.points)[-1][1] for ln in group]
    words = f"{y_label} over {x_label}, {case}: {len(group)} lines, ending at {', '.join(number(v) for v in last[:6])}"
    return picture(WIDTH, HEIGHT, words, *parts, class_="chart panel")


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
