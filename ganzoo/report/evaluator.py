"""One measurement of `ganzoo evaluate` as one HTML file: what was measured, how, and what each step of the evaluator does to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganzoo.report.evaluator_steps import AS_IT_IS, NONE_OF_THEM, SOURCE, Step, step_of
from ganzoo.report.evaluator_table import Column, Row, columns, rows
from ganzoo.report.evidence import better
from ganzoo.report.page import fill, write
from ganzoo.report.runs import Fields, rows_of
from ganzoo.report.samples import Strip
from ganzoo.report.text import day, digest, listing, number, setting
from ganzoo.spec.spec import FULL

KIND = "evaluator"  # what the folder's index calls such a page
LITTLE = 0.005  # of the first metric: what moves it by less is said to
REMEDY = "Name another file: --page FILE.html."


@dataclass(frozen=True)
class Evaluation:
    title: str
    protocol: str
    facts: list[tuple[str, str]]
    tier: str
    departures: list[str]  # where this is not what the protocol's name stands for
    stand_in: str  # the network in place of the protocol's own; empty if it is its own
    caution: str
    sentence: str
    metrics: list[tuple[str, str, str]]  # label, value, which way is better
    warnings: list[str]
    columns: list[Column]
    rows: list[Row]
    steps: list[tuple[str, Step]]  # anchor and words of each step that was switched off
    source: str
    strips: list[Strip]
    protocol_fields: Fields
    real_fields: Fields
    generator_fields: Fields | None
    made_fields: Fields
    command: str
    summary: dict


def build(told: dict, strips: list[Strip]) -> Evaluation:
    """From what `ganzoo evaluate --json` prints, and pictures of the first samples."""
    protocol, fake, real = told["protocol"], told["fake"], told["real"]
    labels, without = _labels(protocol), told.get("steps") or {}
    departures, stand_in = _departures(protocol["name"], told.get("departures") or {})
    measured = fake.get("run") or Path(fake["path"]).name or fake["path"]
    title = f"What each step of {_base(protocol['name'])} does to the number" if without else f"{measured} under {protocol['name']}"
    tier = str(fake.get("tier") or FULL)
    caution = " · ".join(filter(None, ["stand-in network" if stand_in else "", f"tier {tier}" if tier != FULL else ""]))
    sentence = _sentence(told["metrics"], without, labels)
    generator = {name: fake[name] for name in ("run", "key", "weights", "git", "git_dirty", "resolved") if name in fake}
    return Evaluation(
        title=title,
        protocol=protocol["name"],
        facts=_facts(told),
        tier=tier,
        departures=departures,
        stand_in=stand_in,
        caution=caution,
        sentence=sentence,
        metrics=[(labels.get(name, name), number(value, 4), better(name)) for name, value in told["metrics"].items()],
        warnings=[str(warning["message"]) for warning in told["warnings"]],
        columns=columns(told["metrics"], labels),
        rows=rows(told["metrics"], without),
        steps=[(row.anchor, step_of(row.step)) for row in rows(told["metrics"], without) if row.step not in (AS_IT_IS, NONE_OF_THEM)],
        source=SOURCE,
        strips=strips,
        protocol_fields=Fields(protocol["name"], [("hash", protocol["hash"]), *rows_of(protocol["fields"])], 1),
        real_fields=Fields("reals", rows_of(real), 1),
        generator_fields=Fields(generator["run"], rows_of(generator), 1) if generator else None,
        made_fields=Fields("measured by", rows_of(told.get("made") or {}), 1),
        command=str(told.get("command") or ""),
        summary={
            "kind": KIND,
            "title": title,
            "protocol": protocol["name"],
            "measured": str(measured),
            "tier": tier,
            "caution": caution,
            "finished": (told.get("made") or {}).get("when"),
            "told": sentence,
        },  # fmt: skip
    )


def render_evaluation(told: dict, strips: list[Strip], path: Path) -> Path:
    """Write the page and return its path; StoreError where it cannot be written."""
    return write(Path(path), fill("evaluator.html.j2", e=build(told, strips)), REMEDY)


def _base(name: str) -> str:
    return name.partition("@")[0]


def _labels(protocol: dict) -> dict[str, str]:
    """The protocol is named at the top of the page, so its labels need not name it again."""
    return {metric: label.removesuffix(f" ({protocol['name']})") for metric, label in protocol["labels"].items()}


def _real_name(real: dict) -> str:
    return str(real.get("pack") or real["name"])


def _facts(told: dict) -> list[tuple[str, str]]:
    protocol, fake, real = told["protocol"], told["fake"], told["real"]
    if "run" in fake:
        of = [("Generator", fake["run"]), ("Tier", fake["tier"]), ("Seed", str(fake["seed"])), ("Step", number(fake["step"]))]
    else:
        of = [("Images", fake["path"]), ("Digest", digest(fake.get("digest")))]
    return [
        *of,
        ("Samples", number(fake["count"])),
        ("Reals", f"{_real_name(real)}, {real['split']}, {number(real['count'])}"),
        ("Protocol", f"{protocol['name']} ({digest(protocol['hash'])})"),
        ("Network", str(protocol["fields"]["extractor"])),
        ("Measured", day((told.get("made") or {}).get("when"))),
    ]


def _departures(name: str, found: dict[str, list]) -> tuple[list[str], str]:
    """What the banner says, and the network that stands in, if one does. `found`: field → [the protocol's own value, the one here]."""
    base, told, stand_in = _base(name), [], ""
    for field, (own, here) in found.items():
        if field == "extractor":
            stand_in = str(here)
            told.append(f"{base} looks through {own}; here {here} stands in for it.")
        elif field == "num_fake":
            told.append(f"{number(here)} samples, where {base} takes {number(own)}.")
        elif field == "real_count":
            told.append(f"{number(here)} reals, where {base} takes {'all of them' if own is None else number(own)}.")
        else:
            told.append(f"{field.replace('_', ' ').capitalize()} is {setting(here)}, where {base} has {setting(own)}.")
    return told, stand_in


def _sentence(metrics: dict, without: dict[str, dict], labels: dict[str, str]) -> str:
    """The first metric with and without the steps, the step that moves it most, and those that hardly do."""
    first = next(iter(metrics))
    value, told = metrics[first], f"The {labels.get(first, first)} is {number(metrics[first], 4)}"
    if not without:
        return f"{told}."
    told += " with every step"
    if NONE_OF_THEM in without:
        told += f" and {number(without[NONE_OF_THEM][first], 4)} with none of them"
    moved = {step: found[first] - value for step, found in without.items() if step != NONE_OF_THEM}
    largest = max(moved, key=lambda step: abs(moved[step]), default=None)
    if largest is None or not moved[largest]:
        return f"{told}."
    told += f". Taken away alone, {step_of(largest).short} moves it most, to {number(value + moved[largest], 4)}"
    little = [step_of(step).short for step, by in moved.items() if abs(by) < LITTLE * abs(value) and step != largest]
    return f"{told}; {listing(little)} by less than {LITTLE:.1%}.".replace("%", " %") if little else f"{told}."
