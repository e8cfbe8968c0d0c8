"""Base + case + tier → one complete case; overrides and tiers that cannot mean anything are refused."""

from __future__ import annotations

import pytest
from small_spec import SMALL, line_of

from ganzoo.errors import SpecError
from ganzoo.spec import dotted

LONGER = "    train.epochs: 20\n"
TIER = "    data.limit: 64\n"


def differing(one: dict, other: dict) -> dict:
    """Dotted leaf → value in `other`, where the two cases differ (None: `one` alone has the leaf)."""
    one, other = dotted(one), dotted(other)
    return {path: other.get(path) for path in sorted(one.keys() | other.keys()) if one.get(path) != other.get(path)}


def test_defaults_are_filled_in(load):
    case = load().resolve("original").case
    assert case.model.options == {"width": 16, "slope": 0.2, "init": "small"}
    assert (case.model.latent.dim, case.model.latent.dist) == (8, "normal")
    assert (case.recipe.name, case.train.precision, case.train.max_steps, case.optim.fused) == ("alternating", "fp32", None, True)


def test_without_a_catalogue_options_stay_as_written(load):
    assert load(checked=False).resolve("original").case.model.options == {"width": 16}


def test_as_dict_is_the_case_in_plain_data(load):
    resolved = load().resolve("original")
    assert resolved.as_dict() == resolved.case.model_dump(mode="json")
    assert resolved.as_dict()["data"]["range"] == [-1.0, 1.0]


def test_a_case_changes_what_it_names_and_nothing_else(load):
    spec = load()
    original = spec.resolve("original").as_dict()
    assert differing(original, spec.resolve("longer").as_dict()) == {"train.epochs": 20}


def test_a_mapping_replaces_the_whole_branch(load):
    spec = load()
    changes = differing(spec.resolve("original").as_dict(), spec.resolve("sgd").as_dict())
    assert changes == {
        "optim.d.name": "sgd",
        "optim.d.lr": 0.01,
        "optim.d.momentum": 0.0,
        "optim.d.betas": None,
        "optim.d.eps": None,
    }


def test_another_model_replaces_the_model(load):
    case = "  conv:\n    model: {name: conv, filters: [4]}\n    source: {stated: x}\n  longer:\n"
    spec = load(("  longer:\n", case))
    assert spec.resolve("conv").as_dict()["model"] == {"name": "conv", "latent": {"dim": 100, "dist": "normal"}, "filters": [4]}


def test_another_model_that_keeps_the_options_of_the_old_one(refusal):
    edit = (LONGER, "    model.name: conv\n    model.filters: [4]\n")
    assert refusal(edit) == f"small.yaml:{line_of(SMALL, '  longer:')}: case 'longer': model 'conv' has no option 'width'. Valid: filters."


def test_tier_is_laid_over_the_case(load):
    spec = load()
    resolved = spec.resolve("longer", "smoke")
    assert differing(spec.resolve("longer").as_dict(), resolved.as_dict()) == {"train.max_steps": 5, "data.limit": 64}
    assert (resolved.tier, resolved.tier_overrides, resolved.stand_in) == ("smoke", {"train.max_steps": 5, "data.limit": 64}, None)
    assert (resolved.spec, resolved.name, resolved.title) == ("small", "longer", "twice the length")
    assert spec.tiers["smoke"].cost == "seconds"


def test_full_tier_always_exists(load):
    spec = load()
    assert set(spec.tiers) == {"smoke", "full"}
    assert spec.resolve("original", "full") == spec.resolve("original")
    assert spec.resolve("original").tier_overrides == {}


def test_case_title_defaults_to_its_name(load):
    assert load().cases["original"].title == "original"


def test_stand_in_data_is_named_in_the_case(load):
    spec = load(("    data.limit: 64\n", "    data.limit: 64\n    data.name: mnist\n    stand_in: CelebA\n"))
    resolved = spec.resolve("original", "smoke")
    assert (resolved.stand_in, resolved.case.data.stand_in, resolved.case.data.name) == ("CelebA", "CelebA", "mnist")
    assert spec.resolve("original").stand_in is None


