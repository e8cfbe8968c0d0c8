"""What the page says, before it is laid out: counts, curves, provenance, runs."""

from __future__ import annotations

import pytest
import report_builders as world

from ganzoo.judge.judgement import judge
from ganzoo.report import evidence, measures, runs
from ganzoo.report.provenance import provenance
from ganzoo.report.view import build


@pytest.fixture
def spec(tmp_path):
    return world.spec(tmp_path)


@pytest.fixture
def records():
    return world.records()


def view(spec, records, **more):
    return build(spec, world.judgement(records, **more), records, None)


def test_findings_count_every_verdict(spec, records):
    report = view(spec, records, numbers=True)
    assert {t.look.word: t.count for t in report.claim_tally} == {"holds": 2, "contradicted": 1, "inconclusive": 2, "no evidence": 1}
    assert [i for i, _ in report.claim_tally[0].ids] == ["L2", "L13"]
    assert all(t.count == 1 for t in report.number_tally) and len(report.number_tally) == 7
    assert report.sentence == (
        "Of 6 claims, 2 hold, 1 is contradicted, 2 are inconclusive and 1 has no evidence. Of 7 published numbers, 1 is reproduced."
    )


def test_a_verdict_the_report_does_not_know_is_counted_and_shown(spec, records):
    judgement = world.judgement(records)
    judgement["claims"][0]["verdict"] = "half true"
    report = build(spec, judgement, records, None)
    assert [(t.look.word, t.count) for t in report.claim_tally][-1] == ("half true", 1)
    assert report.claims[0].look.word == "half true"


def test_nothing_run_at_all(spec):
    report = build(spec, judge(spec, "full", [], {}).as_dict(), [], None)
    assert report.sentence == "Of 1 claim, 1 has no evidence."
    assert not report.curves and not report.grids and not report.ledger
    assert dict(report.facts)["Runs"] == "0 runs"


def test_head_tells_what_was_run(spec, records):
    facts = dict(view(spec, records).facts)
    assert facts["Tier"] == "full" and facts["Seeds"] == "0, 1, 2"
    assert facts["Runs"] == "15 runs, 1 crashed" and facts["Last run"] == "21 Nov 2026"


@pytest.mark.parametrize(
    ("tier", "stand_in", "caution"),
    [("full", None, ""), ("full", "MNIST", "stand-in data"), ("cpu", None, "tier cpu"), ("cpu", "MNIST", "stand-in data · tier cpu")],
)
def test_caution_for_stand_ins_and_smaller_tiers(spec, tier, stand_in, caution):
    assert build(spec, judge(spec, tier, [], {}).as_dict() | {"stand_in": stand_in}, [], None).caution == caution


def test_records_of_other_tiers_are_left_out(spec, records):
    other = [r | {"tier": "cpu"} for r in records[:4]]
    assert len(build(spec, world.judgement(records), records + other, None).ledger) == len(records)


def test_what_the_judge_set_aside_is_named_and_not_drawn(spec, records):
    old = [
        {"case": case, "seed": r["seed"], "key": r["key"], "reason": "run with another setting"}
        for r in records
        for case in ("epochs-50", "width-128")
        if case in r["cases"]
    ]
    report = build(spec, world.judgement(records) | {"set_aside": old}, records, None)
    assert [p.case for p in report.losses] == ["original", "d-dropout-30", "d-sgd", "noise-uniform"]
    assert "epochs-50" not in report.losses[0].title
    assert len(report.set_aside) == 6 and not [row for row in report.ledger if row["case"] == "width-128"]


def test_cases_stand_in_the_order_of_the_spec(spec, records):
    report = view(spec, list(reversed(records)))
    assert [row["case"] for row in report.costs] == ["original", "width-128", "d-dropout-30", "d-sgd", "noise-uniform"]
    assert [row["seed"] for row in report.ledger[:4]] == ["0", "1", "2", "0"]


