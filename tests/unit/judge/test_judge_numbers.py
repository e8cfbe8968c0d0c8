"""Published numbers against ours."""

from __future__ import annotations

import pytest

from ganzoo.errors import ReferencesError
from ganzoo.judge.judgement import judge

WIDE = {"table": "table-1", "cell": "wide", "case": "original", "metric": "is"}  # the document: 5.0 ± 0.05
CLOSE = [4.98, 5.0, 5.03]


@pytest.fixture
def number_of(spec_of, record_of, published):
    """number_of([scores of 'original']) → the verdict on the cell 'wide'."""

    def build(scores, number=WIDE, tier="full", **changes):
        records = [record_of("original", seed, {"is": score}, tier=tier, **changes) for seed, score in enumerate(scores)]
        return judge(spec_of(numbers=[number]), tier, records, published).numbers[0]

    return build


def test_reproduced(number_of):
    row = number_of(CLOSE)
    assert row.verdict == "reproduced" and row.predicted[0] < 5.0 < row.predicted[1]
    assert (
        row.delta == pytest.approx(0.01 / 3) and row.ours.n == 3 and row.ours.label == "classifier score" and row.label == "Inception Score"
    )
    assert row.theirs == {"value": 5.0, "spread": 0.05, "spread_kind": "std over 10 splits of one sample", "flags": []}
    assert row.source == "Table 1, net wide, MNIST"
    assert row.reason.startswith("Ours 5 over 3 seeds, theirs 5 ± 0.05: a further training of ours would land in [4.8")


@pytest.mark.parametrize(("shift", "verdict"), [(2.0, "better"), (-2.0, "worse")])
def test_outside_is_two_sided(number_of, shift, verdict):
    row = number_of([score + shift for score in CLOSE])
    assert row.verdict == verdict and row.delta == pytest.approx(shift, abs=0.01) and "lies outside" in row.reason


def test_their_spread_widens_what_counts_as_the_same(number_of):
    """Our seeds alone would exclude 5.0; with the document's ± they do not."""
    scores = [5.09, 5.1, 5.11, 5.09, 5.1, 5.11]
    assert number_of(scores).verdict == "reproduced"
    assert number_of([v + 0.05 for v in scores]).verdict == "better"


def test_wide_scatter_reproduces_nothing(number_of):
    row = number_of([4.0, 5.0, 6.0])
    assert row.verdict == "inconclusive" and "too wide to tell" in row.reason


def test_one_seed_is_inconclusive(number_of):
    row = number_of([5.0])
    assert (row.verdict, row.predicted, row.ours.interval) == ("inconclusive", None, None) and "two would" in row.reason


@pytest.mark.parametrize(("scores", "verdict"), [([5.0, None, 5.0], "inconclusive"), ([None, None], "worse")])
def test_diverged_seeds_are_not_dropped(number_of, scores, verdict):
    row = number_of(scores)
    assert (row.verdict, row.ours.mean, row.delta) == (verdict, None, None) and "diverged" in row.reason


@pytest.mark.parametrize(("tier", "differs"), [("small", "tier"), ("stand-in", "data")])
def test_smaller_tiers_and_stand_in_data_never_reproduce(number_of, tier, differs):
    row = number_of(CLOSE, tier=tier)
    assert row.verdict == "incomparable" and differs in row.differs and row.delta is not None
    assert f"Judged at tier '{tier}'" in row.reason


def test_another_protocol_is_incomparable(number_of):
    row = number_of(CLOSE, protocol={"name": "clean-fid", "hash": "c" * 64, "fields": {}, "labels": {}})
    assert (row.verdict, row.differs) == ("incomparable", ["protocol"])
    assert row.reason == "Ours is measured under protocol 'clean-fid', the document's under 'mnist-cnn'."


def test_a_protocol_of_best_evaluations_is_read_at_them_or_not_at_all(number_of):
    protocol = {"name": "mnist-cnn", "hash": "e" * 64, "fields": {"checkpoint": "each-best"}, "labels": {}}
    row = number_of(CLOSE, protocol=protocol)
    assert (row.verdict, row.differs) == ("incomparable", ["reading"])
    assert row.reason.startswith("Under 'mnist-cnn' each metric is read at its own best evaluation, ours is the last one.")
    read_so = number_of(CLOSE, protocol=protocol, number={**WIDE, "reading": "each-best"})
    assert "reading" not in read_so.differs and read_so.verdict != "incomparable"


def test_seeds_under_two_protocols_are_incomparable(spec_of, record_of, published):
    other = {"name": "mnist-cnn", "hash": "d" * 64, "fields": {"extractor": "mnist-cnn", "num_fake": 1}, "labels": {}}
    records = [record_of("original", 0, {"is": 5.0}), record_of("original", 1, {"is": 5.0}, protocol=other)]
    row = judge(spec_of(numbers=[WIDE]), "full", records, published).numbers[0]
    assert (row.verdict, row.differs) == ("incomparable", ["num_fake"])


def test_another_metric_is_incomparable(number_of):
    row = number_of(CLOSE, number={**WIDE, "metric": "frechet"})
    assert (row.verdict, row.reason) == ("not run", "The runs did not measure 'frechet' at the last evaluation.")


def test_nothing_to_compare(spec_of, record_of, published):
    def row(*records):
        return judge(spec_of(numbers=[WIDE]), "full", records, published).numbers[0]

    assert (row().verdict, row().reason) == ("not run", "No run of 'original'.")
    crashed = row(record_of("original", 4, {}, status="crashed"))
    assert (crashed.verdict, crashed.reason) == ("crashed", "No run reached its end: RuntimeError: out of memory (seed 4).")
    assert row(record_of("original", 4, {}, status="partial")).verdict == "not run"


def test_a_crashed_seed_is_named_beside_the_others(spec_of, record_of, published):
    records = [record_of("original", s, {"is": v}) for s, v in enumerate(CLOSE)] + [record_of("original", 9, {}, status="crashed")]
    row = judge(spec_of(numbers=[WIDE]), "full", records, published).numbers[0]
    assert row.verdict == "reproduced" and row.reason.endswith("1 of 4 seeds of 'original' crashed and is left out.")


def test_every_cell_is_listed_and_unknown_ones_are_refused(spec_of, published):
    rows = judge(spec_of(numbers=[WIDE]), "full", [], published).numbers
    assert [(row.cell, row.case, row.verdict) for row in rows] == [("wide", "original", "not run"), ("slim", "", "not run")]
    assert rows[1].reason == "No case of this spec stands for this cell."
    with pytest.raises(ReferencesError, match="no cell 'wife'.*Did you mean 'wide'"):
        judge(spec_of(numbers=[{**WIDE, "cell": "wife"}]), "full", [], published)
    with pytest.raises(ReferencesError, match="no published file"):
        judge(spec_of(numbers=[WIDE]), "full", [], {})
