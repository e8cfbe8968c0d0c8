"""`iyengar-biggan` and `iyengar-biggan-ablations`: the document's numbers, and one technique at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from ganzoo.bench.catalogue import Catalogue
from ganzoo.judge.references import load_document
from ganzoo.judge.stats.planning import smallest_p
from ganzoo.spec import Spec, dotted, find_specs, load_spec

ROOT = Path(__file__).resolve().parents[3]
FILES = find_specs(ROOT / "benchmarks" / "specs")
DOCUMENT = ROOT / "reference_results" / "published" / "iyengar.yaml"
SPECS = ("iyengar-biggan", "iyengar-biggan-ablations")

# What each case gives up, or adds.
GIVEN_UP = {
    "no-spectral-norm": "model.spectral_norm",
    "spectral-norm-d": "model.spectral_norm",
    "no-attention": "model.attention",
    "no-projection": "model.projection",
    "no-conditional-norm": "model.conditional_norm",
    "unshared-embedding": "model.shared_embedding",
    "no-hierarchical-z": "model.hierarchical_z",
    "equal-rates": "optim.g.lr optim.d.lr",
    "non-saturating": "recipe.loss",
}
ADDED = {
    "orthogonal-init": "model.init",
    "orthogonal-regularisation": "recipe.ortho_g",
    "two-d-steps": "recipe.d_steps",
    "averaged": "train.ema",
}
# What the cases of ImageNet add to what the authors ran.
LEFT_OUT = {
    "orthogonal-init": "model.init",
    "orthogonal-regularisation": "recipe.ortho_g",
    "four-replicas": "train.ranks",
    "cross-replica": "train.ranks train.sync_batchnorm",
    "two-d-steps": "recipe.d_steps optim.g.lr optim.d.lr",
    "batch-512": "train.batch_size",
    "ch-96": "model.name model.ch",  # the name is the same model's import path
    "averaged": "train.ema",
}


@pytest.fixture(scope="module")
def specs() -> dict[str, Spec]:
    return {name: load_spec(FILES[name], Catalogue()) for name in SPECS}


def changed(spec: Spec, case: str, base: str) -> dict[str, object]:
    """dotted path → value, where the case trains otherwise than the base case."""
    ours, theirs = (dotted(spec.resolve(name).as_dict()) for name in (case, base))
    return {path: value for path, value in ours.items() if theirs.get(path) != value and not path.startswith("eval.")}


def test_ablations_change_one_technique_at_a_time(specs):
    spec = specs["iyengar-biggan-ablations"]
    assert set(spec.cases) == {"biggan", "plain", *GIVEN_UP, *ADDED}
    for name, paths in {**GIVEN_UP, **ADDED}.items():
        assert set(changed(spec, name, "biggan")) == set(paths.split()), name


def test_plain_gives_up_what_the_ablations_give_up(specs):
    spec = specs["iyengar-biggan-ablations"]
    together = {}
    for name in GIVEN_UP:
        together |= changed(spec, name, "biggan") if name != "spectral-norm-d" else {}
    assert changed(spec, "plain", "biggan") == together


def test_every_ablation_has_a_claim_that_points_its_way(specs):
    spec = specs["iyengar-biggan-ablations"]
    compared = {(claim.better, claim.worse) for claim in spec.claims if claim.kind == "ordering" and claim.metric == "frechet"}
    assert compared == {("biggan", name) for name in ("plain", *GIVEN_UP)} | {(name, "biggan") for name in ADDED}


def test_imagenet_cases_add_one_thing_that_was_left_out(specs):
    spec = specs["iyengar-biggan"]
    for name, paths in LEFT_OUT.items():
        assert set(changed(spec, name, "imagenet")) == set(paths.split()), name


def test_text_and_code_are_told_apart(specs):
    spec = specs["iyengar-biggan"]
    rates = {"optim.g.lr": 5e-5, "optim.d.lr": 2e-4}
    assert changed(spec, "lsun-layout-code", "lsun") == {"model.layout": "code"}
    assert changed(spec, "lsun-rates-code", "lsun") == rates
    for data in ("lsun", "imagenet"):
        assert changed(spec, f"{data}-code", data) == {"model.layout": "code", **rates}


def test_the_document_s_numbers_are_the_spec_s(specs):
    spec, document = specs["iyengar-biggan"], load_document(DOCUMENT)
    case, code = (spec.resolve(name).case for name in ("imagenet", "imagenet-code"))
    told = {number.what: number.value for number in (*document.numbers, *document.claim("I6").numbers, *document.claim("I11").numbers)}
    assert case.train.max_steps == told["BigGAN training"]
    assert spec.resolve("orthogonal-regularisation").case.recipe.ortho_g == told["weight of orthogonal regularisation"]
    assert (code.optim.d.lr, code.optim.g.lr) == (told["rate of BigGAN's discriminator"], told["rate of BigGAN's generator"])
    assert spec.resolve("two-d-steps").case.recipe.d_steps == told["BigGAN's discriminator steps"]
    assert spec.resolve("batch-512").case.train.batch_size == 8 * case.train.batch_size
    assert (case.model.options["ch"], spec.resolve("ch-96").case.model.options["ch"]) == (64, 96)
    assert (case.optim.d.lr, case.optim.g.lr, case.optim.d.betas) == (4e-4, 1e-4, (0.0, 0.9))


def test_classes_that_the_nets_are_told_are_those_named(specs):
    spec = specs["iyengar-biggan"]
    for tier in ("full", "smoke", "cpu"):
        for name in spec.cases:
            case = spec.resolve(name, tier).case
            if case.data.classes is not None:
                assert case.model.num_classes == len(case.data.classes), (name, tier)
    tables = load_spec(FILES["iyengar-tables"], Catalogue()).resolve("dcgan-64-imagenet").case
    assert spec.resolve("imagenet").case.data.classes == tables.data.classes


@pytest.mark.parametrize("tier", ["smoke", "cpu"])
def test_the_wide_net_is_half_as_wide_again_at_every_tier(specs, tier):
    spec = specs["iyengar-biggan"]
    wide, narrow = (spec.resolve(name, tier).case.model.options["ch"] for name in ("ch-96", "imagenet"))
    assert 2 * wide == 3 * narrow


@pytest.mark.parametrize("name", SPECS)
def test_seeds_suffice_for_a_decision_after_holm(specs, name):
    """The smallest p that the seeds can give is below what is left of 5 % when every claim is as sure as the others."""
    spec = specs[name]
    level, n = 0.05 / len(spec.claims), len(spec.seeds)
    assert max(smallest_p(n), smallest_p(n, paired=True), 2 * 0.5**n) <= level


@pytest.mark.parametrize("name", SPECS)
def test_claims_carry_their_document_s_ids(specs, name):
    document, ids = load_document(DOCUMENT), {claim.id for claim in specs[name].claims}
    families = {claim_id.partition("-")[0] for claim_id in ids}
    assert families <= ids
    for family in families:
        document.claim(family)


def test_together_they_leave_none_of_biggan_s_claims_open(specs):
    judged = {claim.id for name in SPECS for claim in specs[name].claims}
    left = {entry.id for entry in load_document(DOCUMENT).unjudged(judged)}
    assert not left & {"I4", "I6", "I6a", "I6b", "I6c", "I7", "I8", "I11", "I11a", "I11b", "I11c"}
