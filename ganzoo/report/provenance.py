"""Every setting with its value and where it comes from; and what each case changes."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.report.text import setting
from ganzoo.spec import Resolved, dotted
from ganzoo.spec.idle import idle

KINDS = {
    "stated": "by the document",
    "code": "by the authors' code",
    "assumed": "by us, where neither says",
    "suite": "about how the suite measures",
}


OF_MODEL = {"kind": "assumed", "text": "suite default: the option is left to the model"}
DROPPED = {"kind": "", "text": ""}  # a case that takes SGD has no betas, and no source for having none


@dataclass(frozen=True)
class Setting:
    path: str
    value: str
    kind: str
    text: str
    before: str = ""  # the base's value, for an override


@dataclass(frozen=True)
class Overrides:
    """What one case changes against the reference case."""

    case: str
    title: str
    settings: list[Setting]


@dataclass(frozen=True)
class Provenance:
    reference: str  # the case that the others are compared with
    settings: list[Setting]
    assumed: list[Setting]  # what the spec's author had to decide; the schema's defaults are told apart by their source
    counts: dict[str, int]
    overrides: list[Overrides]
    tier: list[Setting]  # what the tier scaled down


def provenance(resolved: dict[str, Resolved], records: list[dict]) -> Provenance | None:
    """From {case: Resolved}. The reference is the case nearest to all others: in a one-change-at-a-time spec, the base.

    Options that a spec leaves to its model are known only once it ran: their values come from the records.
    """
    if not resolved:
        return None
    flat = {case: _complete(dotted(r.as_dict()), case, records) for case, r in resolved.items()}
    reference = min(flat, key=lambda case: sum(_distance(flat[case], other) for other in flat.values()))
    base = resolved[reference]
    unused = idle(base.case)
    settings = [_setting(base, path, value) for path, value in flat[reference].items() if path not in unused]
    counts = {kind: sum(s.kind == kind for s in settings) for kind in KINDS}
    overrides = [
        Overrides(case, resolved[case].title, _changed(resolved[case], values, flat[reference]))
        for case, values in flat.items()
        if case != reference
    ]
    tier = [_setting(base, path, value) for path, value in base.tier_overrides.items()]
    assumed = [s for s in settings if s.kind == "assumed" and not s.text.startswith("suite default")]
    return Provenance(reference, settings, assumed, {k: n for k, n in counts.items() if n}, overrides, tier)


def _complete(settings: dict, case: str, records: list[dict]) -> dict:
    """The settings, with the model's own options as a run of the case recorded them, in its order."""
    ran = next((dotted(r["resolved"]) for r in records if case in r["cases"]), {})
    options = {path: value for path, value in ran.items() if path.startswith("model.")}
    return {path: settings.get(path, value) for path, value in options.items()} | settings


def _distance(a: dict, b: dict) -> int:
    return sum(a.get(path) != b.get(path) for path in a.keys() | b.keys())


def _changed(resolved: Resolved, values: dict, base: dict) -> list[Setting]:
    paths = [p for p in values if values[p] != base.get(p) or p not in base] + [p for p in base if p not in values]
    return [_setting(resolved, p, values.get(p, "absent"), setting(base[p]) if p in base else "absent") for p in paths]


def _setting(resolved: Resolved, path: str, value: object, before: str = "") -> Setting:
    source = resolved.sources.get(path, OF_MODEL if path.startswith("model.") else DROPPED)
    return Setting(path, setting(value), source["kind"], source["text"], before)
