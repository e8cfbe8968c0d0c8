"""Events and loss statistics from logged windows."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from ganzoo.bench import recording
from ganzoo.bench.events import Seen, find_events
from ganzoo.judge import readings
from ganzoo.spec.schema import Watch
from ganzoo.variation import variation


def seen(d: list[float], g: list[float] | None = None, **more) -> Seen:
    """A training whose losses are given step by step, logged in windows of 50."""
    g = g or [1.0] * len(d)
    count = len(d) // 50
    means = {name: [sum(one[50 * i : 50 * (i + 1)]) / 50 for i in range(count)] for name, one in (("d", d), ("g", g))}
    return Seen({"step": [50 * (i + 1) for i in range(count)], **means}, d, g, **more)


def windows(d: list[float], g: list[float]) -> Seen:
    """The same where one value stands for the fifty steps of a window."""
    return seen([value for value in d for _ in range(50)], [value for value in g for _ in range(50)])


def found(one: Seen, **thresholds) -> list[tuple]:
    return [(event["kind"], event["step"]) for event in find_events(one, Watch(**thresholds), per_epoch=100)]


def looked(values: list[float | None]) -> dict:
    return {"step": [250 * i for i in range(len(values))], "diversity": values}


def evaluation(step: int, modes: int | None = None, select: float | None = 1.0) -> dict:
    return {"step": step, "metrics": {"modes": modes}, "select": {"frechet": select}}


WAVERING = [0.6 + 0.2 * (-1) ** i for i in range(60)]


def test_a_healthy_run_has_no_events():
    one = replace(windows(WAVERING, WAVERING), looks=looked([0.1, 0.6, 0.8, 0.7]), evaluations=[evaluation(500, 10, 3.0)], start=90.0)
    assert found(one) == []


def test_a_protocol_that_knows_no_classes():
    known = {"step": 500, "metrics": {"frechet": 1.0}, "select": {"frechet": 1.0}}
    assert found(seen([0.6] * 20, evaluations=[known] * 2)) == []


def test_the_first_non_finite_loss_is_named():
    (event,) = find_events(seen([0.6, math.nan, 0.6]), Watch(), per_epoch=4)
    assert event == {"kind": "nan", "step": 2, "epoch": 0.5, "detail": "a loss was not finite"}
    assert found(seen([0.6, 0.6], [1.0, math.inf])) == [("nan", 2)]


def test_d_is_saturated_after_so_many_low_steps_in_a_row():
    assert found(seen([0.5, *[0.001] * 9, 0.5, *[0.001] * 9]), saturated_steps=10) == []
    assert found(seen([0.5, *[0.001] * 9, 0.5, *[0.001] * 10]), saturated_steps=10) == [("d-saturated", 12)]
    assert found(seen([0.02] * 20), saturated_steps=10) == [] and found(seen([0.02] * 20), saturated_steps=10, saturated_loss=0.03)


def test_modes_are_lost_when_fewer_are_reached_than_before():
    reached = [evaluation(10, 3), evaluation(20, 8), evaluation(30, None), evaluation(40, 7), evaluation(50, 6)]
    (event,) = find_events(seen([0.6], evaluations=reached), Watch(), 10)
    assert (event["kind"], event["step"], event["epoch"], event["detail"]) == ("modes-lost", 50, 5, "6 classes reached, 8 before")
    assert found(seen([0.6], evaluations=reached), lost_modes=1) == [("modes-lost", 40)]
    assert found(seen([0.6], evaluations=[evaluation(10, 3), evaluation(20, 3), evaluation(30, 10)])) == []


def test_classes_that_are_not_the_data_s_cannot_be_lost():
    reached = [evaluation(10, 3), evaluation(20, 8), evaluation(30, 2)]
    assert found(seen([0.6], evaluations=reached)) == [("modes-lost", 30)]
    assert found(seen([0.6], evaluations=reached, knows_classes=False)) == []


def test_samples_collapse_when_two_looks_in_a_row_see_them_alike():
    assert found(seen([0.6], looks=looked([0.01, 0.6, 0.6, 0.1, 0.6, 0.1]))) == [], "one look is not enough, nor the last one alone"
    assert found(seen([0.6], looks=looked([0.01, 0.6, 0.6, 0.1, 0.6, 0.1, 0.1]))) == [("samples-collapsed", 1250)]
    assert found(seen([0.6], looks=looked([0.01, 0.6, 0.6, 0.1, None, 0.1]))) == [("samples-collapsed", 750)]


def test_samples_that_waver_on_their_way_up_have_not_collapsed():
    assert found(seen([0.6], looks=looked([0.001, 0.26, 0.24, 0.249, 0.31, 0.4, 0.5]))) == []


def test_samples_that_were_never_apart_collapsed_at_the_first_look():
    assert found(seen([0.6], looks=looked([0.01, 0.05, 0.2]))) == [("samples-collapsed", 250)]
    assert found(seen([0.6], looks=looked([0.01, 0.05]))) == [], "two looks are no evidence: nothing has risen yet"
    assert found(seen([0.6], looks=looked([0.01, 0.05, 0.2])), collapsed_diversity=0.15) == []


def test_a_sudden_fall_with_a_wide_swing_behind_it():
    calm, wild = [1.0, 1.1] * 10, [0.05, 0.9, 0.1, 0.05, 0.1] * 4
    assert found(windows(calm + wild, calm + wild)) == [("loss-swing", 50 * 21)]
    assert found(windows(calm + wild, calm * 2)) == [], "both must"
    assert ("loss-swing", 1050) not in found(windows(calm + [0.1] * 20, calm + [0.1] * 20)), "it fell and stayed there"


def test_losses_that_hardly_move_are_flat():
    early = [3.0 - 0.2 * i for i in range(10)]
    assert found(windows(early + [0.69, 0.7] * 5, early + [0.69, 0.7] * 5)) == [("losses-flat", 550)]
    assert found(windows(early + [0.69, 0.7] * 5, early + [0.3, 0.7] * 5)) == [], "both must"


def test_nothing_is_learnt_when_no_evaluation_beats_the_start():
    far = [evaluation(10, select=95.0), evaluation(20, select=91.0), evaluation(30, select=None)]
    assert found(seen([0.6], evaluations=far, start=90.0)) == [("nothing-learnt", 30)]
    assert found(seen([0.6], evaluations=far, start=92.0)) == []
    assert found(seen([0.6], evaluations=far, start=92.0), learnt_share=0.9) == [("nothing-learnt", 30)]
    assert found(seen([0.6], evaluations=far, start=None)) == []


def test_an_earlier_end_knows_nothing_of_what_came_later():
    """Flat up to there, and nothing learnt yet; the whole training is neither."""
    one = windows([0.69, 0.7] * 10 + WAVERING, [0.69, 0.7] * 10 + WAVERING)
    one = replace(one, evaluations=[evaluation(500, select=95.0), evaluation(4000, select=3.0)], start=90.0, looks=looked([0.1, 0.5]))
    assert found(one) == []
    assert found(one.until(1000)) == [("nothing-learnt", 500), ("losses-flat", 550)]
    assert one.until(1000).looks["step"] == [0, 250] and one.until(200).looks["step"] == [0] and len(one.until(1000).d) == 1000


def test_variation_is_of_the_later_half():
    assert variation([100.0, 0.0, 1.0, 3.0]) == pytest.approx(0.5)
    assert variation([1.0]) is None and variation([1.0, 1.0, 1.0, math.nan]) is None and variation([1, 1, 1.0, -1.0]) is None


def test_the_run_and_the_judge_share_one_formula():
    """A case read off at its record's end and one that ends before it must not swing by two measures."""
    assert recording.variation is readings.variation is variation


