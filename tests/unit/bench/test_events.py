"""Events and loss statistics from logged windows."""

from __future__ import annotations

import math

import pytest

from ganzoo.bench import run
from ganzoo.bench.events import find_events
from ganzoo.judge import readings
from ganzoo.variation import variation


def losses(d: list[float], g: list[float] | None = None) -> dict:
    return {"step": [50 * (i + 1) for i in range(len(d))], "d": d, "g": g or [1.0] * len(d)}


def evaluation(step: int, modes: int | None) -> dict:
    return {"step": step, "metrics": {"modes": modes}}


def test_a_healthy_run_has_no_events():
    assert find_events(losses([0.6] * 20), [evaluation(500, 10)]) == []


def test_a_protocol_that_knows_no_classes():
    assert find_events(losses([0.6] * 20), [{"step": 500, "metrics": {"frechet": 1.0}}] * 2) == []


def test_the_first_non_finite_loss_is_named():
    assert find_events(losses([0.6, math.nan, 0.6]), [])[0] == {"kind": "nan", "step": 100, "detail": "a loss was not finite"}
    assert find_events(losses([0.6, 0.6], [1.0, math.inf]), [])[0]["step"] == 100


def test_d_is_saturated_after_five_low_windows_not_after_four():
    assert find_events(losses([0.5, *[0.001] * 4, 0.5]), []) == []
    (event,) = find_events(losses([0.5, *[0.001] * 5, 0.5]), [])
    assert (event["kind"], event["step"]) == ("d-saturated", 100)


def test_modes_are_lost_when_fewer_are_reached_than_before():
    reached = [evaluation(10, 3), evaluation(20, 8), evaluation(30, None), evaluation(40, 7), evaluation(50, 6)]
    (event,) = find_events(losses([0.6]), reached)
    assert (event["kind"], event["step"], event["detail"]) == ("modes-lost", 40, "7 classes reached, 8 before")
    assert find_events(losses([0.6]), [evaluation(10, 3), evaluation(20, 3), evaluation(30, 10)]) == []


def test_variation_is_of_the_later_half():
    assert variation([100.0, 0.0, 1.0, 3.0]) == pytest.approx(0.5)
    assert variation([1.0]) is None and variation([1.0, 1.0, 1.0, math.nan]) is None and variation([1, 1, 1.0, -1.0]) is None


def test_the_run_and_the_judge_share_one_formula():
    """A case read off at its record's end and one that ends before it must not swing by two measures."""
    assert run.variation is readings.variation is variation
