"""Cases read off records: last and best, shared trajectories, crashed and partial runs, values that are not finite."""

from __future__ import annotations

import math

import pytest

from ganzoo.judge.comparable import changed_settings, differing_fields
from ganzoo.judge.metrics import listed
from ganzoo.judge.readings import events_of, read, read_case, values

SHARED = {"original": 30, "long": 50, "longer": 100}


def row(epoch, frechet, select):
    return {"epoch": epoch, "step": epoch * 100, "metrics": {"frechet": frechet}, "select": {"frechet": select}}


def test_last_and_best(record_of):
    """Best is chosen on the other samples, and only up to the case's epoch: 7.5 at epoch 10, not 3 at 50."""
    record = record_of(cases=SHARED, evaluations={}, status="finished")
    record["evaluations"] = [row(10, 8.0, 7.5), row(30, 7.0, 9.0), row(50, 2.0, 3.0), row(100, 5.0, 4.0)]
    readings = read([record])
    assert {case: (r[0].last["frechet"], r[0].best["frechet"]) for case, r in readings.items()} == {
        "original": (7.0, 8.0),
        "long": (2.0, 2.0),
        "longer": (5.0, 2.0),
    }
    assert {r[0].trajectory for r in readings.values()} == {readings["original"][0].trajectory}


def test_each_metric_at_its_own_best(record_of):
    """On the reported samples and up to the case's epoch: the lowest distance, the highest score, wherever each was; never a NaN."""
    record = record_of(cases={"original": 30, "long": 40}, evaluations={})
    scores = [(10, 8.0, 2.0), (20, 5.0, None), (30, 6.0, 3.0), (40, 1.0, 2.5)]
    record["evaluations"] = [row(e, d, 9.0) | {"metrics": {"frechet": d, "is": s}} for e, d, s in scores]
    readings = read([record])
    assert [values(readings["original"], name, "each-best") for name in ("frechet", "is")] == [{0: 5.0}, {0: 3.0}]
    assert [values(readings["long"], name, "each-best") for name in ("frechet", "is")] == [{0: 1.0}, {0: 3.0}]


def test_a_longer_training_in_another_record_is_the_same_trajectory(record_of):
    """Same settings and seed: only the length differs. Another seed, tier or setting is another training."""
    name = read_case(record_of("original", 1, 5.0), "original").trajectory
    assert read_case(record_of("long", 1, 5.0), "long").trajectory == name
    others = [record_of("original", 2, 5.0), record_of("narrow", 1, 5.0), record_of("original", 1, 5.0, tier="small")]
    assert all(read_case(other, other["case"]).trajectory != name for other in others)


@pytest.mark.parametrize("status", ["crashed", "partial"])
def test_a_run_that_ended_early_yields_the_cases_it_passed(record_of, status):
    record = record_of(cases=SHARED, evaluations={30: 7.0, 50: 6.0}, status=status)
    found = {case: of_seeds[0] for case, of_seeds in read([record]).items()}
    assert {case: one.status for case, one in found.items()} == {"original": "finished", "long": "finished", "longer": status}
    assert found["longer"].last == found["longer"].best == {} and found["long"].last["frechet"] == 6.0


def test_null_is_a_diverged_value_and_a_missing_key_is_none(record_of):
    readings = read([record_of(seed=0, evaluations={"frechet": None}), record_of(seed=1, evaluations={"frechet": 3.0, "kid": 0.1})])
    found = values(readings["original"], "frechet")
    assert math.isnan(found[0]) and found[1] == 3.0
    assert values(readings["original"], "kid") == {1: 0.1}


def test_best_of_a_training_that_diverged_later_is_its_best_finite_one(record_of):
    record = record_of(evaluations={10: 4.0, 20: 6.0, 30: None})
    (reading,) = read([record])["original"].values()
    assert math.isnan(reading.last["frechet"]) and reading.best["frechet"] == 4.0
    diverged = record_of(evaluations={20: None, 30: None})
    assert math.isnan(read_case(diverged, "original").best["frechet"])


def test_without_other_samples_there_is_no_best(record_of):
    record = record_of(evaluations=5.0)
    del record["evaluations"][0]["select"]
    assert read_case(record, "original").best == {}


