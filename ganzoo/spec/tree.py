"""Nested settings and their dotted names: {"train": {"epochs": 30}} ↔ {"train.epochs": 30}. A list is one value, not a branch."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def dotted(tree: dict, prefix: str = "") -> dict[str, object]:
    """Dotted path → value of every leaf. An empty mapping is a leaf."""
    flat: dict[str, object] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat.update(dotted(value, f"{path}."))
        else:
            flat[path] = value
    return flat


def covers(prefix: str, path: str) -> bool:
    """Whether `path` is `prefix` or lies below it."""
    return path == prefix or path.startswith(f"{prefix}.")


def branches(path: str) -> list[str]:
    """The path and every branch above it, longest first: a.b.c, a.b, a."""
    parts = path.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]


def below(flat: dict[str, object], prefix: str) -> dict[str, object]:
    """The leaves at or below a path."""
    return {path: value for path, value in flat.items() if covers(prefix, path)}


def paths(leaves: Iterable[str]) -> set[str]:
    """Every leaf and every branch above one: what an override may name."""
    return {branch for leaf in leaves for branch in branches(leaf)}


def neighbours(path: str, valid: Iterable[str]) -> set[str]:
    """Of many valid paths those worth naming beside a wrong one: its own branch, or the closest path's, or the top level."""
    valid = set(valid)
    close = difflib.get_close_matches(path, valid, n=1, cutoff=0.6)
    head = close[0].partition(".")[0] if close else path.partition(".")[0]
    return {known for known in valid if covers(head, known)} or {known.partition(".")[0] for known in valid}


def assigned(tree: dict, path: str, value: object) -> dict:
    """A copy of the tree with `value` at the path, in place of whatever stood there."""
    head, _, rest = path.partition(".")
    branch = tree.get(head)
    return {**tree, head: assigned(branch if isinstance(branch, dict) else {}, rest, value) if rest else value}