def balanced(d_real: list[float | None], d_fake: list[float | None], every: int = 50) -> Seen:
    """D's mean outputs window by window, of a training that is healthy in all else."""
    steps = [every * (i + 1) for i in range(len(d_real))]
    weights = {name: [0.5] * len(steps) for name in ("v_g", "v_r", "v_f")}
    return Seen({"step": [], "d": [], "g": []}, balance={"step": steps, **weights, "d_real": d_real, "d_fake": d_fake})


def test_d_that_calls_everything_real():
    one = balanced([0.9] * 8, [0.1, 0.2, 0.8, 0.8, 0.8, 0.8, 0.8, 0.7])
    (event,) = find_events(one, Watch(), per_epoch=100)
    told = "D's mean output stayed above 0.5 on reals and on fakes alike for 300 steps"
    assert event == {"kind": "all-real", "step": 150, "epoch": 1.5, "detail": told}
    assert found(one, all_real_steps=300) == [("all-real", 150)] and found(one, all_real_steps=301) == []
    assert found(one, all_real_output=0.75, all_real_steps=250) == [("all-real", 150)]
    assert found(one, all_real_output=0.8) == [], "at the threshold is not above it"
    assert found(balanced([0.4] * 8, [0.9] * 8)) == [] and found(balanced([0.9] * 8, [0.4] * 8)) == [], "both must"


def test_the_first_window_counts_from_the_first_step():
    assert found(balanced([0.9] * 5, [0.9] * 5)) == [("all-real", 50)] and found(balanced([0.9] * 4, [0.9] * 4)) == []
    assert found(balanced([0.9], [0.9], every=250)) == [("all-real", 250)], "one long window is stretch enough"


@pytest.mark.parametrize("gap", [None, math.nan, math.inf, 0.5])
def test_a_window_without_a_mean_ends_the_stretch(gap):
    high = [0.9] * 9
    assert found(balanced(high, [0.9] * 4 + [gap] + [0.9] * 4)) == [] and found(balanced([0.9] * 4 + [gap] + [0.9] * 4, high)) == []
    assert found(balanced([*high, 0.9], [0.9] * 4 + [gap] + [0.9] * 5)) == [("all-real", 300)]


def test_an_earlier_end_has_not_seen_d_give_in():
    one = balanced([0.9] * 10, [0.1] * 4 + [0.9] * 6)
    assert found(one) == [("all-real", 250)] and found(one.until(400)) == [] and found(one.until(450)) == [("all-real", 250)]
    assert len(one.until(449).balance["d_fake"]) == 8 and one.until(0).balance["step"] == []


def test_without_dynamic_weights_nothing_is_called_real():
    assert "all-real" not in dict(found(windows(WAVERING, WAVERING))) and windows(WAVERING, WAVERING).until(50).balance == {}
    empty = balanced([], [])
    assert found(empty) == [] and found(empty.until(0)) == []
