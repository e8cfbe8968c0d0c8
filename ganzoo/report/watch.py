"""What the watch over a training saw: its events as marks on the curves and as a list, and how alike the samples became."""

from __future__ import annotations

from ganzoo.report.curves import Level, Line, Mark, Panel, panels
from ganzoo.report.text import NONE, is_number, number

COLOURS = 6  # classes s0 to s5 of the style sheet; further seeds begin again
Row = dict[str, str]


def seed_styles(records: list[dict]) -> dict[int, str]:
    """seed → the class of its colour, the same on the whole page."""
    return {seed: f"s{place % COLOURS}" for place, seed in enumerate(sorted({record["seed"] for record in records}))}


def rows(records: list[dict], styles: dict[int, str]) -> list[Row]:
    """One row an event, by run and in the order of its steps; records of older versions tell no epoch."""
    return [
        {
            "case": record["case"],
            "seed": str(record["seed"]),
            "style": styles[record["seed"]],
            "kind": str(event["kind"]),
            "step": number(event.get("step")),
            "epoch": number(event.get("epoch")),
            "detail": str(event.get("detail") or ""),
        }
        for record in records
        for event in _in_order(record)
    ]


def marks(records: list[dict], styles: dict[int, str], kind: str | None = None) -> dict[str, list[Mark]]:
    """Training → its events (of one kind, or all), each at its step and in its seed's colour."""
    found: dict[str, list[Mark]] = {}
    for record in records:
        for event in _in_order(record):
            if is_number(event.get("step")) and kind in (None, event["kind"]):
                mark = Mark(event["step"], str(event["kind"]), _told(record["seed"], event), styles[record["seed"]])
                found.setdefault(record["case"], []).append(mark)
    return found


def _in_order(record: dict) -> list[dict]:
    return sorted(record.get("events") or [], key=lambda event: event["step"] if is_number(event.get("step")) else float("inf"))


def _told(seed: int, event: dict) -> str:
    """ "seed 0: modes-lost at step 2,340, epoch 5: 7 of 10 classes reached"."""
    epoch = number(event.get("epoch"))
    at = f"step {number(event['step'])}" + (f", epoch {epoch}" if epoch != NONE else "")
    return f"seed {seed}: {event['kind']} at {at}" + (f": {event['detail']}" if event.get("detail") else "")


def diversity(records: list[dict], titles: dict[str, str], styles: dict[int, str]) -> list[Panel]:
    """How far the images of a fixed batch of z lie apart, as a share of the reals', over G steps. Empty where no record has it."""
    lines: dict[str, list[Line]] = {}
    for record in records:
        watched = record.get("watch") or {}
        points = list(zip(watched.get("step") or [], watched.get("diversity") or [], strict=False))
        if points:
            lines.setdefault(record["case"], []).append(Line(points, f"seed {record['seed']}", styles[record["seed"]]))
    collapses, levels = marks(records, styles, "samples-collapsed"), thresholds(records, "collapsed_diversity", "collapsed below")
    return panels(lines, titles, "steps", "diversity, share of the reals'", marks=collapses, levels=levels, log=False)


def thresholds(records: list[dict], setting: str, words: str) -> dict[str, list[Level]]:
    """Training → the values that a setting of the watch had there, each once."""
    found: dict[str, list[Level]] = {}
    for record in records:
        value = ((record.get("resolved") or {}).get("watch") or {}).get(setting)
        level = Level(value, f"{words} {number(value)}")
        if is_number(value) and level not in found.setdefault(record["case"], []):
            found[record["case"]].append(level)
    return found
