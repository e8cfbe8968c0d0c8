"""The view model: everything a template shows, computed; templates only place it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ganzoo.report import evidence, measures, runs, samples
from ganzoo.report.provenance import KINDS, Provenance, provenance
from ganzoo.report.text import day, listing, number, plural, seed_order
from ganzoo.report.verdicts import CLAIM_LOOKS, NUMBER_LOOKS, Tally, tallies
from ganzoo.spec import Spec


@dataclass(frozen=True)
class Report:
    title: str
    spec: str
    document: str
    header: str
    tier: str
    stand_in: str
    caution: str  # the short form that stands beside every number; empty at the document's own scale and data
    sentence: str
    facts: list[tuple[str, str]]
    claim_tally: list[Tally]
    number_tally: list[Tally]
    claims: list[evidence.ClaimView]
    number_tables: list[evidence.NumberTable]
    metrics: measures.Metrics
    curves: list[measures.Curves]
    losses: list[measures.Panel]
    grids: list[samples.Grid]
    provenance: Provenance | None
    kinds: dict[str, str]
    protocols: list[runs.Fields]
    datasets: list[runs.Fields]
    environments: list[runs.Fields]
    codes: list[tuple[str, int]]
    costs: list[runs.Row]
    crashed: list[runs.Row]
    events: list[runs.Row]
    ledger: list[runs.Row]
    coverage: list[dict[str, str]]
    set_aside: list[dict[str, str]]
    summary: dict


def build(spec: Spec, judgement: dict, records: list[dict], results: Path | None) -> Report:
    """`spec` as loaded, `judgement` as the judge's `as_dict()`; records of other tiers are left out."""
    tier = str(judgement.get("tier") or "full")
    records = runs.in_order([r for r in records if str(r.get("tier", tier)) == tier])
    labels = measures.metric_labels(records)
    claims = judgement.get("claims") or []
    resolved = {case: spec.resolve(case, tier) for case in spec.cases}
    titles = {case: r.title for case, r in resolved.items()}
    of_training = measures.training_titles(records, titles)
    shown = evidence.claim_views(claims)
    tables = evidence.number_tables(judgement.get("numbers") or [])
    claim_tally = tallies([(c.verdict, c.id, c.anchor) for c in shown], CLAIM_LOOKS) if shown else []
    numbers = [(str(n.get("verdict")), str(n.get("cell")), "") for n in judgement.get("numbers") or []]
    number_tally = tallies(numbers, NUMBER_LOOKS) if numbers else []
    stand_in = str(judgement.get("stand_in") or "")
    title = spec.title
    seeds = sorted({str(r.get("seed")) for r in records}, key=seed_order)
    return Report(
        title=title,
        spec=spec.name,
        document=str(judgement.get("document") or spec.document),
        header=spec.header,
        tier=tier,
        stand_in=stand_in,
        caution=_caution(tier, stand_in),
        sentence=_sentence(claims, claim_tally, number_tally),
        facts=_facts(tier, seeds, titles, records),
        claim_tally=claim_tally,
        number_tally=number_tally,
        claims=shown,
        number_tables=tables,
        metrics=measures.metrics(judgement.get("cases") or [], labels),
        curves=measures.metric_curves(records, labels, of_training, [str(c.get("metric")) for c in claims if c.get("metric")]),
        losses=measures.loss_curves(records, of_training),
        grids=samples.grids(titles, records, results),
        provenance=provenance(resolved),
        kinds=KINDS,
        protocols=runs.protocols(records),
        datasets=runs.datasets(records),
        environments=runs.environments(records),
        codes=runs.codes(records),
        costs=runs.costs(records),
        crashed=runs.crashed(records),
        events=runs.events(records),
        ledger=runs.ledger(records),
        coverage=[{k: str(entry.get(k) or "") for k in ("id", "text", "where", "reason")} for entry in judgement.get("coverage") or []],
        set_aside=[{str(k): str(v) for k, v in entry.items()} for entry in judgement.get("set_aside") or []],
        summary={
            "spec": spec.name,
            "title": title,
            "document": str(judgement.get("document") or spec.document),
            "tier": tier,
            "stand_in": stand_in,
            "claims": {t.look.word: t.count for t in claim_tally},
            "numbers": {t.look.word: t.count for t in number_tally},
            "runs": len(records),
            "seeds": len(seeds),
            "finished": _latest(records),
        },
    )


def _caution(tier: str, stand_in: str) -> str:
    parts = ["stand-in data"] if stand_in else []
    return " · ".join(parts + ([f"tier {tier}"] if tier != "full" else []))


def _sentence(claims: list[dict], claim_tally: list[Tally], number_tally: list[Tally]) -> str:
    """The outcome in one or two sentences."""
    verbs = {"holds": ("holds", "hold"), "contradicted": ("is contradicted", "are contradicted")}
    verbs |= {"inconclusive": ("is inconclusive", "are inconclusive"), "no evidence": ("has no evidence", "have no evidence")}
    told = []
    if claims:
        parts = [f"{number(t.count)} {verbs.get(t.look.word, (t.look.word,) * 2)[t.count != 1]}" for t in claim_tally if t.count]
        told.append(f"Of {plural(len(claims), 'claim')}, {listing(parts)}.")
    if number_tally:
        parts = [f"{t.count} {t.look.word}" for t in number_tally if t.count]
        told.append(f"Of {plural(sum(t.count for t in number_tally), 'published number')}: {listing(parts)}.")
    return " ".join(told) or "Nothing was judged: the spec states no claim and no number."


def _facts(tier: str, seeds: list[str], titles: dict[str, str], records: list[dict]) -> list[tuple[str, str]]:
    """What was run, for the head of the page."""
    statuses = Counter(str(r.get("status")) for r in records)
    unfinished = [f"{n} {status}" for status, n in statuses.items() if status != "finished"]
    devices = sorted({str((r.get("environment") or {}).get("device_name") or (r.get("environment") or {}).get("device") or "?") for r in records})
    return [
        ("Tier", tier),
        ("Cases", str(len(titles))),
        ("Seeds", ", ".join(seeds) or "none"),
        ("Runs", plural(len(records), "run") + (f", {listing(unfinished)}" if unfinished else ", all finished" if records else "")),
        ("Protocol", listing(sorted({str((r.get("protocol") or {}).get("name")) for r in records if r.get("protocol")})) or "none"),
        ("Device", listing(devices) or "none"),
        ("Last run", day(_latest(records))),
    ]


def _latest(records: list[dict]) -> str:
    return max((str(r["finished"]) for r in records if r.get("finished")), default="")
