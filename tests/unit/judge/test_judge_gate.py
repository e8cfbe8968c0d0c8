"""The regression gate: fresh runs against blessed ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t

from ganzoo.judge.gate import FLOOR, gate, prediction

BLESSED = [10.0, 11.0, 12.0]


@pytest.fixture
def row_of(record_of):
    """row_of(blessed Fréchet distances, fresh one) → the row of 'frechet'."""

    def build(blessed, fresh, **changes):
        references = [record_of("original", seed, value) for seed, value in enumerate(blessed)]
        rows = gate(references, [record_of("original", 7, fresh, **changes)])
        if None in (fresh, *blessed):  # a diverged run is asked for all that its case's end measures
            rows = [row for row in rows if row.metric == "frechet"]
        assert len(rows) == 1
        return rows[0]

    return build


def test_inside_and_outside(row_of):
    """mean 11, std 1, t(2 df, 99.5 %)·√(4/3) = 11.46: two-sided."""
    half = t.ppf(0.995, 2) * np.sqrt(4 / 3)
    row = row_of(BLESSED, 11 + half - 0.01)
    assert (
        row.ok is True
        and row.interval == pytest.approx((11 - half, 11 + half))
        and (row.case, row.seed, row.metric) == ("original", 7, "frechet")
    )
    assert row.reason == "22.5 lies in [-0.46, 22.5], the 99% prediction interval of 3 seeds blessed."
    assert row_of(BLESSED, 11 + half + 0.01).ok is False
    assert row_of(BLESSED, 11 - half - 0.01).ok is False


def test_a_sound_run_fails_one_time_in_a_hundred():
    rng = np.random.default_rng(0)
    outside = [not low <= new <= high for *seeds, new in rng.normal(50, 3, (4000, 4)) for low, high in [prediction(seeds)]]
    assert np.mean(outside) == pytest.approx(0.01, abs=0.005)


def test_seeds_that_agree_exactly_leave_a_floor(row_of):
    assert prediction([10.0, 10.0, 10.0]) == pytest.approx((9.8, 10.2)) and prediction([0.0, 0.0]) == (-FLOOR, FLOOR)
    assert row_of([10.0] * 3, 9.0).ok is False and row_of([10.0] * 3, 10.1).ok is True


def test_one_blessed_seed_gates_nothing(row_of):
    row = row_of([10.0], 99.0)
    assert (row.ok, row.interval) == (
        None,
        None,
    ) and row.reason == "One blessed seed (10) gives no interval; bless a second one to gate it."


def test_nothing_blessed(row_of):
    row = row_of([], 10.0)
    assert (row.ok, row.metric) == (None, None) and "No blessed run of this case at this tier" in row.reason


@pytest.mark.parametrize("status", ["crashed", "partial"])
def test_a_run_that_did_not_end_fails(record_of, status):
    (row,) = gate([record_of(seed=s, evaluations=v) for s, v in enumerate(BLESSED)], [record_of(seed=7, evaluations={}, status=status)])
    assert row.ok is False and ("out of memory" if status == "crashed" else "stopped before") in row.reason


def test_diverged(row_of):
    assert row_of(BLESSED, None).ok is False
    assert row_of([10.0, None, 12.0], 11.0).ok is None
    assert row_of(BLESSED, None).as_dict()["fresh"] is None


def test_a_metric_that_vanished_fails(record_of):
    rows = gate(
        [record_of(seed=s, evaluations={"frechet": v, "kid": v}) for s, v in enumerate(BLESSED)], [record_of(seed=7, evaluations=11.0)]
    )
    assert {row.metric: row.ok for row in rows} == {"frechet": True, "kid": False}


def test_another_protocol_fails_and_names_the_field(row_of):
    row = row_of(
        BLESSED, 11.0, protocol={"name": "mnist-cnn", "hash": "b" * 64, "fields": {"extractor": "mnist-cnn", "num_fake": 5}, "labels": {}}
    )
    assert row.ok is False and "their protocols differ in num_fake" in row.reason


def test_changed_settings_fail_and_are_named(record_of):
    fresh = record_of(seed=7, evaluations=11.0)
    fresh["resolved"]["optim"]["d"]["lr"] = 1e-3
    (row,) = gate([record_of(seed=s, evaluations=v) for s, v in enumerate(BLESSED)], [fresh])
    assert row.ok is False and "another optim.d.lr" in row.reason


def test_cases_of_one_trajectory_are_gated_each_at_its_epoch(record_of):
    cases = {"original": 30, "long": 50}
    blessed = [record_of(seed=s, evaluations={30: v, 50: v + 100}, cases=cases) for s, v in enumerate((10.0, 10.1, 10.2))]
    fresh = record_of(seed=7, evaluations={30: 10.1, 50: 10.1}, cases=cases)
    assert {row.case: row.ok for row in gate(blessed, [fresh])} == {"original": True, "long": False}


WEIGHTS = {5: "a" * 64, 30: "b" * 64}
HERE = {"torch": "2.15.0", "device": "cpu", "device_name": "EPYC", "threads": 1, "variables": {"LD_PRELOAD": "x.so"}}


@pytest.fixture
def weighed(record_of):
    """weighed(seed, {epoch: digest of the weights}, …) → a record that evaluated them; nearby values, so that the metrics pass."""

    def build(seed=0, weights=WEIGHTS, *, environment=HERE, **changes):
        record = record_of(seed=seed, evaluations=dict.fromkeys(weights, 10.0 + seed / 10), environment=environment, **changes)
        for entry in record["evaluations"]:
            entry["weights"] = weights[entry["epoch"]]
        return record

    return build


def whole_run(blessed, fresh):
    return [(row.label, row.ok, row.reason) for row in gate(blessed, [fresh]) if row.metric is None]


def test_the_same_run_again_must_be_bit_exact(weighed):
    blessed = [weighed(seed) for seed in range(3)]
    ((label, ok, why),) = whole_run(blessed, weighed(1))
    assert (label, ok) == ("whole run", True) and why.startswith("Bit-exact: the weights of the blessed run at 2 epochs, 30 the last")
    ((label, ok, why),) = whole_run(blessed, weighed(1, {5: "a" * 64, 30: "c" * 64}))
    assert (label, ok) == ("whole run", False) and "Not bit-exact: at epoch 30 the weights are cccccccccccc" in why
    assert "bbbbbbbbbbbb" in why and all(row.ok for row in gate(blessed, [weighed(1, {5: "c" * 64, 30: "c" * 64})]) if row.metric)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "f" * 64},  # other code, data, settings or protocol
        {"environment": HERE | {"torch": "2.16.0"}},
        {"environment": HERE | {"device_name": "Xeon"}},
        {"environment": HERE | {"threads": 2}},
        {"environment": HERE | {"device": "cuda"}},
        {"environment": HERE | {"variables": {}}},
    ],
)
def test_another_machine_torch_or_key_owes_no_bits(weighed, changes):
    other = {5: "c" * 64, 30: "c" * 64}
    assert whole_run([weighed(seed) for seed in range(3)], weighed(1, other, **changes)) == []


def test_bits_are_owed_by_the_same_seed_and_epochs_only(weighed):
    blessed = [weighed(seed) for seed in range(3)]
    assert whole_run(blessed, weighed(7, {5: "c" * 64, 30: "c" * 64})) == []
    assert whole_run(blessed, weighed(1, {10: "c" * 64, 30: "b" * 64}))[0][1] is True, "epoch 10 was not evaluated then"
    longer = weighed(1, {5: "a" * 64, 30: "b" * 64, 50: "d" * 64}, cases={"original": 30, "long": 50})
    assert [ok for _, ok, _ in whole_run(blessed, longer)] == [True, None], "a case is held to its own end"
    assert len(whole_run(blessed, weighed(1, environment=HERE | {"variables": HERE["variables"] | {"OMP_NUM_THREADS": "1"}}))) == 1


def test_other_tiers_and_seconds_are_not_gated(record_of):
    blessed = [record_of(seed=s, evaluations=v, tier="small") for s, v in enumerate(BLESSED)]
    assert [row.ok for row in gate(blessed, [record_of(seed=7, evaluations=11.0)])] == [None]
    rows = gate(
        [record_of(seed=s, evaluations=v) for s, v in enumerate(BLESSED)],
        [record_of(seed=7, evaluations=11.0, scalars={"seconds_per_epoch": 9e9})],
    )
    assert [row.metric for row in rows] == ["frechet"]
