"""What may be compared: protocols that agree in every field, and records whose settings are still the spec's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

LENGTH = ("train.epochs", "train.max_steps")  # told by the epoch at which a case is read off
ABSENT = object()


def differing_fields(protocols: Iterable[Mapping | None]) -> list[str]:
    """Dotted fields in which protocols (as records hold them) are not all alike; empty if their hashes are."""
    protocols = [protocol or {} for protocol in protocols]
    if len({protocol.get("hash") for protocol in protocols}) <= 1:
        return []
    flats = [flat({"name": p.get("name"), **(p.get("fields") or {})}) for p in protocols]
    names = sorted({name for fields in flats for name in fields})
    differing = [name for name in names if any(fields.get(name, ABSENT) != flats[0].get(name, ABSENT) for fields in flats)]
    return differing or ["hash"]


def changed_settings(record: Mapping, case: str, settings: Mapping) -> list[str]:
    """Dotted settings in which a record is not the case that the spec resolves to today, its length included.

    Settings that only one side knows are passed over: the schema has grown since.
    """
    then, now = flat(record["resolved"]), flat(settings)
    changed = sorted(path for path in then.keys() & now.keys() if path not in LENGTH and then[path] != now[path])
    length = expected_epoch(settings, record)
    if length is not None and abs(record["cases"][case] - length) > 1e-3:
        changed.append("train.epochs")
    return changed


def expected_epoch(settings: Mapping, record: Mapping) -> float | None:
    """The epoch at which a case with these settings ends on the record's data; None if the record does not say how many there were."""
    count = (record.get("data") or {}).get("count")
    train = settings["train"]
    if train.get("max_steps") is None:
        return train["epochs"]
    return min(train["epochs"], train["max_steps"] / (count // train["batch_size"])) if count else None


def flat(tree: Mapping, prefix: str = "") -> dict[str, object]:
    """Nested plain data as dotted path → leaf; lists are leaves, tuples are lists."""
    leaves: dict[str, object] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            leaves |= flat(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = json.loads(json.dumps(value))
    return leaves