def test_of_two_records_the_finished_one_then_the_later_one(record_of):
    old, new = record_of(evaluations=5.0, started="2026-01-01"), record_of(evaluations=6.0, started="2026-02-02")
    crashed = record_of(evaluations={}, status="crashed", started="2026-03-03")
    for records in ([old, new, crashed], [crashed, new, old]):
        assert read(records)["original"][0].last["frechet"] == 6.0
    assert read([crashed])["original"][0].status == "crashed"
    retried = record_of(evaluations={}, status="partial", started="2026-04-04")
    assert read([crashed, retried])["original"][0].status == "partial"


def test_scalars_of_a_case_that_ends_before_its_trajectory(record_of):
    """The longest case has the run's scalars; a shorter one the variation of its own losses' later half."""
    losses = {"step": [1000, 2000, 3000, 4000, 5000], "d": [9.0, 1.0, 3.0, 7.0, 7.0], "g": [1.0, 1.0, 2.0, 2.0, None]}
    scalars = {"d_loss_variation": 0.25, "g_loss_variation": None, "seconds_per_epoch": 8.0}
    record = record_of(cases={"original": 30, "long": 50}, evaluations={30: 1.0, 50: 1.0}, losses=losses, scalars=scalars)
    found = {case: of_seeds[0].last for case, of_seeds in read([record]).items()}
    assert found["long"]["d_loss_variation"] == 0.25 and math.isnan(found["long"]["g_loss_variation"])
    assert found["original"]["d_loss_variation"] == 0.5  # of [1, 3]: std 1, mean 2
    assert found["original"]["g_loss_variation"] == pytest.approx((2 / 9) ** 0.5 / 2 * 1.5, rel=0.1)
    assert found["original"]["seconds_per_epoch"] == found["long"]["seconds_per_epoch"] == 8.0


def test_too_few_losses_have_no_variation(record_of):
    record = record_of(evaluations=1.0, scalars={"d_loss_variation": None, "seconds_per_epoch": None})
    assert listed(read_case(record, "original").last) == ["frechet"]


def test_events_count_up_to_the_case(record_of):
    record = record_of(
        cases={"original": 30, "long": 50}, evaluations={30: 1.0, 50: 1.0}, events=[{"kind": "modes-lost", "step": 3001, "detail": ""}]
    )
    found = {case: events_of(of_seeds[0]) for case, of_seeds in read([record]).items()}
    assert found == {"original": {}, "long": {"modes-lost": 30.01}}
    assert read([record])["original"][0].last["epoch_of_modes_lost"] == math.inf
    assert read([record])["long"][0].last["epoch_of_modes_lost"] == 30.01


def test_an_event_s_epoch_is_told_or_follows_from_its_step(record_of):
    """The first of a kind counts, whatever the order in the record; without any evaluation the data say how many steps an epoch has."""
    events = [{"kind": "nan", "step": 2900, "epoch": 7.5}, {"kind": "nan", "step": 150}, {"kind": "loss-swing", "step": 200, "epoch": 2.25}]
    assert events_of(read_case(record_of(evaluations=1.0, events=events), "original")) == {"nan": 1.5, "loss-swing": 2.25}
    crashed = record_of(evaluations={}, status="crashed", events=events[1:2])  # 60,000 images in batches of 100: 600 steps
    assert events_of(read_case(crashed, "original")) == {"nan": 0.25}


def test_older_records_did_not_look_for_every_event(record_of):
    """Their silence about a collapse is no 'never'."""
    record = record_of(evaluations=1.0)
    assert read_case(record, "original").last["epoch_of_samples_collapsed"] == math.inf
    del record["resolved"]["watch"]
    last = read_case(record, "original").last
    assert "epoch_of_samples_collapsed" not in last and last["epoch_of_d_saturated"] == math.inf


TRUNCATED = [{"threshold": 0.5, "metrics": {"frechet": 6.0, "modes": None}}, {"threshold": 1, "metrics": {"frechet": 5.0, "probe_d": 0.9}}]


