"""Claims from records to verdicts, with the words a reader gets."""

from __future__ import annotations

import pytest

from ganzoo.judge.judgement import judge


@pytest.fixture
def claim_of(spec_of, record_of):
    """claim_of(claims, {case: [values]}) → the verdicts of the claims, by id."""

    def build(claims, cases, tier="full", changes=None):
        records = [
            record_of(case, seed, value, tier=tier, **(changes or {}).get(case, {}))
            for case, found in cases.items()
            for seed, value in enumerate(found)
        ]
        return {claim.id: claim for claim in judge(spec_of(claims), tier, records, {}).claims}

    return build


FOUR, FAR = [10.0, 11.0, 12.0, 13.0], [30.0, 31.0, 33.0, 39.0]


def test_an_ordering_holds(claim_of, ordering):
    claim = claim_of([ordering], {"original": FOUR, "narrow": FAR})["L2"]
    assert (claim.verdict, claim.direction, claim.seeds_needed) == ("holds", "as stated", None)
    assert claim.p == claim.p_holm == pytest.approx(2 / 70)
    assert claim.difference == 11.5 - 33.25 and claim.interval[1] < 0
    assert claim.effect.name == "P(original better than narrow)" and claim.effect.value == 1.0
    assert claim.label == "classifier Fréchet distance" and claim.n == {"original": 4, "narrow": 4}
    assert claim.reason == "original 11.5 [9.45, 13.6] vs narrow 33.2 [26.8, 39.7]; 4 seeds each. p = 0.029: decided at 0.05."


def test_an_ordering_is_contradicted(claim_of, ordering):
    claim = claim_of([ordering], {"original": FAR, "narrow": FOUR})["L2"]
    assert (claim.verdict, claim.direction, claim.effect.value) == ("contradicted", "against", 0.0)


def test_where_higher_is_better(claim_of, ordering):
    values = {"original": [{"is": v} for v in FAR], "narrow": [{"is": v} for v in FOUR]}
    claim = claim_of([{**ordering, "metric": "is"}], values)["L2"]
    assert (claim.verdict, claim.difference) == ("holds", 33.25 - 11.5) and claim.label == "classifier score"


def test_three_seeds_decide_nothing_and_say_how_many_would(claim_of, ordering):
    claim = claim_of([ordering], {"original": FOUR[:3], "narrow": FAR[:3]})["L2"]
    assert (claim.verdict, claim.p, claim.seeds_needed, claim.direction) == ("inconclusive", pytest.approx(0.1), 4, "as stated")
    assert "The smallest p these seeds can give is 0.1, so nothing can be decided at 0.05." in claim.reason
    assert claim.reason.endswith("4 seeds a case could at the earliest; 4 would with 80% chance if what is observed is true.")


def test_one_seed_has_no_spread_to_plan_by(claim_of, ordering):
    claim = claim_of([ordering], {"original": [10.0], "narrow": [30.0]})["L2"]
    assert (claim.verdict, claim.p, claim.interval, claim.seeds_needed) == ("inconclusive", 1.0, None, 4)
    assert "original 10 (one seed) vs narrow 30 (one seed); 1 seed each." in claim.reason


def test_enough_seeds_but_no_clear_difference(claim_of, ordering):
    claim = claim_of([ordering], {"original": FOUR, "narrow": [11.0, 12.0, 13.5, 14.0]})["L2"]
    assert claim.verdict == "inconclusive" and 0.1 < claim.p < 1 and 10 < claim.seeds_needed < 40
    assert "not decided at 0.05." in claim.reason and f" {claim.seeds_needed} seeds a case would with 80% chance" in claim.reason
    assert "at the earliest" not in claim.reason, "as many seeds as there are could, and did not"
    faint = claim_of([ordering], {"original": FOUR, "narrow": [10.1, 11.1, 12.1, 13.1]})["L2"]
    assert faint.seeds_needed is None and "Not even 64 seeds a case probably would if what is observed is true." in faint.reason


def test_as_many_seeds_as_there_are_is_no_advice(claim_of, ordering):
    """No difference at all between seeds that could have decided."""
    same = claim_of([ordering], {"original": FOUR, "narrow": FOUR})["L2"]
    assert same.seeds_needed is None and same.reason.endswith("p = 1.00: not decided at 0.05.")


def test_holm_over_the_claims_with_evidence(claim_of, ordering):
    """The same clear difference, asked twice beside an unrun case: 2/70 doubles, and no more than that."""
    claims = [ordering, {**ordering, "id": "L3"}, {**ordering, "id": "L4", "worse": "third"}]
    found = claim_of(claims, {"original": FOUR, "narrow": FAR})
    assert found["L2"].p_holm == found["L3"].p_holm == pytest.approx(4 / 70)
    assert found["L2"].verdict == "inconclusive" and "after Holm over 2 claims" in found["L2"].reason and found["L2"].seeds_needed == 5
    assert (found["L4"].verdict, found["L4"].reason, found["L4"].p) == ("no evidence", "'third' was not run.", None)


