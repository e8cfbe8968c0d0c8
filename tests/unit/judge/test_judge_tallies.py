"""Claims about events, seconds and parameters."""

from __future__ import annotations

import pytest

from ganzoo.judge.judgement import judge

EVENT = {
    "id": "R1",
    "text": "collapses",
    "where": "§1",
    "kind": "event",
    "event": "modes-lost",
    "cases": ["original"],
    "expected": "happens",
}
LOST = [{"kind": "modes-lost", "step": 100, "detail": "3 of 10"}]


@pytest.mark.parametrize(
    ("happened", "of", "expected", "verdict"),
    [
        (6, 6, "happens", "holds"), (0, 6, "happens", "contradicted"), (5, 6, "happens", "inconclusive"), (3, 3, "happens", "inconclusive"),
        (0, 6, "never", "holds"), (0, 3, "never", "inconclusive"), (1, 6, "never", "contradicted"), (1, 1, "never", "contradicted"),
    ],
)  # fmt: skip
def test_events_are_counted(spec_of, record_of, happened, of, expected, verdict):
    records = [record_of(seed=seed, evaluations=1.0, events=LOST if seed < happened else []) for seed in range(of)]
    (claim,) = judge(spec_of([{**EVENT, "expected": expected}]), "full", records, {}).claims
    assert claim.verdict == verdict
    assert claim.values == {"original": {seed: int(seed < happened) for seed in range(of)}}
    assert claim.effect.value == happened / of and claim.effect.interval[0] <= happened / of <= claim.effect.interval[1]
    assert f"'modes-lost' in {happened} of {of} seed" in claim.reason
    if (happened, of) == (3, 3):
        assert claim.seeds_needed == 6 and "smallest p these seeds can give is 0.25" in claim.reason


def test_an_event_must_happen_in_every_case_named(spec_of, record_of):
    claim = {**EVENT, "cases": ["original", "narrow"]}
    records = [record_of(case, seed, 1.0, events=LOST) for case in ("original", "narrow") for seed in range(6)]
    assert judge(spec_of([claim]), "full", records, {}).claims[0].verdict == "holds"
    records = [{**record, "events": []} if record["case"] == "narrow" and record["seed"] < 4 else record for record in records]
    (found,) = judge(spec_of([claim]), "full", records, {}).claims
    assert found.verdict == "inconclusive" and found.effect.name == "share of trainings of 'narrow'"


def test_a_crash_counts_as_an_event_only_if_it_happened_before(spec_of, record_of):
    records = [
        record_of(seed=0, evaluations={}, status="crashed", events=LOST),
        record_of(seed=1, evaluations={}, status="crashed"),
        record_of(seed=2, evaluations={}, status="partial", events=LOST),
        record_of(seed=3, evaluations=1.0),
    ]
    (claim,) = judge(spec_of([EVENT]), "full", records, {}).claims
    assert claim.values == {"original": {0: 1, 3: 0}}


COST = {
    "id": "L14",
    "text": "dearer",
    "where": "§2",
    "kind": "cost",
    "quantity": "seconds_per_epoch",
    "numerator": "narrow",
    "denominator": "original",
    "at_least": 2.0,
}


@pytest.mark.parametrize(("seconds", "verdict"), [(50.0, "holds"), (12.0, "contradicted"), (22.0, "inconclusive")])
def test_seconds_against_the_stated_ratio(spec_of, record_of, seconds, verdict):
    records = [record_of("original", seed, 1.0, scalars={"seconds_per_epoch": 10.0 + seed}) for seed in range(4)]
    records += [record_of("narrow", seed, 1.0, scalars={"seconds_per_epoch": seconds + seed}) for seed in range(4)]
    (claim,) = judge(spec_of([COST]), "full", records, {}).claims
    assert claim.verdict == verdict and claim.effect.name == "ratio" and "stated at least 2" in claim.reason
    assert claim.effect.interval[0] < claim.effect.value < claim.effect.interval[1]


def test_seconds_of_different_machines_are_not_compared(spec_of, record_of):
    other = {"device": "cuda", "device_name": "H200", "threads": 1}
    records = [record_of("original", 0, 1.0), record_of("narrow", 0, 1.0, environment=other)]
    (claim,) = judge(spec_of([COST]), "full", records, {}).claims
    assert (claim.verdict, claim.differs) == ("no evidence", ["device", "device_name"])


def test_parameters_are_arithmetic(spec_of, record_of, ordering):
    """No test, no place in Holm's family."""
    claim = {**COST, "quantity": "parameters"}
    records = [record_of("original", seed, v) for seed, v in enumerate((10.0, 11.0, 12.0, 13.0))]
    records += [
        record_of("narrow", seed, v, counts={"parameters": {"generator": 500, "discriminator": 200}})
        for seed, v in enumerate((30.0, 31.0, 33.0, 39.0))
    ]
    cost, order = judge(spec_of([claim, ordering]), "full", records, {}).claims
    assert (cost.verdict, cost.p, cost.effect.value) == (
        "contradicted",
        None,
        1.75,
    ) and "narrow has 700 trainable parameters" in cost.reason
    assert (order.p_holm, order.verdict) == (pytest.approx(2 / 70), "holds")
    (enough,) = judge(spec_of([{**claim, "at_least": 1.5}]), "full", records, {}).claims
    assert enough.verdict == "holds"
