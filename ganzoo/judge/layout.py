"""JSON whose diffs can be read: one entry a line, but a list of numbers or a small mapping on one line."""

from __future__ import annotations

import json

MAX_LINE = 140  # characters of a mapping on one line, its indent counted


def laid_out(value: object, depth: int = 0) -> str:
    """The value as strict JSON; ValueError for NaN and infinity. Keys keep their order."""
    if isinstance(value, dict | list) and not (_is_row(value) or _fits(value, depth)):
        inner, outer = "\n" + " " * (depth + 1), "\n" + " " * depth
        if isinstance(value, dict):
            entries = (f"{_plain(str(name))}: {laid_out(entry, depth + 1)}" for name, entry in value.items())
            return "{" + inner + f",{inner}".join(entries) + outer + "}"
        return "[" + inner + f",{inner}".join(laid_out(entry, depth + 1) for entry in value) + outer + "]"
    return _plain(value)


def _is_row(value: dict | list) -> bool:
    """A list without further structure, however long: a curve, a shape, a list of names."""
    return isinstance(value, list) and not any(isinstance(entry, dict | list) for entry in value)


def _fits(value: dict | list, depth: int) -> bool:
    """A mapping of plain values short enough for a line."""
    plain = isinstance(value, dict) and not any(isinstance(entry, dict | list) for entry in value.values())
    return plain and depth + len(_plain(value)) <= MAX_LINE


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)