def test_a_claim_may_have_its_own_alpha(claim_of, ordering):
    cases = {"original": FOUR[:3], "narrow": FAR[:3]}
    assert claim_of([{**ordering, "alpha": 0.11}], cases)["L2"].verdict == "holds"


def test_diverged_trainings_count_as_the_worst(claim_of, ordering):
    claim = claim_of([ordering], {"original": FOUR, "narrow": [None, None, 12.5, None]})["L2"]
    assert claim.direction == "as stated" and claim.difference is None and claim.interval is None
    assert claim.effect.value == (3 * 4 + 3) / 16 and claim.test.endswith("on ranks, two-sided")
    assert "narrow (3 of 4 seeds diverged)" in claim.reason and "Diverged trainings of narrow count as the worst" in claim.reason
    assert claim.as_dict()["values"]["narrow"] == {"0": None, "1": None, "2": 12.5, "3": None}
    all_ = claim_of([ordering], {"original": FOUR, "narrow": [None] * 4})["L2"]
    assert all_.verdict == "holds" and all_.p == pytest.approx(2 / 70)


def test_a_crashed_seed_is_left_out_and_named(spec_of, record_of, ordering):
    records = [record_of(case, seed, v) for case, found in (("original", FOUR), ("narrow", FAR)) for seed, v in enumerate(found)]
    records.append(record_of("narrow", 4, {}, status="crashed"))
    (claim,) = judge(spec_of([ordering]), "full", records, {}).claims
    assert claim.n["narrow"] == 4 and "1 of 5 seeds of 'narrow' crashed and is left out." in claim.reason


def test_why_there_is_no_evidence(spec_of, record_of, ordering):
    done = record_of("original", 0, 5.0)

    def reason(*records):
        (claim,) = judge(spec_of([ordering]), "full", [done, *records], {}).claims
        assert claim.verdict == "no evidence" and claim.values == {}
        return claim.reason

    assert reason() == "'narrow' was not run."
    assert reason(record_of("narrow", 0, {}, status="crashed")) == "'narrow' crashed: RuntimeError: out of memory."
    assert reason(record_of("narrow", 0, {}, status="partial")) == "'narrow' stopped before its end; run it again to go on."
    assert "'frechet' was not measured" in reason(record_of("narrow", 0, {"kid": 1.0}))


def test_protocols_that_differ_are_never_compared(claim_of, ordering):
    other = {"name": "mnist-cnn", "hash": "b" * 64, "fields": {"extractor": "mnist-cnn", "num_fake": 2000}, "labels": {}}
    claim = claim_of([ordering], {"original": FOUR, "narrow": FAR}, changes={"narrow": {"protocol": other}})["L2"]
    assert (claim.verdict, claim.differs, claim.p) == ("no evidence", ["num_fake"], None)
    assert "which differ in num_fake: their numbers cannot be compared" in claim.reason


def test_a_smaller_tier_and_stand_in_data_are_named(claim_of, ordering):
    small = claim_of([ordering], {"original": FOUR, "narrow": FAR}, tier="small")["L2"]
    assert (small.verdict, small.tier, small.stand_in) == ("holds", "small", None)
    assert small.reason.endswith("Judged at tier 'small', not at the document's scale.")
    other = claim_of([ordering], {"original": FOUR, "narrow": FAR}, tier="stand-in")["L2"]
    assert other.stand_in == "LSUN church" and other.reason.endswith("Judged on stand-in data; the document used LSUN church.")


NO_DIFFERENCE = {
    "id": "L3",
    "text": "same",
    "where": "§1",
    "kind": "no-difference",
    "metric": "frechet",
    "cases": ["original", "narrow"],
    "margin": 5.0,
    "margin_kind": "absolute",
}


def test_no_difference_is_shown_not_assumed(claim_of):
    """Equal within 5: shown. Too few or too scattered: inconclusive, although no difference is found. Far apart: contradicted."""
    shown = claim_of([NO_DIFFERENCE], {"original": FOUR, "narrow": [10.2, 11.3, 12.1, 12.8]})["L3"]
    assert (shown.verdict, shown.direction, shown.margin) == ("holds", "as stated", 5.0) and shown.p == pytest.approx(1 / 70)
    scattered = claim_of([NO_DIFFERENCE], {"original": [2.0, 9.0, 15.0, 22.0], "narrow": [3.0, 9.0, 14.0, 22.0]})["L3"]
    assert scattered.verdict == "inconclusive" and scattered.seeds_needed > 4
    apart = claim_of([NO_DIFFERENCE], {"original": FOUR, "narrow": FAR})["L3"]
    assert (apart.verdict, apart.direction) == ("contradicted", "against")
    two = claim_of([NO_DIFFERENCE], {"original": FOUR[:2], "narrow": FOUR[:2]})["L3"]
    assert two.verdict == "inconclusive" and "The smallest p these seeds can give is 0.17" in two.reason


