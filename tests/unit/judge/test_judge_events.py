"""Claims about events: several kinds, windows of epochs, runs too short to tell. A record here has 100 steps an epoch and ends at 30."""

from __future__ import annotations

import pytest

from ganzoo.judge.judgement import judge

EVENT = {
    "id": "R1",
    "text": "t",
    "where": "§1",
    "kind": "event",
    "event": "samples-collapsed",
    "cases": ["original"],
    "expected": "happens",
}


def at(epoch, kind="samples-collapsed"):
    return [{"kind": kind, "step": int(epoch * 100), "epoch": epoch, "detail": ""}]


@pytest.fixture
def claim_of(spec_of, record_of):
    """claim_of({field: value}, events of seed 0, of seed 1, …) → the verdict, of trainings to epoch 30."""

    def build(changes, *events, **record):
        records = [record_of(seed=seed, evaluations=1.0, events=found, **record) for seed, found in enumerate(events)]
        (claim,) = judge(spec_of([{**EVENT, **changes}]), "full", records, {}).claims
        return claim

    return build


@pytest.mark.parametrize(
    ("window", "counted"),
    [
        ({}, [1, 1, 1, 0]), ({"within_epochs": 10}, [1, 1, 0, 0]), ({"within_epochs": 9.9}, [1, 0, 0, 0]),
        ({"after_epochs": 10}, [0, 1, 1, 0]), ({"after_epochs": 6, "within_epochs": 29.9}, [0, 1, 0, 0]),
    ],
)  # fmt: skip
def test_a_window_has_both_its_ends(claim_of, window, counted):
    claim = claim_of(window, at(5), at(10), at(30), [])
    assert list(claim.values["original"].values()) == counted
    assert f"in {sum(counted)} of 4 seeds of 'original'" in claim.reason


def test_a_kind_counts_where_it_is_first_seen(claim_of):
    """Collapsed at 5 and again at 20: that is no collapse from 10 on."""
    claim = claim_of({"after_epochs": 10}, at(20) + at(5))
    assert claim.values == {"original": {0: 0}}


def test_a_case_that_ends_before_its_training_has_its_own_events(claim_of):
    """What the run found of the steps up to the case's end counts, not what the whole training turned out to be."""
    flat = {"event": "losses-flat"}
    assert claim_of(flat, [], events_by_end={"3000": at(15, "losses-flat")}).values == {"original": {0: 1}}
    assert claim_of(flat, at(15, "losses-flat"), events_by_end={"3000": []}).values == {"original": {0: 0}}
    assert claim_of(flat, at(15, "losses-flat"), events_by_end={"2000": []}).values == {"original": {0: 1}}, "another end's do not"


def test_any_of_several_kinds_will_do(claim_of):
    either = {"event": ["nan", "d-saturated"], "within_epochs": 10}
    claim = claim_of(
        either, at(5, "nan"), at(5, "d-saturated"), at(5), at(5, "nan") + at(6, "d-saturated"), at(12, "nan") + at(9, "d-saturated")
    )
    assert list(claim.values["original"].values()) == [1, 1, 0, 1, 1]
    assert claim.label == "nan or d-saturated, first seen by epoch 10"
    assert claim.reason.startswith("nan or d-saturated, first seen by epoch 10: in 4 of 5 seeds of 'original'")


def test_the_words_for_a_window(claim_of):
    told = [claim_of(w, at(5)).label for w in ({}, {"after_epochs": 5}, {"after_epochs": 5, "within_epochs": 7.5})]
    kind = "samples-collapsed"
    assert told == [kind, f"{kind}, first seen at epoch 5 or later", f"{kind}, first seen from epoch 5 to 7.5"]
    assert claim_of({}, at(5)).reason.startswith("'samples-collapsed' in 1 of 1 seed of 'original'")


@pytest.mark.parametrize("window", [{"within_epochs": 31}, {"after_epochs": 31}])
@pytest.mark.parametrize("expected", ["happens", "never"])
def test_runs_that_end_too_early_are_no_never(claim_of, window, expected):
    """Six trainings to epoch 30 in which nothing was seen: nothing is known of epoch 31."""
    claim = claim_of({**window, "expected": expected}, *[[]] * 6)
    assert (claim.verdict, claim.values) == ("no evidence", {})
    assert claim.reason == "'original' ends at epoch 30, before epoch 31: too early to tell."
    reached = claim_of({**window, "expected": expected} | dict.fromkeys(window, 30), *[[]] * 6)
    assert reached.verdict == {"happens": "contradicted", "never": "holds"}[expected]


def test_too_short_runs_are_held_against_either_verdict(claim_of):
    """Six collapsed, six ended before: of those six alone it would hold, of twelve with six without it would not; neither is claimed."""
    late = {"within_epochs": 40}
    claim = claim_of(late, *[at(5)] * 6, *[[]] * 6)
    assert (claim.verdict, claim.direction, claim.n, claim.seeds_needed) == ("inconclusive", "none", {"original": 12}, None)
    assert claim.effect.value == 0.5 and claim.effect.interval[1] == 1.0 and claim.effect.interval[0] < 0.25
    assert "6 seeds of 'original' ended before epoch 40 without it: held against either verdict." in claim.reason
    assert claim.as_dict()["values"]["original"]["11"] is None
    assert claim_of(late, *[at(5)] * 11, []).verdict == "holds"  # 11 of 12 at least
    assert claim_of({**late, "expected": "never"}, at(5), *[[]] * 5).verdict == "contradicted"  # one is enough


def test_a_kind_seen_before_the_window_opened_cannot_come_first_any_more(claim_of):
    assert claim_of({"after_epochs": 40}, at(5), at(6)).values == {"original": {0: 0, 1: 0}}


def test_older_records_without_the_kind_are_no_never(spec_of, record_of):
    """They counted nothing but NaN, lost classes and saturation."""
    records = [record_of(seed=seed, evaluations=1.0) for seed in range(6)]
    for record in records:
        del record["resolved"]["watch"]
    never, classes = (
        {**EVENT, "expected": "never"},
        {**EVENT, "id": "R2", "expected": "never", "event": "modes-lost", "cases": ["original"]},
    )
    blind, told = judge(spec_of([never, classes]), "full", records, {}).claims
    assert blind.reason == "'original' was run before anything looked for 'samples-collapsed'; run it again." and told.verdict == "holds"
    newer = record_of(seed=6, evaluations=1.0)
    (claim,) = judge(spec_of([never]), "full", [*records, newer], {}).claims
    assert claim.values == {"original": {6: 0}} and "6 of 7 seeds of 'original' did not look for it and are left out." in claim.reason


def test_a_shorter_case_of_a_trajectory_counts_up_to_its_own_end(spec_of, record_of):
    claims = [{**EVENT, "id": case, "cases": [case], "within_epochs": 30} for case in ("original", "long")]
    cases = {"original": 30, "long": 50}
    records = [record_of(cases=cases, seed=s, evaluations={30: 1.0, 50: 1.0}, events=at(e)) for s, e in enumerate((30.0, 30.01, 45.0))]
    short, long = judge(spec_of(claims), "full", records, {}).claims
    assert list(short.values["original"].values()) == list(long.values["long"].values()) == [1, 0, 0]
