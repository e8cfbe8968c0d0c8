"""Records of different code or environments: judged together, and said so."""

from __future__ import annotations

import json

import pytest

from ganzoo.judge.judgement import judge
from ganzoo.judge.mixtures import mixtures

OLD, NEW = "0ld" + "1" * 61, "9ew" + "2" * 61
COMMIT = {"ganzoo": "0.1.0", "git": "abc1234" + "0" * 33, "git_dirty": None}
HERE = COMMIT | {"device": "cpu", "torch": "2.15.0", "threads": 1, "variables": {}}
LATER = HERE | {"git": "def5678" + "0" * 33}


@pytest.fixture
def made(record_of):
    """made(seed, code, environment, model=…) → a record of 'original' so made."""

    def build(seed, code=OLD, environment=HERE, *, case="original", model="mlp-gan", value=5.0):
        record = record_of(case, seed, {"frechet": value + seed, "is": value + seed}, code=code, environment=environment)
        record["resolved"]["model"]["name"] = model
        return record

    return build


def test_nothing_is_said_where_all_agree(made):
    assert mixtures([made(0), made(1), made(2)]) == [] and mixtures([]) == []


def test_one_code_at_two_commits_is_one_code(made):
    assert mixtures([made(0), made(1, environment=LATER)]) == []


def test_revisions_are_named_and_counted(made):
    assert mixtures([made(0), made(1), made(2, NEW, LATER)]) == [
        "Records of 2 code revisions: abc123400 with code 0ld111111 (2 runs), def567800 with code 9ew222222 (1 run)."
    ]


def test_a_training_that_speaks_for_two_cases_counts_once(made):
    (told,) = mixtures([made(0), made(0), made(1, NEW, LATER)])
    assert "0ld111111 (1 run)" in told


def test_two_models_differ_in_digest_at_any_revision(made):
    """The digest covers the model's file."""
    dense, conv = made(0), made(0, NEW, case="narrow", model="conv-gen-gan")
    assert mixtures([dense, conv]) == []
    bridge = made(1, environment=LATER)
    assert mixtures([dense, bridge, made(0, NEW, LATER, case="narrow", model="conv-gen-gan")]) == [], "the dense code was the same at both"
    (told,) = mixtures([dense, made(0, NEW, LATER, case="narrow", model="conv-gen-gan")])
    assert told.startswith("Records of 2 code revisions without a common commit: abc123400")
    (told,) = mixtures([dense, conv, made(1, "c" * 64, LATER)])
    assert told.startswith("Records of 2 code revisions of mlp-gan: ") and "9ew" not in told


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"torch": "2.16.0"}, "Records of different torch: 2.15.0 (2 runs) and 2.16.0 (1 run)."),
        ({"device": "cuda"}, "Records of different device: cpu (2 runs) and cuda (1 run)."),
        ({"variables": {"LD_PRELOAD": "mkl.so"}}, "Records of different LD_PRELOAD: unset (2 runs) and mkl.so (1 run)."),
        ({"threads": 2}, "Records of different threads: 1 (2 runs) and 2 (1 run)."),
    ],
)
def test_environments_that_matter(made, other, says):
    assert mixtures([made(0), made(1), made(2, environment=HERE | other)]) == [says]


@pytest.mark.parametrize("other", [{"python": "3.13"}, {"variables": {"OMP_NUM_THREADS": "1"}}])
def test_environments_that_do_not_matter(made, other):
    assert mixtures([made(0), made(1, environment=HERE | other)]) == []


def test_the_verdict_s_evidence_says_so(spec_of, made, ordering, published):
    """In `reason`, which the terminal, the JSON and the page all show."""
    spec = spec_of([ordering], [{"table": "table-1", "cell": "wide", "case": "original", "metric": "is"}])
    same = [made(seed, case=case) for case in ("original", "narrow") for seed in range(3)]
    mixed = [*same, made(3, NEW, LATER)]
    judged = [json.dumps(judge(spec, "full", records, published).as_dict()["claims"]) for records in (same, mixed)]
    assert ["code revisions" in told for told in judged] == [False, True] and "def567800 with code 9ew222222 (1 run)" in judged[1]
    numbers = [judge(spec, "full", records, published).numbers[0] for records in (same, mixed)]
    assert ["code revisions" in number.reason for number in numbers] == [False, True]


def test_only_the_records_that_were_used_count(spec_of, made, ordering):
    elsewhere = made(0, NEW, LATER, case="third")
    (claim,) = judge(spec_of([ordering]), "full", [made(0), made(0, case="narrow"), elsewhere], {}).claims
    assert "code revisions" not in claim.reason
