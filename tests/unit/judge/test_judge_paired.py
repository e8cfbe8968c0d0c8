"""Two metrics of the same trainings: the sign-flip test, its error rate, and what a reader is told."""

from __future__ import annotations

import json
from itertools import product

import numpy as np
import pytest

from ganzoo.judge.comparisons import paired
from ganzoo.judge.evidence import Evidence
from ganzoo.judge.judgement import judge
from ganzoo.judge.stats.permutation import compare
from ganzoo.spec import Paired

CLAIM = {"id": "M4", "text": "t", "where": "§1", "kind": "paired", "case": "original", "better": "probe_d", "worse": "probe_pixels"}
D, PIXELS = [0.90, 0.92, 0.95, 0.91, 0.93, 0.97], [0.80, 0.85, 0.85, 0.86, 0.80, 0.90]


@pytest.fixture
def claim_of(spec_of, record_of):
    """claim_of(rows of metrics, a seed each; further claims) → the first verdict."""

    def build(rows, *others, **changes):
        records = [record_of("original", seed, row) for seed, row in enumerate(rows)]
        return judge(spec_of([{**CLAIM, **changes}, *others]), "full", records, {}).claims[0]

    return build


def rows(better=D, worse=PIXELS):
    return [{"frechet": 5.0, "probe_d": a, "probe_pixels": b} for a, b in zip(better, worse, strict=True)]


def test_six_gains_decide(claim_of):
    claim = claim_of(rows())
    assert (claim.verdict, claim.kind, claim.direction, claim.p) == ("holds", "paired", "as stated", pytest.approx(2 / 64))
    assert claim.difference == pytest.approx(np.mean(D) - np.mean(PIXELS)) and 0 < claim.interval[0] < claim.difference < claim.interval[1]
    assert (claim.effect.name, claim.effect.value) == ("P(probe_d better than probe_pixels)", 1.0)
    assert claim.cases == ["original"] and list(claim.values) == list(claim.n) == ["probe_d", "probe_pixels"]
    assert claim.label == "probe accuracy on D's features against probe accuracy on raw pixels" and claim.metric == "probe_d"
    assert "vs probe_pixels 0.843" in claim.reason and ", training by training; 6 seeds of 'original'." in claim.reason
    assert claim.test == "exact permutation test within trajectories, two-sided"
    assert json.loads(json.dumps(claim.as_dict(), allow_nan=False))["values"]["probe_d"]["5"] == 0.97


def test_pairing_is_what_decides(claim_of):
    """Trainings differ by far more than the two metrics do; unpaired, nothing would be seen."""
    level = np.array([0.1, 0.3, 0.5, 0.6, 0.7, 0.9])
    found = claim_of(rows((level + 0.01).tolist(), level.tolist()))
    assert found.verdict == "holds" and compare(level + 0.01, level).two_sided > 0.8


def test_the_other_way_round_is_contradicted(claim_of):
    assert claim_of(rows(PIXELS, D)).verdict == "contradicted"
    lower = [{"frechet": 5.0 + s} for s in range(6)]
    for row in lower:
        row["kid"] = row["frechet"] - 1
    assert claim_of(lower, better="kid", worse="frechet").verdict == "holds", "where lower is better"


def test_too_few_say_how_many_would(claim_of):
    claim = claim_of(rows(D[:4], PIXELS[:4]))
    assert (claim.verdict, claim.p, claim.seeds_needed) == ("inconclusive", pytest.approx(2 / 16), 6)
    assert "The smallest p these seeds can give is 0.12, so nothing can be decided at 0.05." in claim.reason


def test_it_takes_its_part_in_holm(claim_of):
    claim = claim_of(rows(), {**CLAIM, "id": "M5"})
    assert claim.p_holm == pytest.approx(4 / 64) and claim.verdict == "inconclusive" and "after Holm over 2 claims" in claim.reason


