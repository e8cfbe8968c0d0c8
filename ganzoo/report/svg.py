"""The few SVG pieces that the charts are made of: escaped elements, and a linear or logarithmic scale.

Colours are left to the style sheet (classes), so that charts follow light, dark and print.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup, escape

from ganzoo.report.text import is_number

LOG_FROM_DECADES = 1.5  # values that spread further than this are read on a logarithmic axis


def element(name: str, *children: object, **attributes: object) -> Markup:
    """<name attributes>children</name>; `class_` → class, `stroke_width` → stroke-width, everything escaped."""
    parts = []
    for key, value in attributes.items():
        if isinstance(value, float):
            value = f"{value:.1f}".removesuffix(".0")
        parts.append(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"')
    body = "".join(escape(child) for child in children)
    return Markup(f"<{name}{''.join(parts)}>{body}</{name}>")


def picture(width: float, height: float, label: str, *children: object, class_: str = "chart") -> Markup:
    """A chart that scales with its column and says in words what it shows."""
    return element("svg", *children, class_=class_, viewBox=f"0 0 {width:g} {height:g}", role="img", aria_label=label)


def text(x: float, y: float, content: object, class_: str = "t", anchor: str = "start") -> Markup:
    return element("text", content, x=x, y=y, class_=class_, text_anchor=anchor)


def caption(x: float, y: float, parts: Iterable[str], widest: int = 56) -> list[Markup]:
    """Parts joined by ' · ', broken between them into lines of at most `widest` characters, 14 units each."""
    lines: list[str] = []
    for part in filter(None, parts):
        part = part if len(part) <= widest else part[: widest - 1] + "…"
        if lines and len(lines[-1]) + 3 + len(part) <= widest:
            lines[-1] += f" · {part}"
        else:
            lines.append(part)
    return [text(x, y + 14 * row, told, "t muted", "middle") for row, told in enumerate(lines)]


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


@dataclass(frozen=True)
class Scale:
    """Values lo..hi onto pixels start..stop (stop may be the smaller: the y axis grows downwards)."""

    lo: float
    hi: float
    log: bool
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Pixel of a value; outside the axis: its nearest end."""
        value = min(max(value, self.lo), self.hi)
        lo, hi, value = (math.log(v) for v in (self.lo, self.hi, value)) if self.log else (self.lo, self.hi, value)
        share = (value - lo) / (hi - lo)
        return self.start + share * (self.stop - self.start)

    def ticks(self, about: int = 4) -> list[tuple[float, str]]:
        values = self._log_ticks(about) if self.log else self._linear_ticks(about)
        return [(value, tick_label(value)) for value in values]

    def _linear_ticks(self, about: int) -> list[float]:
        raw = (self.hi - self.lo) / about
        unit = 10 ** math.floor(math.log10(raw))
        step = next(unit * m for m in (1, 2, 2.5, 5, 10) if unit * m >= raw * 0.999)
        first, last = math.ceil(self.lo / step - 1e-9), math.floor(self.hi / step + 1e-9)
        return [round(k * step, 12) for k in range(first, last + 1)]

    def _log_ticks(self, about: int) -> list[float]:
        low, high = math.floor(math.log10(self.lo)), math.ceil(math.log10(self.hi))
        for steps in ((1, 2, 5), (1, 3), (1,)):
            values = [m * 10.0**k for k in range(low, high + 1) for m in steps if self.lo <= m * 10.0**k <= self.hi]
            if len(values) <= about + 2:
                return values
        return values[:: math.ceil(len(values) / about)]


def tick_label(value: float) -> str:
    """Short: 0.05, 1,500, 20k, 3M, 2e−5."""
    told = f"{value:,.10g}"
    if value and (abs(value) >= 1e9 or abs(value) < 1e-3):
        mantissa, exponent = f"{value:e}".split("e")
        told = f"{float(mantissa):g}e{int(exponent)}"
    elif abs(value) >= 1e6:
        told = f"{value / 1e6:.10g}M"
    elif abs(value) >= 1e4:
        told = f"{value / 1e3:.10g}k"
    return told.replace("-", "−")


def fit(values: Iterable[float], start: float, stop: float, extra: Iterable[float] = (), log: bool | None = None) -> Scale:
    """A scale with a little air around the values. Logarithmic when the values (not the extras: interval ends) ask for it."""
    values = [float(v) for v in values if is_number(v)]
    if not values:
        return Scale(0.0, 1.0, False, start, stop)
    if log is None:
        log = min(values) > 0 and math.log10(max(values) / min(values)) > LOG_FROM_DECADES
    ends = values + [float(v) for v in extra if is_number(v)]
    if log:
        lo = min([v for v in ends if v > 0])
        lo, hi = max(lo, min(values) / 10), max(ends)  # an interval that nears zero must not stretch a log axis without end
        air = (hi / lo) ** 0.06 if hi > lo else 1.5
        return Scale(lo / air, hi * air, True, start, stop)
    lo, hi = min(ends), max(ends)
    air = (hi - lo) * 0.06 or abs(hi) * 0.1 or 1.0
    return Scale(lo - air, hi + air, False, start, stop)
