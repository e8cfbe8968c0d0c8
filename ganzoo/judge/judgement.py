"""Judge the records of one spec at one tier against what its document says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from ganzoo.errors import ReferencesError, nearest
from ganzoo.judge.claims import judge_claims
from ganzoo.judge.comparable import changed_settings
from ganzoo.judge.evidence import AllReadings
from ganzoo.judge.numbers import judge_numbers, stand_in_of
from ganzoo.judge.readings import read
from ganzoo.judge.references import Claim, Part, Published
from ganzoo.judge.self_consistency import self_checks
from ganzoo.judge.summaries import case_result
from ganzoo.judge.verdicts import Judgement
from ganzoo.judge.words import listing
from ganzoo.spec import Spec


def judge(
    spec: Spec,
    tier: str,
    records: Iterable[Mapping],
    published: Mapping[str, Published],
    alpha: float = 0.05,
    elsewhere: Mapping[str, str] = MappingProxyType({}),
) -> Judgement:
    """Every number and claim of the spec, every claim of its document that the spec leaves out, and the document against itself.

    Records of other specs and tiers are passed over. What a record says of a case whose settings the spec has changed since is set
    aside, and named. SpecError for an unknown tier, ReferencesError where the spec names a number that its document does not have.
    """
    kept, set_aside = current(spec, tier, records)
    found = read(kept)
    readings = {case: found[case] for case in spec.cases if case in found}
    document = published.get(spec.document)
    if document is None and spec.numbers:
        raise ReferencesError(
            f"{spec.name} names numbers of '{spec.document}', which has no published file.{nearest(spec.document, published)}"
        )
    return Judgement(
        spec=spec.name,
        document=spec.document,
        tier=tier,
        stand_in=stand_in_of(spec, tier, list(spec.cases), readings),
        numbers=judge_numbers(spec, tier, readings, document, alpha) if document else [],
        claims=judge_claims(spec, tier, readings, alpha),
        cases=[case_result(case, spec.cases[case].title, readings.get(case) or {}) for case in spec.cases],
        protocols=protocols_of(readings),
        coverage=uncovered(spec, document, elsewhere) if document else [],
        set_aside=set_aside,
        self_checks=self_checks(document) if document else [],
    )


def current(spec: Spec, tier: str, records: Iterable[Mapping]) -> tuple[list[Mapping], list[dict]]:
    """(the records of this spec and tier, each with the cases that still mean the same; what was set aside and why)."""
    settings = {case: spec.resolve(case, tier).as_dict() for case in spec.cases}
    kept, aside = [], []
    for record in records:
        if record["spec"] != spec.name or record["tier"] != tier:
            continue
        cases = {}
        for case, epoch in record["cases"].items():
            changed = changed_settings(record, case, settings[case]) if case in settings else []
            if case in settings and not changed:
                cases[case] = epoch
                continue
            why = f"run with another {listing(changed)} than the spec has now" if changed else "the spec has no such case any more"
            aside.append({"case": case, "seed": record["seed"], "key": record["key"], "reason": why})
        if cases:
            kept.append({**record, "cases": cases})
    return kept, sorted(aside, key=lambda entry: (entry["case"], entry["seed"], entry["key"]))


def protocols_of(readings: AllReadings) -> list[dict]:
    """Every protocol the readings were measured under, with its cases; the most used first."""
    found: dict[str, dict] = {}
    used: dict[str, int] = {}
    for case, of_seeds in readings.items():
        for one in of_seeds.values():
            if protocol := one.record.get("protocol"):
                entry = found.setdefault(protocol["hash"], {**protocol, "cases": []})
                used[protocol["hash"]] = used.get(protocol["hash"], 0) + 1
                if case not in entry["cases"]:
                    entry["cases"].append(case)
    return sorted(found.values(), key=lambda protocol: -used[protocol["hash"]])


def uncovered(spec: Spec, document: Published, elsewhere: Mapping[str, str] = MappingProxyType({})) -> list[dict]:
    """Claims of the document, or parts of them, that no claim of the spec judges, each with what is missing where its file says so.

    elsewhere: claim → another spec of the document that judges it.
    """
    where = {part.id: claim.where for claim in document.claims for part in (claim, *claim.parts)}
    return [
        {
            "id": claim.id,
            "text": claim.text,
            "where": where[claim.id],
            "kind": claim.kind,
            "verdict": "no evidence",
            "reason": _why_not_here(claim, spec, elsewhere),
        }
        for claim in document.unjudged([claim.id for claim in spec.claims])
    ]


def _why_not_here(claim: Claim | Part, spec: Spec, elsewhere: Mapping[str, str]) -> str:
    if claim.id in elsewhere:
        return f"Judged by the spec '{elsewhere[claim.id]}'."
    return claim.unjudged or f"No claim of the spec '{spec.name}' judges it."