def test_metrics_are_named_by_their_protocol(spec, records):
    columns = {c.metric: c for c in view(spec, records).metrics.columns}
    assert columns["frechet"].label == "classifier Fréchet distance" and columns["frechet"].better == "lower is better"
    assert columns["is"].label == "classifier score" and columns["is"].better == "higher is better"
    assert list(columns) == ["frechet", "kid", "is", "precision", "recall", "modes", "entropy"]
    inception = [r | {"protocol": r["protocol"] | {"labels": {"frechet": "FID"}}} for r in records]
    assert view(spec, inception).curves[0].label == "FID"


def test_metric_cells(spec, records):
    judgement = world.judgement(records)
    judgement["cases"][0]["metrics"]["frechet"] |= {"values": {"0": 24.1, "1": None, "2": 25.0}, "mean": None, "std": None, "diverged": 1}
    table = build(spec, judgement, records, None).metrics
    assert table.cases[0].cells[0] == "1 of 3 diverged"
    assert [row.cells[0] for row in table.seeds[:3]] == ["24.10", "diverged", "25"]
    assert "±" in table.cases[2].cells[0]


def test_curves_of_claimed_metrics_come_first(spec, records):
    labels = measures.metric_labels(records)
    first = measures.metric_curves(records, labels, {}, ["precision"])
    assert [c.label for c in first][:2] == ["precision", "classifier Fréchet distance"]
    assert len(first) == 7, "a value that is no metric of the judge's has a curve"


def test_a_sweep_is_one_curve_that_names_its_cases(spec, records):
    (panel,) = [p for p in view(spec, records).curves[0].panels if p.case == "original"]
    assert panel.title == "the dense GAN, 30 epochs; also epochs-50 (epoch 50)"
    assert panel.chart.count("<path") == 3


def test_crashed_run_is_a_row_with_its_hint(spec, records):
    (row,) = view(spec, records).crashed
    assert (row["case"], row["seed"], row["status"]) == ("d-sgd", "2", "crashed")
    assert row["error"] == "RuntimeError: loss is not finite at step 812" and row["hint"].startswith("Lower optim.d.lr")


def test_partial_run_without_an_error_is_a_row_too():
    (row,) = runs.crashed([world.record("d-sgd", 0, status="partial")])
    assert row["error"] == "stopped before its last epoch"


def test_different_protocols_and_machines_are_told_apart(records):
    other = [world.record("d-sgd", 7, protocol={"name": "mnist-cnn", "hash": "ff", "fields": {"num_fake": 512}, "labels": {}})]
    found = runs.protocols(records + other)
    assert [(f.heading, f.runs) for f in found] == [("mnist-cnn", 15), ("mnist-cnn", 1)]
    assert ("num_fake", "512") in found[1].rows and ("num_fake", "10000") in found[0].rows
    assert [f.runs for f in runs.environments(records)] == [15]
    assert ("variables.OMP_NUM_THREADS", "1") in runs.environments(records)[0].rows


def test_data_of_a_run_that_crashed_early_is_not_another_data_set(records):
    early = world.crash("d-sgd", 9, data={"name": "mnist", "split": "train", "digest": world.sha("mnist")})
    (data,) = runs.datasets([early, *records])
    assert data.runs == 16 and ("count", "60000") in data.rows
    other = world.record("d-sgd", 9, data={"name": "mnist", "digest": world.sha("half")})
    assert [d.runs for d in runs.datasets([*records, other])] == [15, 1]


def test_every_blessing_is_told_with_its_seeds(spec, records):
    first, then = ({"when": f"2026-11-{day}T03:40:09Z", "reason": why} for day, why in ((21, "first runs"), (30, "seeds planned before")))
    old = [r | {"blessing": first} for r in records]
    new = [world.record("width-128", seed, blessing=then) for seed in (3, 4, 5)]
    assert runs.blessings([*new, *old]) == [
        {"when": "21 Nov 2026", "reason": "first runs", "runs": "15 runs", "seeds": "seeds 0, 1 and 2"},
        {"when": "30 Nov 2026", "reason": "seeds planned before", "runs": "3 runs", "seeds": "seeds 3, 4 and 5"},
    ]
    assert runs.blessings(records) == [], "fresh runs have none"


