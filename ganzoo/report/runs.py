"""What ran, where, and at what price: tables read straight from the records."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from dataclasses import dataclass

from ganzoo.report.text import NONE, day, digest, is_number, listing, number, plural, seconds, setting, spread

Row = dict[str, str]
PLAIN_PRECISION = "fp32"


@dataclass(frozen=True)
class Fields:
    """A heading and its rows of (name, value); `runs` of the records share them."""

    heading: str
    rows: list[tuple[str, str]]
    runs: int


def in_order(records: list[dict], cases: list[str]) -> list[dict]:
    """By the spec's order of cases, then by seed."""
    place = {case: i for i, case in enumerate(cases)}
    return sorted(records, key=lambda r: (place.get(r["case"], len(place)), r["seed"]))


def judged(records: list[dict], set_aside: list[dict]) -> list[dict]:
    """The records without the cases that the judge set aside, whose settings are no longer the spec's."""
    aside = {(entry["key"], entry["case"]) for entry in set_aside}
    kept = []
    for record in records:
        cases = {case: epoch for case, epoch in record["cases"].items() if (record["key"], case) not in aside}
        if cases:
            kept.append(record | {"cases": cases})
    return kept


def crashed(records: list[dict]) -> list[Row]:
    """One row for each run that did not finish, with what it said and the way out."""
    rows = []
    for record in records:
        error = record.get("error") or {}
        if record["status"] == "finished" and not error:
            continue
        rows.append(
            {
                "case": ", ".join(record["cases"]),
                "seed": str(record["seed"]),
                "status": record["status"],
                "error": ": ".join(str(error[k]) for k in ("type", "message") if error.get(k)) or "stopped before its last epoch",
                "hint": str(error.get("hint") or ""),
            }
        )
    return rows


def ledger(records: list[dict]) -> list[Row]:
    """Every run: key, status, digest of its final weights, when."""
    return [
        {
            "case": record["case"],
            "also": ", ".join(name for name in record["cases"] if name != record["case"]),
            "seed": str(record["seed"]),
            "status": record["status"],
            "key": digest(record["key"]),
            "weights": digest(record.get("weights")),
            "started": str(record.get("started") or NONE),
            "took": _took(record.get("timing") or {}),
        }
        for record in records
    ]


def _took(timing: dict) -> str:
    parts = [timing.get(f"{part}_seconds") for part in ("data", "train", "eval")]
    return seconds(sum(filter(is_number, parts))) if any(map(is_number, parts)) else NONE


def costs(records: list[dict]) -> list[Row]:
    """One row per training (a sweep over epochs is one training): sizes and times over its finished seeds."""
    rows = []
    for case, group in _by_case(records).items():
        timing = [record.get("timing") or {} for record in group]
        counts = group[0].get("counts") or {}
        parameters = counts.get("parameters") or {}
        per_epoch = [(record.get("scalars") or {}).get("seconds_per_epoch") for record in group]
        rows.append(
            {
                "case": case,
                "n": str(len(group)),
                "generator": number(parameters.get("generator")),
                "discriminator": number(parameters.get("discriminator")),
                "flops": number(counts.get("flops_per_step")),
                "per_epoch": _mean(per_epoch) + " s" if any(is_number(v) for v in per_epoch) else NONE,
                "train": seconds(_plain_mean([t.get("train_seconds") for t in timing])),
                "eval": seconds(_plain_mean([t.get("eval_seconds") for t in timing])),
                "steps": _mean([t.get("steps_per_second") for t in timing]),
                "memory": number(max((t.get("peak_memory_mb") for t in timing if is_number(t.get("peak_memory_mb"))), default=None)),
            }
        )
    return rows


def _by_case(records: list[dict]) -> dict[str, list[dict]]:
    groups: dict[str, list[dict]] = {}
    for record in records:
        if record["status"] == "finished":
            groups.setdefault(record["case"], []).append(record)
    return groups


def _plain_mean(values: list) -> float | None:
    kept = [v for v in values if is_number(v)]
    return statistics.fmean(kept) if kept else None


def _mean(values: list) -> str:
    kept = [v for v in values if is_number(v)]
    return spread(statistics.fmean(kept), statistics.stdev(kept) if len(kept) > 1 else None) if kept else NONE


def environments(records: list[dict]) -> list[Fields]:
    """The distinct machines and versions, the most used first."""
    return [Fields(" · ".join(_in_short(env)), rows_of(env), runs) for env, runs in _distinct(records, "environment")]


def precisions(records: list[dict]) -> list[str]:
    """The arithmetic of the trainings, fp32 first; records that do not tell it are left out."""
    found = {((record.get("resolved") or {}).get("train") or {}).get("precision") for record in records}
    return sorted((str(one) for one in found if one), key=lambda one: (one != PLAIN_PRECISION, one))


def _in_short(environment: dict) -> list[str]:
    versions = [f"{name} {environment[name]}" for name in ("torch", "python") if environment.get(name)]
    return [str(environment.get("device_name") or environment.get("device") or "unnamed device"), *versions]


def protocols(records: list[dict]) -> list[Fields]:
    """The distinct protocols: name, hash and every field behind it."""
    found = []
    for protocol, runs in _distinct(records, "protocol"):
        fields = [(name, value) for name, value in rows_of(protocol.get("fields") or {}) if name != "name"]
        found.append(Fields(protocol["name"], [("hash", protocol["hash"]), *fields], runs))
    return found


def datasets(records: list[dict]) -> list[Fields]:
    """The distinct data sets, by digest. A run that crashed early knows less of its data than the others."""
    fullest: dict[str, dict] = {}
    for record in records:
        data = record.get("data") or {}
        if data.get("digest") and len(data) > len(fullest.get(data["digest"], {})):
            fullest[data["digest"]] = data
    used = Counter((record.get("data") or {}).get("digest") for record in records)
    return [Fields(data["name"], rows_of(data), used[digest_]) for digest_, data in fullest.items()]


def codes(records: list[dict]) -> list[tuple[str, int]]:
    """Digests of the code that defines the science, with the number of runs made by each."""
    return Counter(str(r.get("code") or "not recorded") for r in records).most_common()


def blessings(records: list[dict]) -> list[Row]:
    """Every blessing that brought some of these records, oldest first: when, why, how many runs of which seeds. None for fresh runs."""
    brought: dict[tuple[str, str], list[dict]] = {}
    for record in records:
        if blessing := record.get("blessing"):
            brought.setdefault((blessing["when"], blessing["reason"]), []).append(record)
    return [
        {
            "when": day(when),
            "reason": reason,
            "runs": plural(len(group), "run"),
            "seeds": ("seeds " if len(seeds) > 1 else "seed ") + listing([str(seed) for seed in seeds]),
        }
        for (when, reason), group in sorted(brought.items())
        if (seeds := sorted({record["seed"] for record in group}))
    ]


def _distinct(records: list[dict], part: str) -> list[tuple[dict, int]]:
    """(value, number of records that hold it), the most common first."""
    kept = [record[part] for record in records if record.get(part)]
    texts = [json.dumps(value, sort_keys=True, default=str) for value in kept]
    of_text = dict(zip(texts, kept, strict=True))
    return [(of_text[text], runs) for text, runs in Counter(texts).most_common()]


def rows_of(fields: dict, prefix: str = "") -> list[tuple[str, str]]:
    """Nested fields as (dotted name, value)."""
    rows: list[tuple[str, str]] = []
    for key, value in fields.items():
        if isinstance(value, dict):
            rows += rows_of(value, f"{prefix}{key}.")
        else:
            rows.append((f"{prefix}{key}", setting(value) if value is not None else "none"))
    return rows