def test_truncated_against_whole(spec_of, record_of):
    records = [record_of("original", seed, 9.0 + seed) for seed in range(6)]
    for record in records:
        of_truncated = record["evaluations"][0]["metrics"]["frechet"] - 0.5
        record["evaluations"][0]["truncated"] = [{"threshold": 1.0, "metrics": {"frechet": of_truncated}}]
    (claim,) = judge(spec_of([{**CLAIM, "better": "frechet@1", "worse": "frechet"}]), "full", records, {}).claims
    assert (claim.verdict, claim.difference) == ("holds", -0.5)
    assert claim.label == "classifier Fréchet distance, z truncated at 1 against classifier Fréchet distance"


def test_seeds_with_only_one_of_the_two_are_left_out(claim_of):
    found = rows()
    del found[2]["probe_pixels"]
    claim = claim_of(found)
    assert (
        claim.n == {"probe_d": 5, "probe_pixels": 5}
        and "1 seed of 'original' measured only one of the two and is left out." in claim.reason
    )


def test_diverged_values_are_the_worst_and_two_of_them_a_tie(claim_of):
    claim = claim_of(rows([0.9, 0.9, 0.9, None], [0.8, None, 0.8, None]))
    assert claim.difference is None and claim.effect.value == 3.5 / 4 and "on ranks" in claim.test
    assert "Diverged trainings of probe_d, probe_pixels count as the worst" in claim.reason


def test_why_there_is_no_evidence(claim_of, spec_of, record_of):
    assert claim_of([]).reason == "'original' was not run."
    missing = claim_of([{"frechet": 1.0, "probe_d": 0.9}])
    assert (missing.verdict, missing.n) == ("no evidence", {"probe_d": 0, "probe_pixels": 0})
    assert missing.reason == "'original' was run, but 'probe_pixels' was not measured at its last evaluation."
    apart = claim_of([{"probe_d": 0.9}, {"probe_pixels": 0.9}])
    assert apart.reason == "No training of 'original' measured both 'probe_d' and 'probe_pixels'."
    records = [record_of(seed=s, evaluations=rows()[s], protocol={"name": "p", "hash": str(s), "fields": {"a": s}}) for s in range(2)]
    (mixed,) = judge(spec_of([CLAIM]), "full", records, {}).claims
    assert (mixed.verdict, mixed.differs) == ("no evidence", ["a"])


@pytest.mark.parametrize(
    "sizes",
    [[1.0], [3.0, 1.0], [1.0, 2.0, 4.0, 8.0, 16.0], [1.0] * 6, [5.0, 1.0, 1.1, 0.9, 0.0, 2.0], [0.3, 0.3, 0.0, 0.0, 7.0, 7.0, 1.0],
     [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 80.0]],
)  # fmt: skip
def test_no_more_false_verdicts_than_alpha(sizes):
    """Exact: where the two metrics do not differ, every pattern of signs of the differences is as likely as any other. All are judged."""
    claim, n = Paired(**CLAIM), len(sizes)
    decisions = []
    for pattern in product((1, -1), repeat=n):
        better = {seed: sign * size for seed, (sign, size) in enumerate(zip(pattern, sizes, strict=True))}
        same = dict.fromkeys(better, "one training")
        evidence = Evidence({"probe_d": better, "probe_pixels": dict.fromkeys(better, 0.0)}, {"probe_d": same, "probe_pixels": same}, [])
        finding = paired(claim, evidence, 0.95)
        decisions.append((finding.supports, finding.against, finding.p))
    supports, against, either = np.array(decisions).T
    for alpha in (0.01, 0.05, 0.1, 0.25, 0.5):
        assert np.mean(either <= alpha) <= alpha
        assert np.mean(supports <= alpha) <= alpha / 2 and np.mean(against <= alpha) <= alpha / 2
    assert either.min() >= finding.smallest
    if len(set(sizes)) == n and min(sizes) > 0:
        assert either.min() == pytest.approx(finding.smallest), "a test that never rejects would pass the rest"