def test_cost_is_the_mean_over_finished_seeds(records):
    (row,) = [row for row in runs.costs(records) if row["case"] == "d-sgd"]
    assert (row["n"], row["generator"], row["train"], row["eval"]) == ("2", "1,503,632", "5.6 min", "34 s")
    assert runs.ledger(records)[0]["took"] == "6.2 min" and runs.ledger([world.crash("d-sgd", 2, timing={})])[0]["took"] == "–"


def test_provenance_counts_and_differences(spec):
    p = provenance({case: spec.resolve(case) for case in spec.cases}, [])
    assert p.reference == "original"
    assert sum(p.counts.values()) == len(p.settings) and p.counts["code"] == 1
    assert {s.path for s in p.assumed} >= {"optim.g.lr", "optim.d.betas"}
    assert not [s for s in p.assumed if s.text.startswith("suite default")]
    of_case = {o.case: {s.path: (s.before, s.value, s.kind) for s in o.settings} for o in p.overrides}
    assert of_case["d-dropout-30"] == {"model.dropout_d": ("0.0", "0.3", "stated")}
    assert of_case["epochs-50"] == {"train.epochs": ("30", "50", "stated")}
    assert of_case["d-sgd"]["optim.d.name"] == ("adam", "sgd", "assumed")
    assert of_case["d-sgd"]["optim.d.betas"] == ("[0.5, 0.999]", "absent", "")


def test_options_left_to_the_model_come_from_the_runs(spec):
    resolved = {case: spec.resolve(case) for case in ("original", "epochs-50")}
    ran = spec.resolve("epochs-50").as_dict()
    ran["model"] |= {"slope": 0.2}
    ran["train"] |= {"of_an_older_schema": 1}
    p = provenance(resolved, [world.record("original", 0, epochs=50, cases={"original": 30, "epochs-50": 50}, resolved=ran)])
    (slope,) = [s for s in p.settings if s.path == "model.slope"]
    assert (slope.value, slope.kind, slope.text) == ("0.2", "assumed", "suite default: the option is left to the model")
    assert {s.path: s.value for s in p.settings}["train.epochs"] == "30", "the case's own length, not its training's"
    assert not [s for s in p.settings if "older" in s.path]
    assert [s.path for s in p.overrides[0].settings] == ["train.epochs"]


def test_what_the_tier_changes_is_listed(spec):
    p = provenance({case: spec.resolve(case, "cpu") for case in spec.cases}, [])
    assert {(s.path, s.value) for s in p.tier} == {("data.name", "digits"), ("data.stand_in", "MNIST"), ("train.max_steps", "500")}


def test_claim_facts(records):
    claim = world.claim("L2", "inconclusive", ["original", "width-128"], records, p_holm=0.4, differs=["num_fake"])
    (shown,) = evidence.claim_views([claim], [])
    facts = dict(shown.facts)
    assert facts["p after Holm"] == "0.400 (α = 0.05)" and facts["Would decide"] == "6 seeds per case" and facts["Differs in"] == "num_fake"
    assert facts["Seeds"] == "original 3, width-128 3" and facts["The seeds point"] == "as stated"
    assert facts["Read off at"] == "last evaluation"
    assert shown.points == "as stated" and shown.needed == "6 seeds"


def test_claim_chart_takes_intervals_only_of_the_values_judged(records):
    claim = world.claim("L2", "holds", ["original", "width-128"], records)
    cases = world.judgement(records)["cases"]
    assert evidence.claim_views([claim], cases)[0].strip.count('class="range"') == 2
    claim["values"]["original"].pop("0")
    assert evidence.claim_views([claim], cases)[0].strip.count('class="range"') == 1


@pytest.mark.parametrize(
    ("kind", "cases", "between"),
    [
        ("ordering", ["original", "width-128"], "original − width-128"),
        ("trend", ["original", "epochs-50"], "epochs-50 − original"),
        ("no-difference", ["original", "d-sgd", "width-128"], "widest pair"),
    ],
)
def test_difference_says_which_way_round(records, kind, cases, between):
    claim = world.claim("L2", "holds", cases, records, kind=kind, difference=-3.0, interval=[-5.0, -1.0])
    assert between in evidence.claim_views([claim], [])[0].difference


