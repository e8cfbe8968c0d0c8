"""How verdicts speak: numbers, intervals, seeds, in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from ganzoo.judge.stats.intervals import Interval
from ganzoo.judge.verdicts import Summary


def figure(value: float | None) -> str:
    """Three significant digits; whole numbers from a thousand on."""
    if value is None or not math.isfinite(value):
        return "not finite"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def span(interval: Interval) -> str:
    return f"[{figure(interval[0])}, {figure(interval[1])}]"


def chance(p: float) -> str:
    """ "p = 0.10", "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2f}" if p >= 0.095 else f"p = {p:.2g}"


def seeds(n: int) -> str:
    return f"{n} seed" if n == 1 else f"{n} seeds"


def runs(n: int) -> str:
    return f"{n} run" if n == 1 else f"{n} runs"


def described(case: str, summed: Summary) -> str:
    """ "original 12.3 [11.0, 13.6]": mean with its interval, or what there is instead."""
    if summed.never:
        known = [value for value in summed.values.values() if math.isfinite(value)]
        else_ = f", else at {figure(min(known))}" + (f" to {figure(max(known))}" if len(known) > 1 else "") if known else ""
        return f"{case} (never in {summed.never} of {seeds(summed.n)}{else_})"
    if summed.diverged:
        return f"{case} ({summed.diverged} of {seeds(summed.n)} diverged)"
    told = f"{case} {figure(summed.mean)}"
    return f"{told} {span(summed.interval)}" if summed.interval else f"{told} (one seed)" if summed.n == 1 else told


def counts(n: dict[str, int]) -> str:
    """ "3 seeds each", or by case where they differ."""
    different = set(n.values())
    if len(different) == 1:
        return f"{seeds(different.pop())} each"
    return ", ".join(f"{case} {seeds(count)}" for case, count in n.items())


def listing(names: Iterable[str], joint: str = "and") -> str:
    names = list(names)
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {joint} {names[-1]}" if names else "none"


def sentences(parts: Sequence[str]) -> str:
    return " ".join(part for part in parts if part)


def scale(tier: str, stand_in: str | None) -> str:
    """What the reader must know about where this was judged; empty at the document's own scale and data."""
    parts = []
    if tier != "full":
        parts.append(f"Judged at tier '{tier}', not at the document's scale.")
    if stand_in:
        parts.append(f"Judged on stand-in data; the document used {stand_in}.")
    return " ".join(parts)