def test_truncated_metrics_and_probes_are_read_at_the_end_and_nowhere_else(record_of):
    """The best evaluation is the earlier one; that of a shorter case is its own end, not its trajectory's."""
    record = record_of(cases={"original": 30, "long": 50}, evaluations={})
    record["evaluations"] = [row(10, 8.0, 1.0), row(30, 7.0, 9.0), row(50, 6.0, 9.0)]
    record["evaluations"][0]["metrics"]["probe_d"] = 0.1
    record["evaluations"][1] |= {"truncated": TRUNCATED}
    record["evaluations"][1]["metrics"]["probe_d"] = 0.8
    original, long = (read_case(record, case) for case in ("original", "long"))
    assert {name: original.last[name] for name in ("frechet@0.5", "frechet@1.0", "probe_d")} == {
        "frechet@0.5": 6.0, "frechet@1.0": 5.0, "probe_d": 0.8,
    }  # fmt: skip
    assert math.isnan(original.last["modes@0.5"]) and "probe_d@1.0" not in original.last
    assert listed(original.best) == listed(original.each_best) == listed(long.last) == ["frechet", "seconds_per_epoch"]


def test_what_was_asked_of_a_diverged_generator_is_nan_and_not_missing(record_of):
    record = record_of(evaluations={"frechet": None, "modes": None})
    record["resolved"]["eval"] |= {"truncations": [1.0], "probe": True}
    last = read_case(record, "original").last
    assert all(math.isnan(last[name]) for name in ("frechet@1.0", "modes@1.0", "probe_d", "probe_pixels"))
    record["resolved"]["eval"] |= {"truncations": [], "probe": False}
    assert listed(read_case(record, "original").last) == ["frechet", "modes", "seconds_per_epoch"]


def test_mean_losses_of_a_case_that_ends_before_its_trajectory(record_of):
    losses = {"step": [1000, 2000, 3000, 4000], "d": [4.0, 2.0, 0.0, 0.0], "g": [1.0, 1.0, 1.0, None]}
    scalars = {"d_loss_mean": 1.5, "g_loss_mean": None}
    record = record_of(cases={"original": 30, "long": 50}, evaluations={30: 1.0, 50: 1.0}, losses=losses, scalars=scalars)
    short, whole = (read_case(record, case).last for case in ("original", "long"))
    assert (short["d_loss_mean"], short["g_loss_mean"], whole["d_loss_mean"]) == (2.0, 1.0, 1.5) and math.isnan(whole["g_loss_mean"])
    del record["scalars"]["d_loss_mean"]
    assert "d_loss_mean" not in read_case(record, "original").last, "an older, thinned record cannot tell"


def test_changed_settings_are_named(record_of, spec_of):
    settings = spec_of().resolve("original").as_dict()
    record = record_of(evaluations=1.0)
    assert changed_settings(record, "original", settings) == []
    record["resolved"]["optim"]["d"]["lr"] = 1e-3
    record["resolved"]["optim"]["d"]["unknown_today"] = 1
    record["cases"]["original"] = 31
    assert changed_settings(record, "original", settings) == ["optim.d.lr", "train.epochs"]


def test_a_leaders_greater_length_is_no_change(record_of, spec_of):
    record = record_of(cases=SHARED, evaluations={30: 1.0, 50: 1.0, 100: 1.0})
    assert record["resolved"]["train"]["epochs"] == 100
    assert all(changed_settings(record, case, spec_of().resolve(case).as_dict()) == [] for case in SHARED)


def test_max_steps_cuts_the_length(record_of, spec_of):
    """600 steps an epoch: 1500 steps are 2.5 epochs."""
    settings = spec_of().resolve("original").as_dict()
    settings["train"]["max_steps"] = 1500
    record = record_of(evaluations={2.5: 1.0}, cases={"original": 2.5})
    assert changed_settings(record, "original", settings) == []
    record["cases"]["original"] = 2.0
    assert changed_settings(record, "original", settings) == ["train.epochs"]


def test_protocols_differ_by_field():
    one = {"name": "a", "hash": "1", "fields": {"num_fake": 10, "resize": {"side": 8}}}
    assert differing_fields([one, one, {**one, "fields": {}}]) == []  # the hash decides
    assert differing_fields([one, {**one, "hash": "2", "fields": {"num_fake": 20, "resize": {"side": 9}}}]) == ["num_fake", "resize.side"]
    assert differing_fields([one, {"name": "b", "hash": "2", "fields": {**one["fields"], "ema": 0.9}}]) == ["ema", "name"]
    assert differing_fields([one, {**one, "hash": "3"}]) == ["hash"]