def test_diverged_seeds_are_told_and_take_the_mean_away(records):
    claim = world.claim("L2", "inconclusive", ["original", "width-128"], records, difference=None, interval=None)
    claim["values"]["width-128"]["1"] = None
    (shown,) = evidence.claim_views([claim], [])
    assert "1 of 3 diverged" in shown.strip and shown.strip.count('class="mean"') == 1 and shown.strip.count("<circle") == 5
    assert dict(shown.values)["width-128"][1] == ("1", "diverged")


def test_claims_without_evidence_have_no_chart(records):
    claim = world.claim("L2", "no evidence", ["original", "width-128"], [], values={}, p=None, p_holm=None, effect=None, difference=None)
    (shown,) = evidence.claim_views([claim], [])
    assert shown.strip is None and shown.difference is None and "p" not in dict(shown.facts)


def test_a_claim_that_lacks_one_case_does_not_say_that_the_other_has_no_seeds(spec, records):
    """The judge counts what entered the verdict: nothing did, though one of the cases was run."""
    runs_of_one = [r | {"resolved": spec.resolve(r["case"]).as_dict()} for r in records if r["case"] == "original"]
    (shown,) = evidence.claim_views(judge(spec, "full", runs_of_one, {}).as_dict()["claims"], [])
    assert shown.verdict == "no evidence" and "Seeds" not in dict(shown.facts) and shown.reason == "'width-128' was not run."


def test_claim_anchors_are_unique(records):
    claims = [world.claim(name, "holds", ["original", "d-sgd"], records) for name in ("L1", "l 1", "L-1", "§")]
    anchors = [c.anchor for c in evidence.claim_views(claims, [])]
    assert len(set(anchors)) == 4


def test_number_rows(records):
    ours = world.summary({"0": 8.0, "1": 9.0}, "classifier score")
    numbers = [
        world.number("a", "incomparable", ours, 4.66, differs=["extractor"], reason="Another protocol."),
        world.number("b", "worse", ours, 81.8, theirs={"value": 81.8, "spread": None, "spread_kind": "std", "flags": ["Doubted."]}),
        world.number("c", "not run", None, 4.41, table="table-2"),
    ]
    first, second = evidence.number_tables(numbers)
    a, b = first.rows
    assert (a.theirs, a.ours, a.delta, a.n) == ("4.66 ± 0.053", "8.500", "+3.84", "2")
    assert a.reason == "Another protocol. Differs in: extractor."
    assert b.theirs == "81.8" and b.spread_kind == "" and b.delta == "−73.3" and b.reason.endswith("Doubted.")
    assert (second.rows[0].ours, second.rows[0].interval, second.rows[0].delta) == ("–", "–", "–")


def test_the_judge_s_own_judgement_fits(spec, records):
    """Not the builders' imitation: the judge on these records, into the view."""
    for r in records:
        r["resolved"] = spec.resolve(r["case"]).as_dict()
    report = build(spec, judge(spec, "full", records, {}).as_dict(), records, None)
    (claim,) = report.claims
    assert claim.id == "L2" and claim.verdict == "inconclusive" and claim.strip.count("<circle") == 6 and claim.difference
    assert claim.strip.count('class="range"') == 2
    assert claim.needed and claim.points == "as stated" and claim.label == "classifier Fréchet distance"
    assert [row.look.word for row in report.metrics.cases] == ["finished", "finished", "finished", "finished", "partial", "finished"]


def test_a_table_of_numbers_says_once_what_its_rows_share():
    doubted = {"value": 1.0, "spread": None, "spread_kind": None, "flags": ["Doubted."]}
    numbers = [
        world.number("a", "not run", None, 1.0, reason="No run of 'x'.", theirs=doubted),
        world.number("b", "incomparable", None, 2.0, reason="Another protocol."),
    ]
    for entry, row in zip(numbers, ("row a", "row b"), strict=True):
        entry |= {"source": f"Table 1, {row}", "label": "FID", "reading": "last"}
    (table,) = evidence.number_tables(numbers)
    assert (table.source, table.label) == ("Table 1", "FID")
    assert [row.remark for row in table.rows] == ["Doubted.", "Another protocol."], "that it was not run stands in the row itself"
    numbers[1]["label"] = "IS"
    assert evidence.number_tables(numbers)[0].label == ""
