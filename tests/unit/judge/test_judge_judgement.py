"""The whole judgement: cases, coverage, what is set aside, JSON, determinism."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ganzoo.errors import SpecError
from ganzoo.judge.judgement import judge
from ganzoo.judge.metrics import DIRECTION, LABEL, badness, label
from ganzoo.judge.references import Published, load_document
from ganzoo.spec import find_specs, load_spec


@pytest.fixture
def records(record_of):
    found = [record_of("original", s, {"frechet": v, "is": 5.0 + s / 100}) for s, v in enumerate((10.0, 11.0, 12.0, 13.0))]
    found += [record_of("narrow", s, v) for s, v in enumerate((30.0, 31.0, None, 39.0))]
    return found + [record_of("third", 0, 5.0), record_of("third", 1, {}, status="crashed"), record_of("long", 0, {}, status="partial")]


def test_cases(spec_of, records):
    cases = {case.case: case for case in judge(spec_of(), "full", records, {}).cases}
    assert {name: case.status for name, case in cases.items()} == {
        "original": "finished", "narrow": "finished", "third": "partial", "long": "partial", "longer": "not run",
    }  # fmt: skip
    assert cases["original"].title == "as it stands"
    summed = cases["original"].metrics["frechet"]
    assert (summed.mean, summed.n, summed.std) == (11.5, 4, pytest.approx(1.29099, abs=1e-5))
    assert summed.interval == pytest.approx((9.4457, 13.5543), abs=1e-4) and summed.label == "classifier Fréchet distance"
    assert (cases["narrow"].metrics["frechet"].mean, cases["narrow"].metrics["frechet"].diverged) == (None, 1)
    assert cases["third"].seeds == {0: "finished", 1: "crashed"} and cases["third"].errors == {1: "RuntimeError: out of memory"}
    assert cases["original"].best["frechet"].mean == 11.5 and cases["longer"].metrics == {}


def test_is_strict_json_and_the_same_every_time(spec_of, records, published, ordering):
    spec = spec_of([ordering], [{"table": "table-1", "cell": "wide", "case": "original", "metric": "is"}])
    first, again = (judge(spec, "full", list(order), published).as_dict() for order in (records, reversed(records)))
    text = json.dumps(first, allow_nan=False)
    assert json.loads(text) == first == again
    assert set(first) >= {"spec", "document", "tier", "stand_in", "numbers", "claims", "cases", "protocol", "coverage"}
    assert first["claims"][0]["values"]["narrow"]["2"] is None and first["protocol"]["name"] == "mnist-cnn"


def test_coverage_names_what_no_claim_judges(spec_of, published, ordering):
    def coverage(*claims):
        return [(row["id"], row["where"], row["verdict"]) for row in judge(spec_of(claims), "full", [], published).coverage]

    assert coverage() == [("L1", "§1", "no evidence"), ("L2", "§1", "no evidence"), ("L20", "§2", "no evidence")]
    assert coverage(ordering) == [("L1", "§1", "no evidence"), ("L20", "§2", "no evidence")]
    assert coverage(ordering, {**ordering, "id": "L1a"}) == [("L1b", "§1", "no evidence"), ("L20", "§2", "no evidence")]


def test_coverage_gives_the_reason_that_the_document_s_file_gives(spec_of, published, ordering):
    liu = published["liu"].model_dump()
    liu["claims"][0]["parts"][1]["unjudged"] = "Missing: an event for a fall."
    liu["claims"][2]["unjudged"] = "Missing: a probe."
    coverage = judge(spec_of([{**ordering, "id": "L1a"}]), "full", [], {"liu": Published.model_validate(liu)}).coverage
    assert [(row["id"], row["reason"]) for row in coverage] == [
        ("L1b", "Missing: an event for a fall."), ("L2", "No claim of the spec 'liu' judges it."), ("L20", "Missing: a probe."),
    ]  # fmt: skip


HOME = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", ["liu", "iyengar", "machinecurve", "resblocks"])
def test_every_claim_of_a_document_is_judged_by_one_of_its_specs_or_tells_what_is_missing(name):
    specs = [load_spec(path) for path in find_specs(HOME / "benchmarks/specs").values()]
    judged = {claim.id for spec in specs if spec.document == name for claim in spec.claims}
    document = load_document(HOME / f"reference_results/published/{name}.yaml")
    left = document.unjudged(judged)
    assert [claim.id for claim in left if not claim.unjudged] == []
    every = [entry for claim in document.claims for entry in (claim, *claim.parts)]
    assert [entry.id for entry in every if entry.unjudged and entry not in left] == [], "judged since: the reason is out of date"
    ids = {entry.id for entry in every}
    assert {claim for claim in judged if claim.split("-")[0] not in ids} == set(), "ids are the document's, with a suffix for a reading"


def test_coverage_names_the_other_spec_that_judges_a_claim(spec_of, published, ordering):
    rows = judge(spec_of([ordering]), "full", [], published, elsewhere={"L1": "liu-long"}).coverage
    assert {row["id"]: row["reason"] for row in rows} == {
        "L1": "Judged by the spec 'liu-long'.", "L20": "No claim of the spec 'liu' judges it.",
    }  # fmt: skip


def test_records_of_settings_that_changed_are_set_aside(spec_of, record_of, ordering):
    old = record_of("narrow", 0, 1.0)
    old["resolved"]["train"]["batch_size"] = 64
    gone = record_of("original", 3, 1.0, cases={"original": 30, "renamed": 10})
    judgement = judge(spec_of([ordering]), "full", [old, gone, record_of("original", 0, 5.0)], {})
    assert [(row["case"], row["seed"], row["reason"]) for row in judgement.set_aside] == [
        ("narrow", 0, "run with another train.batch_size than the spec has now"),
        ("renamed", 3, "the spec has no such case any more"),
    ]
    assert judgement.claims[0].reason == "'narrow' was not run." and judgement.cases[0].seeds == {0: "finished", 3: "finished"}


def test_other_tiers_and_specs_are_passed_over(spec_of, record_of):
    others = [record_of("original", 0, 1.0, tier="small"), record_of("original", 1, 1.0, spec="other")]
    judgement = judge(spec_of(), "full", others, {})
    assert judgement.cases[0].status == "not run" and judgement.set_aside == [] and judgement.protocol is None
    assert judge(spec_of(), "small", others, {}).cases[0].seeds == {0: "finished"}
    with pytest.raises(SpecError, match="no tier 'smal'.*Did you mean 'small'"):
        judge(spec_of(), "smal", others, {})


def test_protocols_are_listed_most_used_first(spec_of, record_of):
    other = {"name": "digits-cnn", "hash": "e" * 64, "fields": {}, "labels": {}}
    records = [record_of("original", s, 1.0) for s in range(2)] + [record_of("narrow", 0, 1.0, protocol=other)]
    assert [(p["name"], p["cases"]) for p in judge(spec_of(), "full", records, {}).protocols] == [
        ("mnist-cnn", ["original"]),
        ("digits-cnn", ["narrow"]),
    ]


def test_stand_in_is_told(spec_of):
    assert judge(spec_of(), "stand-in", [], {}).stand_in == "LSUN church" and judge(spec_of(), "full", [], {}).stand_in is None


def test_directions_and_labels():
    assert DIRECTION.keys() <= LABEL.keys() and set(DIRECTION.values()) == {"lower", "higher"}
    assert (badness("is", 3.0), badness("frechet", 3.0), badness("is", float("nan")), badness("is", float("inf"))) == (
        -3.0,
        3.0,
        float("inf"),
        float("inf"),
    )
    assert not any(name in text for text in LABEL.values() for name in ("FID", "Inception"))
    assert label("frechet", {"labels": {"frechet": "FID"}}) == "FID" and label("kid") == LABEL["kid"] and label("unheard") == "unheard"
