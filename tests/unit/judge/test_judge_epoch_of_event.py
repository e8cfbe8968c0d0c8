"""When an event comes, as a metric: later is better, never is latest, and no mean is made of it."""

from __future__ import annotations

import json
from itertools import combinations
from math import inf

import pytest

from ganzoo.judge.judgement import judge
from ganzoo.judge.metrics import badness
from ganzoo.judge.stats.permutation import compare
from ganzoo.judge.stats.trend import trend
from ganzoo.judge.summaries import summary

METRIC = "epoch_of_samples_collapsed"
ORDERING = {"id": "R6", "text": "t", "where": "§1", "kind": "ordering", "metric": METRIC, "better": "original", "worse": "narrow"}
TREND = {"id": "R6", "text": "t", "where": "§1", "kind": "trend", "metric": METRIC, "cases": ["original", "narrow", "third"],
         "direction": "worsens"}  # fmt: skip


@pytest.fixture
def claim_of(spec_of, record_of):
    """claim_of(claim, {case: [epoch of the collapse, None: never]}) → the verdict; every case ends at epoch 30."""

    def build(claim, cases):
        records = [
            record_of(case, seed, 5.0, events=[] if epoch is None else [{"kind": "samples-collapsed", "step": epoch * 100, "epoch": epoch}])
            for case, found in cases.items()
            for seed, epoch in enumerate(found)
        ]
        (found,) = judge(spec_of([claim]), "full", records, {}).claims
        return found

    return build


def test_never_is_better_than_any_epoch_and_is_no_divergence():
    assert badness(METRIC, inf) < badness(METRIC, 200.0) < badness(METRIC, 3.0) < badness(METRIC, float("nan"))
    assert badness("frechet", inf) == badness("is", inf) == inf
    summed = summary({0: inf, 1: 12.0, 2: inf}, METRIC)
    assert (summed.never, summed.diverged, summed.mean, summed.interval) == (2, 0, None, None)
    assert summary({0: inf}, "frechet").diverged == 1 and summary({0: 9.0, 1: 11.0}, METRIC).mean == 10.0


def test_ranks_with_ties_by_brute_force():
    """Never in some of both: all 70 splits of the midranks, counted out."""
    x, y = [-inf, -inf, -inf, -20.0], [-inf, -9.0, -9.0, -4.0]
    ranks = [2.5, 2.5, 2.5, 5.0, 2.5, 6.5, 6.5, 8.0]
    sums = [sum(ranks[i] for i in chosen) for chosen in combinations(range(8), 4)]
    test = compare(x, y)
    assert test.less == sum(s <= sum(ranks[:4]) for s in sums) / 70 and test.greater == sum(s >= sum(ranks[:4]) for s in sums) / 70
    assert compare([-inf, 1.0], [inf, 1.0], paired=True).less == 0.5  # opposite infinities are no tie
    assert trend([[(0, -1.0), (1, -2.0), (2, -inf)]], "x")[1] == -1.0 and trend([[(0, -inf), (1, -inf)]], "x")[1] == 0.0


def test_an_ordering_where_one_side_never_collapses(claim_of):
    claim = claim_of(ORDERING, {"original": [None] * 4, "narrow": [10, 12, 14, None]})
    assert (claim.direction, claim.difference, claim.interval) == ("as stated", None, None)
    assert claim.effect.name == "P(original better than narrow)" and claim.effect.value == (12 + 2) / 16
    assert claim.test.endswith("on ranks, two-sided") and claim.never == {"original": 4, "narrow": 1}
    assert "original (never in 4 of 4 seeds) vs narrow (never in 1 of 4 seeds, else at 10 to 14)" in claim.reason
    assert "An event that never came counts as later than any other; ranks are compared." in claim.reason
    assert "iverged" not in claim.reason and "worst" not in claim.reason and "not finite" not in claim.reason
    assert json.loads(json.dumps(claim.as_dict(), allow_nan=False))["values"]["narrow"] == {"0": 10.0, "1": 12.0, "2": 14.0, "3": None}
    whole = claim_of(ORDERING, {"original": [None] * 4, "narrow": [10, 12, 14, 16]})
    assert (whole.verdict, whole.p) == ("holds", pytest.approx(2 / 70))
    assert (
        claim_of({**ORDERING, "better": "narrow", "worse": "original"}, {"original": [None] * 4, "narrow": [1, 2, 3, 4]}).verdict
        == "contradicted"
    )


def test_where_it_came_in_every_training_the_epochs_are_compared(claim_of):
    claim = claim_of(ORDERING, {"original": [20, 21, 22, 23], "narrow": [4, 5, 6, 7]})
    assert (claim.verdict, claim.difference, claim.never) == ("holds", 16.0, {}) and claim.interval[0] > 0
    assert "on ranks" not in claim.test and "never" not in claim.reason


def test_where_it_came_nowhere_nothing_is_decided(claim_of):
    claim = claim_of(ORDERING, {"original": [None] * 6, "narrow": [None] * 6})
    assert (claim.verdict, claim.direction, claim.p, claim.effect.value) == ("inconclusive", "none", 1.0, 0.5)


def test_more_blocks_collapse_sooner(claim_of):
    """Jonckheere's trend over ranks, most of the first case never."""
    claim = claim_of(TREND, {"original": [None, None, None], "narrow": [20, 15, None], "third": [3, 5, 4]})
    assert (claim.verdict, claim.direction, claim.difference, claim.interval) == ("holds", "as stated", None, None)
    assert claim.effect.value == pytest.approx((6 + 9 + 9) / 27)  # never and never tie
    assert claim.never == {"original": 3, "narrow": 1, "third": 0} and "narrow (never in 1 of 3 seeds, else at 15 to 20)" in claim.reason
    assert (
        claim_of({**TREND, "direction": "improves"}, {"original": [None] * 3, "narrow": [15] * 3, "third": [3] * 3}).verdict
        == "contradicted"
    )


def test_runs_of_different_lengths_are_compared_up_to_the_shortest(spec_of, record_of):
    """The long one collapses at 40, the short ones end at 30: that is no earlier than theirs."""
    collapse = [{"kind": "samples-collapsed", "step": 4000, "epoch": 40.0}]
    records = [record_of("long", seed, 5.0, events=collapse) for seed in range(4)] + [record_of("narrow", seed, 5.0) for seed in range(4)]
    (claim,) = judge(spec_of([{**ORDERING, "better": "narrow", "worse": "long"}]), "full", records, {}).claims
    assert (claim.verdict, claim.effect.value, claim.never) == ("inconclusive", 0.5, {"narrow": 4, "long": 4})
    assert "Events count up to epoch 30, where the shortest run ends." in claim.reason


def test_records_that_did_not_look_for_it_are_no_evidence(spec_of, record_of):
    records = [record_of(case, 0, 5.0) for case in ("original", "narrow")]
    del records[1]["resolved"]["watch"]
    (claim,) = judge(spec_of([ORDERING]), "full", records, {}).claims
    assert claim.reason == "'narrow' was run before anything looked for 'samples-collapsed'; run it again."


def test_epochs_of_events_stand_in_no_table_of_metrics(spec_of, record_of):
    (case, *_) = judge(spec_of(), "full", [record_of(evaluations=5.0)], {}).cases
    assert list(case.metrics) == ["frechet", "seconds_per_epoch"]
