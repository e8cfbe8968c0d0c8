"""The specs that ship: that they load with the real catalogue, and that `liu` says what its document says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ganzoo.bench.catalogue import Catalogue
from ganzoo.judge.references import load_document
from ganzoo.spec import Spec, dotted, find_specs, load_spec

ROOT = Path(__file__).resolve().parents[3]
FILES = find_specs(ROOT / "benchmarks" / "specs")

# What each case of the report changes, from its text (§1.1, §1.2, §2 (2), §3).
LIU = {
    "original": {},
    "epochs-50": {"train.epochs": 50},
    "epochs-100": {"train.epochs": 100},
    "epochs-150": {"train.epochs": 150},
    "epochs-300": {"train.epochs": 300},
    "width-128": {"model.hidden_g": [128] * 4, "model.hidden_d": [128] * 4},
    "g-dropout-40": {"model.dropout_g": 0.4},
    "d-dropout-30": {"model.dropout_d": 0.3},
    "d-dropout-40": {"model.dropout_d": 0.4},
    "d-dropout-50": {"model.dropout_d": 0.5},
    "d-sgd": {"model.dropout_d": 0.3, "optim.d.name": "sgd", "optim.d.lr": 0.01, "optim.d.momentum": 0.0},
    "unnormalised": {"data.range": [0.0, 255.0]},
    "g-batchnorm": {"model.batchnorm_g": True},
    "noise-uniform": {"model.latent.dist": "uniform"},
    "conv": {"model.name": "conv-gen-gan", "model.filters": [8, 16, 32], "model.kernel": 3, "model.dropout_d": 0.3},
    "conv-epochs-100": {
        "model.name": "conv-gen-gan",
        "model.filters": [8, 16, 32],
        "model.kernel": 3,
        "model.dropout_d": 0.3,
        "train.epochs": 100,
    },
    "conv-filters-16-32-64": {"model.name": "conv-gen-gan", "model.filters": [16, 32, 64], "model.kernel": 3, "model.dropout_d": 0.3},
}


@pytest.fixture(scope="module", params=FILES)
def spec(request) -> Spec:
    return load_spec(FILES[request.param], Catalogue())


@pytest.fixture(scope="module")
def liu() -> Spec:
    return load_spec(FILES["liu"], Catalogue())


def test_opens_with_command_cost_and_expectation(spec):
    assert f"ganzoo run {spec.name}" in spec.header
    assert "\nCost: " in spec.header
    assert "\nExpect: " in spec.header


def test_smoke_tier_is_small_for_every_case(spec):
    for name in spec.cases:
        case = spec.resolve(name, "smoke").case
        assert case.train.max_steps <= 20
        assert case.eval.num_fake + case.eval.num_select <= 500
        assert case.data.limit <= 512


def test_every_margin_is_explained(spec):
    assert all(claim.note for claim in spec.claims if claim.kind == "no-difference")


def test_every_cost_ratio_is_explained(spec):
    assert all(claim.note for claim in spec.claims if claim.kind == "cost")


def test_liu_has_the_cases_of_the_report(liu):
    original = dotted(liu.resolve("original").as_dict())
    changes = {}
    for name in liu.cases:
        case = dotted(liu.resolve(name).as_dict())
        changes[name] = {path: value for path, value in case.items() if original.get(path) != value}
    assert changes == LIU


def test_liu_base_is_what_the_report_states(liu):
    resolved = liu.resolve("original")
    case = resolved.case
    assert (case.model.name, case.data.name, case.data.range) == ("mlp-gan", "mnist", (-1.0, 1.0))
    assert case.model.options["hidden_g"] == [128, 256, 512, 1024]
    assert case.model.options["hidden_d"] == [1024, 512, 256, 128]
    assert (case.train.batch_size, case.train.epochs, case.optim.g.name, case.optim.d.name) == (128, 30, "adam", "adam")
    for path in ("model.hidden_g", "model.hidden_d", "train.batch_size", "train.epochs", "data.range", "optim.g.name", "optim.d.name"):
        assert resolved.sources[path]["kind"] == "stated", path


def test_liu_admits_what_the_report_leaves_open(liu):
    sources = liu.resolve("original").sources
    for path in ("optim.g.lr", "optim.d.lr", "optim.g.betas", "model.slope", "model.latent.dim", "model.init", "recipe.name"):
        assert sources[path]["kind"] == "assumed", path
    assert liu.resolve("d-sgd").sources["optim.d.lr"]["kind"] == "assumed"
    assert liu.resolve("d-sgd").sources["optim.d.name"]["kind"] == "stated"
    assert liu.resolve("unnormalised").sources["data.range"]["kind"] == "assumed"


def test_liu_unnormalised_samples_are_read_generously(liu):
    assert liu.resolve("unnormalised").case.eval.fake_range == (-1.0, 1.0)


def test_liu_dense_epoch_cases_are_one_trajectory(liu):
    cases = [dotted(liu.resolve(name).as_dict()) for name in ("original", "epochs-50", "epochs-100", "epochs-150", "epochs-300")]
    assert len({str({path: value for path, value in case.items() if path != "train.epochs"}) for case in cases}) == 1


def test_liu_every_read_off_epoch_is_evaluated(liu):
    for tier in ("full", "cpu"):
        for name in liu.cases:
            case = liu.resolve(name, tier).case
            assert case.train.epochs % case.eval.every_epochs == 0, (name, tier)


def test_liu_judges_fourteen_of_its_claims_all_but_the_second_half_of_the_first(liu):
    """L1 to L14, without L1b; what else the published file names is left unjudged, and the two files agree on it."""
    kinds = {claim.id: claim.kind for claim in liu.claims}
    assert kinds == {
        "L1a": "trend",
        **dict.fromkeys(("L2", "L4", "L6", "L7", "L10", "L12", "L13", "L13-g"), "ordering"),
        **dict.fromkeys(("L3", "L5", "L8", "L9", "L11"), "no-difference"),
        **dict.fromkeys(("L14a", "L14b"), "cost"),
    }
    published = load_document(ROOT / "reference_results" / "published" / "liu.yaml")
    assert [claim.id for claim in published.unjudged(kinds)] == ["L1b", "L15", "L16", "L17"]
    said = next(line for line in liu.path.read_text(encoding="utf-8").splitlines() if line.startswith("# Not judged:"))
    assert re.findall(r"L\d+b?", said) == ["L1b", "L15", "L16", "L17"]


@pytest.mark.parametrize(
    ("claim_id", "better", "worse"),
    [
        ("L2", "original", "width-128"),
        ("L4", "d-dropout-30", "original"),
        ("L6", "d-dropout-30", "d-sgd"),
        ("L7", "original", "unnormalised"),
        ("L10", "conv-epochs-100", "conv"),
        ("L12", "original", "noise-uniform"),
    ],
)
def test_liu_orderings_point_the_way_the_report_says(liu, claim_id, better, worse):
    claim = next(claim for claim in liu.claims if claim.id == claim_id)
    assert (claim.better, claim.worse) == (better, worse)


def test_quickstart_asks_open_questions_of_stand_in_data():
    spec = load_spec(FILES["quickstart"], Catalogue())
    assert all(spec.resolve(name).stand_in == "MNIST" for name in spec.cases)
    assert len(spec.seeds) >= 3
    assert len(spec.claims) >= 3
    assert len({claim.kind for claim in spec.claims}) >= 2
