"""Values as a reader wants to see them: digits that mean something, a real minus sign, units."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

NONE = "–"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def is_number(value: object) -> bool:
    """A finite int or float; records of crashed or diverged runs hold None and NaN as well."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _signed(text: str) -> str:
    return text.replace("-", "−")


def number(value: object, digits: int = 3) -> str:
    """Three significant digits, never fewer than the integer part; 1503632 → 1,503,632."""
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    if not is_number(value):
        return NONE
    if isinstance(value, int) or float(value).is_integer() and abs(value) < 1e9:
        return _signed(f"{int(value):,}")
    size = abs(value)
    if size >= 1e9 or size < 1e-4:
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        return _signed(mantissa) + "×10" + str(int(exponent)).translate(_SUPERSCRIPT)
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    return _signed(f"{value:,.{decimals}f}")


def spread(mean: object, std: object) -> str:
    """Mean ± std, both cut after the second significant digit of std (at most five of the mean)."""
    if not is_number(mean):
        return NONE
    if not is_number(std) or std == 0:
        return number(mean, 4)
    last = math.floor(math.log10(abs(std))) - 1
    if mean:
        last = max(last, math.floor(math.log10(abs(mean))) - 4)
    if max(abs(mean), abs(std)) >= 1e9 or last < -6:
        return f"{number(mean)} ± {number(std, 2)}"
    decimals = max(0, -last)
    if round(std, decimals) == 0:  # rounding noise, as between equal values
        return number(mean, 4)
    return _signed(f"{mean:,.{decimals}f} ± {std:,.{decimals}f}")


def interval(bounds: object) -> str:
    """[lo, hi] as text; an unbounded or missing end shows as a dash."""
    if not isinstance(bounds, list | tuple) or len(bounds) != 2 or not any(is_number(b) for b in bounds):
        return NONE
    return f"[{number(bounds[0])}, {number(bounds[1])}]"


def p_value(p: object) -> str:
    if not is_number(p):
        return NONE
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def seconds(value: object) -> str:
    """Seconds in the unit that keeps two or three digits: 0.41 s, 11.2 s, 5.5 min, 2.1 h."""
    if not is_number(value):
        return NONE
    if value < 120:
        return f"{number(value)} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def setting(value: object) -> str:
    """A setting as a spec would write it: [128, 256], null, true, 2.0e-4."""
    if isinstance(value, float) and value and abs(value) < 1e-2:
        return f"{value:.1e}" if float(f"{value:.1e}") == value else repr(value)
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=str)


def digest(value: object, keep: int = 12) -> str:
    return value[:keep] if isinstance(value, str) and value else NONE


def day(stamp: object) -> str:
    """'2026-11-21T01:02:03Z' → '21 Nov 2026', in UTC; anything else → the dash."""
    try:
        return datetime.fromisoformat(str(stamp)).astimezone(UTC).strftime("%-d %b %Y")
    except ValueError:
        return NONE


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def listing(words: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def seed_order(seed: object) -> tuple[int, str]:
    """Sort key for seeds, which JSON turned into text: 2 before 10."""
    text = str(seed)
    return (int(text), "") if text.lstrip("-").isdigit() else (1 << 62, text)
