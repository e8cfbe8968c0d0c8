"""The view model: everything a template shows, computed; templates only place it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ganzoo.report import balance, evidence, measures, runs, samples, self_checks, truncation, watch
from ganzoo.report.provenance import KINDS, Provenance, provenance
from ganzoo.report.text import day, listing, number, plural
from ganzoo.report.verdicts import CLAIM_LOOKS, NUMBER_LOOKS, Tally, tallies
from ganzoo.spec import Spec
from ganzoo.spec.spec import FULL


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
    self_checks: list[self_checks.SelfView]
    own: dict[str, list[self_checks.SelfView]]  # id of a claim, judged or not → what the document's own tables say of it
    again: dict[str, list[evidence.ClaimView]]  # id of a self-check → the claims that the runs judge
    number_tables: list[evidence.NumberTable]
    metrics: measures.Metrics
    curves: list[measures.Curves]
    losses: list[measures.Panel]
    balances: balance.Balances | None
    diversity: list[measures.Panel]
    seed_styles: dict[int, str]
    truncations: truncation.Truncations | None
    probes: measures.Probes | None
    grids: list[samples.Grid]
    provenance: Provenance | None
    kinds: dict[str, str]
    protocols: list[runs.Fields]
    datasets: list[runs.Fields]
    environments: list[runs.Fields]
    codes: list[tuple[str, int]]
    blessings: list[runs.Row]
    costs: list[runs.Row]
    crashed: list[runs.Row]
    events: list[watch.Row]
    ledger: list[runs.Row]
    coverage: list[dict]  # id, text, where, reason
    set_aside: list[dict]  # case, seed, key, reason
    summary: dict


def build(spec: Spec, judgement: dict, records: list[dict], results: Path | None) -> Report:
    """`spec` as loaded, `judgement` as the judge's `as_dict()`; records of other tiers are left out."""
    tier, stand_in, claims = judgement["tier"], judgement["stand_in"] or "", judgement["claims"]
    records = runs.judged([r for r in records if r["tier"] == tier], judgement["set_aside"])
    records = runs.in_order(records, list(spec.cases))
    labels = measures.metric_labels(records)
    resolved = {case: spec.resolve(case, tier) for case in spec.cases}
    titles = {case: r.title for case, r in resolved.items()}
    of_training = measures.training_titles(records, titles)
    shown = evidence.claim_views(claims, judgement["cases"], labels)
    own = self_checks.self_views(judgement.get("self_checks") or [])
    styles = watch.seed_styles(records)
    tables = evidence.number_tables(judgement["numbers"])
    claim_tally = tallies([(c.verdict, c.id, c.anchor) for c in shown], CLAIM_LOOKS) if shown else []
    numbers = [(n["verdict"], n["cell"], "") for n in judgement["numbers"]]
    number_tally = tallies(numbers, NUMBER_LOOKS) if numbers else []
    seeds = sorted({r["seed"] for r in records})
    caution = _caution(tier, stand_in, runs.precisions(records))
    return Report(
        title=spec.title,
        spec=spec.name,
        document=spec.document,
        header=spec.header,
        tier=tier,
        stand_in=stand_in,
        caution=caution,
        sentence=_sentence(claims, claim_tally, number_tally),
        facts=_facts(tier, seeds, titles, records),
        claim_tally=claim_tally,
        number_tally=number_tally,
        claims=shown,
        self_checks=own,
        own=_own([claim["id"] for claim in [*claims, *judgement["coverage"]]], own),
        again={check.id: [claim for claim in shown if self_checks.same_claim(claim.id, check.id)] for check in own},
        number_tables=tables,
        metrics=measures.metrics(judgement["cases"], labels),
        curves=measures.metric_curves(records, labels, of_training, [c["metric"] for c in claims if c["metric"]]),
        losses=measures.loss_curves(records, of_training, watch.marks(records, styles)),
        balances=balance.balances(records, of_training, styles),
        diversity=watch.diversity(records, of_training, styles),
        seed_styles=styles,
        truncations=truncation.truncations(judgement["cases"], titles),
        probes=measures.probes(judgement["cases"]),
        grids=samples.grids(titles, records, results),
        provenance=provenance(resolved, records),
        kinds=KINDS,
        protocols=runs.protocols(records),
        datasets=runs.datasets(records),
        environments=runs.environments(records),
        codes=runs.codes(records),
        blessings=runs.blessings(records),
        costs=runs.costs(records),
        crashed=runs.crashed(records),
        events=watch.rows(records, styles),
        ledger=runs.ledger(records),
        coverage=judgement["coverage"],
        set_aside=judgement["set_aside"],
        summary={
            "spec": spec.name,
            "title": spec.title,
            "document": spec.document,
            "tier": tier,
            "caution": caution,
            "claims": {t.look.word: t.count for t in claim_tally},
            "numbers": {t.look.word: t.count for t in number_tally},
            "runs": len(records),
            "seeds": len(seeds),
            "finished": _latest(records),
        },
    )


def _caution(tier: str, stand_in: str, precisions: list[str]) -> str:
    parts = ["stand-in data"] if stand_in else []
    reduced = precisions != [runs.PLAIN_PRECISION] and precisions
    return " · ".join(parts + ([f"tier {tier}"] if tier != FULL else []) + ([listing(precisions)] if reduced else []))


def _own(claims: list[str], checks: list[self_checks.SelfView]) -> dict[str, list[self_checks.SelfView]]:
    return {claim: [check for check in checks if self_checks.same_claim(claim, check.id)] for claim in claims}


def _sentence(claims: list[dict], claim_tally: list[Tally], number_tally: list[Tally]) -> str:
    """The outcome in one or two sentences."""
    verbs = {"holds": ("holds", "hold"), "contradicted": ("is contradicted", "are contradicted")}
    verbs |= {"inconclusive": ("is inconclusive", "are inconclusive"), "no evidence": ("has no evidence", "have no evidence")}
    told = []
    if claims:
        parts = [f"{number(t.count)} {verbs.get(t.look.word, (t.look.word,) * 2)[t.count != 1]}" for t in claim_tally if t.count]
        told.append(f"Of {plural(len(claims), 'claim')}, {listing(parts)}.")
    if number_tally:
        reproduced = next(t.count for t in number_tally if t.look.word == "reproduced")
        total = plural(sum(t.count for t in number_tally), "published number")
        told.append(f"Of {total}, {reproduced or 'none'} {'are' if reproduced > 1 else 'is'} reproduced.")
    return " ".join(told) or "Nothing was judged: the spec states no claim and no number."


def _facts(tier: str, seeds: list[int], titles: dict[str, str], records: list[dict]) -> list[tuple[str, str]]:
    """What was run, for the head of the page."""
    statuses = Counter(r["status"] for r in records)
    unfinished = [f"{n} {status}" for status, n in statuses.items() if status != "finished"]
    devices = {str(env.get("device_name") or env.get("device") or "unnamed") for r in records if (env := r.get("environment"))}
    return [
        ("Tier", tier),
        ("Cases", str(len(titles))),
        ("Seeds", ", ".join(map(str, seeds)) or "none"),
        ("Runs", plural(len(records), "run") + (f", {listing(unfinished)}" if unfinished else ", all finished" if records else "")),
        ("Protocol", listing(sorted({r["protocol"]["name"] for r in records if r["protocol"]})) or "none"),
        *([("Precision", listing(found))] if (found := runs.precisions(records)) else []),
        ("Device", listing(sorted(devices)) or "none"),
        ("Last run", day(_latest(records))),
    ]


def _latest(records: list[dict]) -> str:
    return max((r["finished"] for r in records if r.get("finished")), default="")