def test_relative_margins_are_shares_of_the_first_case(claim_of):
    relative = {**NO_DIFFERENCE, "margin": 0.2, "margin_kind": "relative"}
    claim = claim_of([relative], {"original": FOUR, "narrow": FOUR})["L3"]
    assert claim.margin == pytest.approx(0.2 * 11.5) and "the margin is 2.3" in claim.reason
    lost = claim_of([relative], {"original": [None, 1.0], "narrow": FOUR})["L3"]
    assert (lost.verdict, lost.p) == ("inconclusive", None) and "gives no mean that the margin could be a share of" in lost.reason


def test_one_pair_too_far_apart_is_enough_against_several_alike(claim_of):
    several = {**NO_DIFFERENCE, "cases": ["original", "narrow", "third"]}
    seven = [10.0, 10.5, 11.0, 11.5, 12.0, 12.5, 13.0]
    claim = claim_of([several], {"original": seven, "narrow": seven, "third": [v + 30 for v in seven]})["L3"]
    assert (claim.verdict, claim.difference) == ("contradicted", -30.0) and "the widest of 3 pairs: original" in claim.reason
    alike = claim_of([several], {"original": seven, "narrow": seven, "third": [v + 1 for v in seven]})["L3"]
    assert (alike.verdict, alike.difference) == ("holds", -1.0)


def test_a_diverged_case_is_not_equal_to_a_sound_one(claim_of):
    claim = claim_of([NO_DIFFERENCE], {"original": FOUR + [14.0], "narrow": [None] * 5})["L3"]
    assert (claim.verdict, claim.difference) == ("contradicted", None)
    some = claim_of([NO_DIFFERENCE], {"original": FOUR, "narrow": [10.0, 11.0, 12.0, None]})["L3"]
    assert some.verdict == "inconclusive"


TREND = {
    "id": "L1",
    "text": "longer is better",
    "where": "§1",
    "kind": "trend",
    "metric": "frechet",
    "cases": ["original", "long", "longer"],
    "direction": "improves",
}


def shared(record_of, rows):
    cases = {"original": 30, "long": 50, "longer": 100}
    return [record_of("original", seed, dict(zip((30, 50, 100), row, strict=True)), cases=cases) for seed, row in enumerate(rows)]


def test_a_trend_within_trajectories(spec_of, record_of):
    """Trainings differ by 100, their epochs by 1: only the order within a training counts. Three of them: p = 2/6³."""
    rows = [(103.0, 102.0, 101.0), (203.0, 202.0, 201.0), (303.0, 302.0, 301.0)]
    (claim,) = judge(spec_of([TREND]), "full", shared(record_of, rows), {}).claims
    assert (claim.verdict, claim.p, claim.effect.value, claim.difference) == ("holds", pytest.approx(2 / 216), 1.0, -2.0)
    assert "within trajectories" in claim.test and "epochs of the same trainings" in claim.reason
    (worsens,) = judge(spec_of([{**TREND, "direction": "worsens"}]), "full", shared(record_of, rows), {}).claims
    assert (worsens.verdict, worsens.effect.value) == ("contradicted", -1.0)


def test_a_trend_over_independent_trainings(spec_of, record_of):
    claim = {**TREND, "cases": ["original", "narrow", "third"]}
    values = {"original": [9.0, 9.1], "narrow": [8.0, 8.1], "third": [7.0, 7.1]}
    records = [record_of(case, seed, v) for case, found in values.items() for seed, v in enumerate(found)]
    (found,) = judge(spec_of([claim]), "full", records, {}).claims
    assert (found.verdict, found.p) == ("holds", pytest.approx(2 / 90)) and "of independent trainings" not in found.reason
    assert "over independent trainings" in found.test


def test_a_flat_trend_plans_ahead(spec_of, record_of):
    rows = [(10.0, 9.0, 9.5), (10.2, 10.4, 9.9)]
    (claim,) = judge(spec_of([TREND]), "full", shared(record_of, rows), {}).claims
    assert claim.verdict == "inconclusive" and claim.seeds_needed >= 3


def test_two_epochs_of_one_training_are_pairs(spec_of, record_of, ordering):
    """Six steady gains decide (2/2⁶), though the trainings differ by far more than the epochs do."""
    claim = {**ordering, "better": "long", "worse": "original"}
    rows = [(100.0 * seed + 2, 100.0 * seed + 1, 0.0) for seed in range(6)]
    (found,) = judge(spec_of([claim]), "full", shared(record_of, rows), {}).claims
    assert (found.verdict, found.p, found.interval) == ("holds", pytest.approx(2 / 64), (-1.0, -1.0))
    assert "from the same trainings" in found.reason


def test_reading_best(spec_of, record_of, ordering):
    claim = {**ordering, "reading": "best"}
    records = [record_of("original", s, {10: v, 30: 99.0}) for s, v in enumerate(FOUR)] + [
        record_of("narrow", s, v) for s, v in enumerate(FAR)
    ]
    (found,) = judge(spec_of([claim]), "full", records, {}).claims
    assert (found.verdict, found.reading, found.values["original"][0]) == ("holds", "best", 10.0)
