"""Nested settings and their dotted names: {"train": {"epochs": 30}} ↔ {"train.epochs": 30}. A list is one value, not a branch."""

from __future__ import annotations


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


def below(flat: dict[str, object], prefix: str) -> dict[str, object]:
    """The leaves at or below a path."""
    return {path: value for path, value in flat.items() if covers(prefix, path)}


def paths(flat: dict[str, object]) -> set[str]:
    """Every leaf and every branch above one: what an override may name."""
    found: set[str] = set()
    for path in flat:
        parts = path.split(".")
        found.update(".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return found


def assigned(tree: dict, path: str, value: object) -> dict:
    """A copy of the tree with `value` at the path, in place of whatever stood there."""
    head, _, rest = path.partition(".")
    branch = tree.get(head)
    return {**tree, head: assigned(branch if isinstance(branch, dict) else {}, rest, value) if rest else value}
