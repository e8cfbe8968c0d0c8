"""Several records for one case and seed: which one speaks, and that every reader takes the same."""

from __future__ import annotations

import json

import pytest

from ganzoo.bench.store import Store
from ganzoo.commands.bless import bless
from ganzoo.commands.judging import judged, tier_of
from ganzoo.judge.choice import chosen
from ganzoo.judge.measured import load_measured
from ganzoo.judge.readings import read


def changed(record: dict, lr: float = 1e-3) -> dict:
    """As it would be had the spec another learning rate then; a later key."""
    record["resolved"]["optim"]["d"]["lr"] = lr
    return {**record, "key": "f" * 64, "started": "2026-12-24T00:00:00Z"}


@pytest.fixture
def back_and_forth(record_of):
    """The spec as it is, and what was run under another one later."""
    return [record_of(seed=0, evaluations=5.0), changed(record_of(seed=0, evaluations=9.0))]


def keys(records: list[dict]) -> list[str]:
    return [record["key"] for record in records]


def test_the_specs_own_settings_come_first(spec_of, back_and_forth):
    for records in (back_and_forth, back_and_forth[::-1]):
        assert keys(chosen(records, spec_of())) == [back_and_forth[0]["key"]]
        assert keys(chosen(records)) == ["f" * 64], "without a spec the later one"


def test_the_specs_own_settings_come_before_an_end_that_another_reached(spec_of, record_of):
    own = record_of(evaluations={}, status="crashed")
    assert keys(chosen([own, changed(record_of(evaluations=9.0))], spec_of())) == [own["key"]]


def test_where_no_settings_are_the_specs_one_is_kept_to_be_set_aside(spec_of, record_of):
    records = [changed(record_of(evaluations=9.0)), {**changed(record_of(evaluations=8.0), 2e-3), "started": "2026-01-01"}]
    assert [record["evaluations"][0]["metrics"]["frechet"] for record in chosen(records, spec_of())] == [9.0]


def test_then_an_end_that_was_reached_then_the_later_start(spec_of, record_of):
    old = record_of(evaluations=5.0, started="2026-01-01", key="old")
    new = record_of(evaluations=6.0, started="2026-02-02", key="new")
    crashed = record_of(evaluations={}, status="crashed", started="2026-03-03", key="crashed")
    assert keys(chosen([new, crashed, old], spec_of())) == ["new"]
    assert keys(chosen([{**crashed, "started": None}, crashed], spec_of())) == ["crashed"]


def test_each_case_of_a_trajectory_is_chosen_for_itself(spec_of, record_of):
    """The later key holds only the shorter case; the longer one is still told by the earlier key."""
    both = record_of(cases={"original": 30, "long": 50}, evaluations={30: 5.0, 50: 4.0}, started="2026-01-01", key="both")
    short = record_of(evaluations=6.0, started="2026-02-02", key="short")
    kept = chosen([both, short], spec_of())
    assert {record["key"]: record["cases"] for record in kept} == {"both": {"long": 50}, "short": {"original": 30}}
    assert {case: of_seeds[0].last["frechet"] for case, of_seeds in read([both, short]).items()} == {"long": 4.0, "original": 6.0}


def test_other_seeds_and_cases_are_left_alone(spec_of, record_of):
    records = [record_of(case, seed, 5.0) for case in ("original", "narrow") for seed in (0, 1)]
    assert chosen(records, spec_of()) == records


def test_compare_and_report_get_the_chosen_ones_only(spec_of, back_and_forth, tmp_path):
    (tmp_path / "reference_results" / "published").mkdir(parents=True)
    found = judged(spec_of(), "full", back_and_forth)
    assert keys(found.records) == [back_and_forth[0]["key"]]
    assert not found.judgement.set_aside
    (case,) = [case for case in found.judgement.cases if case.case == "original"]
    assert case.metrics["frechet"].mean == 5.0


def test_older_keys_do_not_make_a_tier_the_larger_one(record_of):
    old = [record_of(seed=seed, tier="small", key=key) for seed in (0, 1) for key in ("a", "b")]
    assert tier_of([*old, *(record_of(seed=seed, tier="stand-in") for seed in (0, 1, 2))]) == "stand-in"


@pytest.fixture
def blessed(spec_of, tmp_path, monkeypatch):
    """blessed(records): put them into a results folder, bless, and read the measured file."""
    (tmp_path / "benchmarks" / "specs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)

    def bless_them(records: list[dict]) -> list[dict]:
        store, spec = Store(tmp_path / "results"), spec_of()
        for record in records:
            folder = f"liu/{record['case']}/{record['key'][:12]}-s{record['seed']}"
            (store.root / folder).mkdir(parents=True)
            store.write_record(folder, json.loads(json.dumps(record)) | {"environment": {"git": "a" * 40, "git_dirty": None}})
        bless(str(spec.path), reason="a test", tier="full", results=store.root)
        return load_measured(tmp_path / "reference_results" / "measured" / "liu.json")

    return bless_them


def test_one_run_of_a_case_and_seed_is_blessed_though_another_key_lies_beside(blessed, back_and_forth):
    assert keys(blessed(back_and_forth)) == [back_and_forth[0]["key"]]


def test_a_blessed_run_is_filed_under_a_case_that_it_speaks_for(blessed, record_of):
    both = record_of(cases={"original": 30, "long": 50}, evaluations={30: 5.0, 50: 4.0}, started="2026-01-01", key="b" * 64)
    short = record_of(evaluations=6.0, started="2026-02-02", key="c" * 64)
    assert {record["case"]: (record["key"][0], record["cases"]) for record in blessed([both, short])} == {
        "long": ("b", {"long": 50}),
        "original": ("c", {"original": 30}),
    }
