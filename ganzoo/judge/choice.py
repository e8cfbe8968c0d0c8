"""Which record speaks for a case and seed where several do: a spec that was changed and changed back, code that moved on, a retry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from ganzoo.judge.comparable import changed_settings
from ganzoo.spec import Spec


def chosen(records: Iterable[Mapping], spec: Spec | None = None) -> list[dict]:
    """Records of one spec and tier, each with the cases that it speaks for; none speaks for a case and seed that another does.

    Of several for one case and seed: first those whose settings are the spec's of today (where `spec` is given), then those that
    reached the case's end, then the one started last. Whether a record was made by today's code is not asked: its digest takes torch,
    and the judge does without.
    """
    records = list(records)
    candidates: dict[tuple[str, int], list[int]] = {}
    for place, record in enumerate(records):
        for case in record["cases"]:
            candidates.setdefault((case, record["seed"]), []).append(place)

    @cache
    def settings(case: str, tier: str) -> Mapping:
        return spec.resolve(case, tier).as_dict()

    def rank(record: Mapping, case: str) -> tuple:
        known = spec is not None and case in spec.cases
        current = known and not changed_settings(record, case, settings(case, record["tier"]))
        return current, reached_end(record, case), str(record.get("started") or ""), record["key"]

    speakers = {
        (case, seed): places[0] if len(places) == 1 else max(places, key=lambda place: rank(records[place], case))
        for (case, seed), places in candidates.items()
    }
    kept = []
    for place, record in enumerate(records):
        cases = {case: epoch for case, epoch in record["cases"].items() if speakers[case, record["seed"]] == place}
        if cases:
            kept.append({**record, "cases": cases})
    return kept


def reached_end(record: Mapping, case: str) -> bool:
    """Whether a case was evaluated at its epoch, whatever came of the trajectory later."""
    return any(entry["epoch"] == record["cases"][case] for entry in record.get("evaluations") or [])