def test_unknown_case_and_tier(load):
    with pytest.raises(SpecError, match="small has no case 'long'. Did you mean 'longer'"):
        load().resolve("long")
    with pytest.raises(SpecError, match="small has no tier 'smok'. Did you mean 'smoke'"):
        load().resolve("original", "smok")


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("train.epoch: 20", "case 'longer' overrides 'train.epoch', which does not exist. Did you mean 'train.epochs'? Valid: train, "),
        ("trian.epochs: 20", "case 'longer' overrides 'trian.epochs', which does not exist. Did you mean 'train.epochs'?"),
        ("titel: twice", "case 'longer' overrides 'titel', which does not exist. Did you mean 'title'?"),
        ("model.widht: 3", "case 'longer' overrides 'model.widht', which does not exist. Did you mean 'model.width'?"),
        ("optim.d.momentum: 0.5", "case 'longer' overrides 'optim.d.momentum', which does not exist."),
        ("train.epochs: 10", "case 'longer' sets train.epochs to what the base has already; leave it out."),
        ("train.ema: 0", "case 'longer' sets train.ema to what the base has already; leave it out."),
        ("model.slope: 0.2", "case 'longer' sets model.slope to what the base has already; leave it out."),
        ("train.epochs: -2", "case 'longer': train.epochs is -2, expected a whole number above 0."),
        ("train: {epochs: 3}", "case 'longer': train.batch_size is missing, expected a whole number above 0."),
        ("optim.d: {name: sgd, lr: 0.1, beta: 1}", "case 'longer': unknown key 'optim.d.beta'. Valid: lr, momentum, name."),
    ],
)
def test_case_override_refused_at_its_line(refusal, override, says):
    message = refusal((LONGER, f"    {override}\n"))
    assert message.startswith(f"small.yaml:{line_of(SMALL, LONGER)}: {says}")


def test_an_option_the_base_does_not_write_can_be_overridden(load):
    assert load((LONGER, "    model.slope: 0.3\n")).resolve("longer").case.model.options["slope"] == 0.3


def test_without_a_catalogue_any_option_can_be_overridden(load):
    assert load((LONGER, "    model.depth: 3\n"), checked=False).resolve("longer").case.model.options == {"width": 16, "depth": 3}


def test_overrides_inside_one_another(refusal):
    message = refusal((LONGER, "    optim.d: {name: sgd, lr: 0.1}\n    optim.d.lr: 0.2\n"))
    assert message.endswith("case 'longer' sets both optim.d and optim.d.lr, one inside the other.")


def test_two_names_for_one_case(refusal):
    message = refusal(("  original: {}\n", "  original: {}\n  again: {}\n"))
    assert message.endswith("cases 'original' and 'again' are the same; keep one of them.")


def test_no_case_at_all(refusal):
    start, end = SMALL.index("cases:"), SMALL.index("tiers:")
    assert "no case to run" in refusal(text=SMALL[:start] + SMALL[end : SMALL.index("claims:")])


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("optim.g.lr: 0.1", "tier 'smoke' sets optim.g.lr; a tier changes scale, never science."),
        ("data.range: [0, 1]", "tier 'smoke' sets data.range; a tier changes scale, never science."),
        ("data: {name: digits, limit: 3}", "tier 'smoke' sets data; a tier changes scale, never science."),
        ("model.latent.dim: 3", "tier 'smoke' sets model.latent.dim; a tier changes scale, never science."),
        ("model.name: conv", "tier 'smoke' sets model.name; a tier changes scale, never science."),
        ("data.limt: 3", "tier 'smoke' overrides 'data.limt', which does not exist. Did you mean 'data.limit'?"),
        ("data.limit: 0", "tier 'smoke': data.limit is 0, expected a whole number above 0 or null."),
        ("train.precision: fp32", "tier 'smoke' sets train.precision to what every case has already; leave it out."),
        ("data.name: mnist", "tier 'smoke' takes other data than case 'original'; add stand_in: what the document used."),
    ],
)
def test_tier_override_refused_at_its_line(refusal, override, says):
    assert refusal((TIER, f"    {override}\n")).startswith(f"small.yaml:{line_of(SMALL, TIER)}: {says}")


def test_tier_that_makes_cases_the_same(refusal):
    message = refusal((TIER, "    train.epochs: 2\n"))
    assert (
        message == f"small.yaml:{line_of(SMALL, '  smoke:')}: tier 'smoke' makes cases 'original' and 'longer' the same; "
        "a tier changes scale, never science."
    )


def test_tier_may_narrow_a_model(load):
    assert load((TIER, "    model.width: 4\n")).resolve("original", "smoke").case.model.options["width"] == 4


def test_full_tier_cannot_change_anything(refusal):
    assert "expected no overrides" in refusal(("  smoke:\n", "  full: {train.max_steps: 3}\n  smoke:\n"))
