"""Tiers whose settings depend on a case's data set or model."""

from __future__ import annotations

import pytest

from ganzoo.spec import dotted

CASES = ("cases:\n  original: {}\n", "cases:\n  original: {}\n  other:\n    data.name: mnist\n    source: {stated: '§5'}\n  conv:\n")
CONV = "    model: {name: conv, latent: {dim: 8}, filters: [4, 4]}\n    source: {stated: '§6'}\n"
TIER = "    train.max_steps: 5\n    data.limit: 64\n"
STAND_INS = """\
    stand_ins:
      digits: {data.name: mnist, data.resize: 8, stand_in: handwriting}
      mnist: {data.name: digits, data.limit: 32, stand_in: MNIST}
"""
MODELS = "    models:\n      conv: {model.filters: [2, 2]}\n      dense: {model.width: 4}\n"


@pytest.fixture
def loaded(load):
    def run(*more: str):
        return load((CASES[0], CASES[1] + CONV), (TIER, TIER + "".join(more)))

    return run


def test_each_data_set_has_its_own_stand_in(loaded):
    spec = loaded(STAND_INS)
    one, other = (spec.resolve(name, "smoke") for name in ("original", "other"))
    assert (one.case.data.name, one.case.data.resize, one.case.data.limit, one.stand_in) == ("mnist", 8, 64, "handwriting")
    assert (other.case.data.name, other.case.data.resize, other.case.data.limit, other.stand_in) == ("digits", None, 32, "MNIST")
    assert spec.resolve("other").stand_in is None, "the document's own scale has the document's own data"
    assert one.sources["data.name"] == {"kind": "suite", "text": "tier 'smoke' for digits"}
    assert other.tier_overrides == {"train.max_steps": 5, "data.limit": 32, "data.name": "digits", "data.stand_in": "MNIST"}


def test_each_model_has_its_own_options(loaded):
    spec = loaded(MODELS)
    assert spec.resolve("original", "smoke").case.model.options["width"] == 4
    assert spec.resolve("conv", "smoke").case.model.options == {"filters": [2, 2]}
    assert dotted(spec.resolve("conv").as_dict())["model.filters"] == [4, 4]


@pytest.fixture
def refused(refusal):
    def run(*more: str) -> str:
        return refusal((CASES[0], CASES[1] + CONV), (TIER, TIER + "".join(more)))

    return run


def test_settings_for_what_no_case_uses(refused):
    said = refused("    stand_ins:\n      mnits: {data.name: digits, stand_in: MNIST}\n")
    assert "tier 'smoke' has settings for 'mnits', which no case uses. Did you mean 'mnist'?" in said and "small.yaml:51:" in said
    assert "'cnov', which no case uses. Did you mean 'conv'?" in refused("    models:\n      cnov: {model.filters: [2]}\n")


def test_a_stand_in_says_what_for(refused):
    assert "stand_in" in refused("    stand_ins:\n      mnist: {data.name: digits}\n")


def test_they_are_scale_too(refused):
    said = refused("    models:\n      conv: {optim.g.lr: 0.1}\n")
    assert "tier 'smoke' sets optim.g.lr; a tier changes scale, never science." in said


def test_two_data_sets_with_one_stand_in_are_one_case(refused):
    both = "    stand_ins:\n      digits: {data.resize: 4, stand_in: A}\n      mnist: {data.name: digits, data.resize: 4, stand_in: B}\n"
    assert "tier 'smoke' makes cases 'original' and 'other' the same" in refused(both)
