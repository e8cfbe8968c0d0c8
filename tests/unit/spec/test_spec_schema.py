"""The schema of a case: what every default stands for, and values that no run could use."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from ganzoo.spec import Case, dotted
from ganzoo.spec.idle import idle
from ganzoo.spec.shape import shape_of

CASE = {
    "model": {"name": "m"},
    "data": {"name": "d"},
    "optim": {"g": {"name": "adam", "lr": 1e-3}, "d": {"name": "sgd", "lr": 0.1}},
    "train": {"batch_size": 2, "epochs": 1},
    "eval": {"protocol": "p"},
}


def made(**changes) -> Case:
    """The case with dotted_paths (double underscore for the dot) set."""
    settings = json.loads(json.dumps(CASE))
    for path, value in changes.items():
        head, _, key = path.partition("__")
        settings.setdefault(head, {})[key] = value
    return Case.model_validate_json(json.dumps(settings))


def test_every_default_is_described():
    settings = made().model_dump(mode="json")
    written = dotted(CASE)
    defaults = [path for path in dotted(settings) if path not in written]
    assert "optim.g.eps" in defaults
    assert [path for path in defaults if not shape_of(Case).at(tuple(path.split(".")), settings).get("description")] == []


def test_a_case_cannot_be_changed():
    with pytest.raises(ValidationError):
        made().train.epochs = 3


@pytest.mark.parametrize(
    "change",
    [
        {"train__epochs": 0},
        {"train__epochs": 1.5},
        {"train__epochs": True},
        {"train__ema": 1.0},
        {"train__ema": -0.1},
        {"data__range": [1, 1]},
        {"data__range": [0]},
        {"data__limit": 0},
        {"data__resize": -8},
        {"data__path": "../x"},
        {"eval__fake_range": [1, -1]},
        {"eval__num_fake": "9"},
        {"recipe__d_weight": 0},
        {"recipe__loss": "wgan"},
        {"optim__fused": "yes"},
        {"optim__g": {"name": "adam", "lr": 0}},
        {"optim__d": {"name": "sgd", "lr": 0.1, "betas": [0, 0]}},
        {"train__precision": "fp16"},
        {"model__latent": {"dim": 4, "law": "normal"}},
    ],
    ids=str,
)
def test_refused(change):
    with pytest.raises(ValidationError):
        made(**change)


def test_the_options_of_a_model_are_free_form():
    assert made(model__width=3).model.options == {"width": 3}


BOTH = {"g": {"name": "adam", "lr": 1e-3}, "d": {"name": "adam", "lr": 1e-3}}


def test_the_self_rule_takes_one_optimiser_and_parts_of_one_size():
    one = {"recipe__name": "self", "optim__g": BOTH["g"], "optim__d": BOTH["d"]}
    assert made(**one, recipe__shards=2).recipe.shares == (0.1, 0.9)
    with pytest.raises(ValidationError, match=r"expected optim.g and optim.d to be equal"):
        made(recipe__name="self")
    with pytest.raises(ValidationError, match=r"batch_size 2 does not split into recipe.shards 8 equal parts"):
        made(**one, recipe__shards=8)


@pytest.mark.parametrize(
    ("rule", "setting", "value", "message"),
    [
        ("alternating", "shards", 2, "'shards' is 2, but only the rule 'self' has it: expected its default, 1"),
        ("alternating", "balance", "outputs", "only the rule 'self' has it"),
        ("self", "order", "g-first", "'order' is 'g-first', but only the rule 'alternating' has it: expected its default, 'd-first'"),
        ("self", "d_steps", 2, "only the rule 'alternating' has it"),
        ("self", "loss", "minimax", "can be no weight"),
    ],
)
def test_a_setting_of_another_rule_is_refused(rule, setting, value, message):
    with pytest.raises(ValidationError, match=message):
        made(optim__g=BOTH["g"], optim__d=BOTH["d"], recipe__name=rule, **{f"recipe__{setting}": value})


def test_hinge_has_no_target_for_an_output():
    with pytest.raises(ValidationError, match="'hinge', which has no target"):
        made(optim__g=BOTH["g"], optim__d=BOTH["d"], recipe__name="self", recipe__loss="hinge")


def test_what_a_case_does_not_have_is_not_shown():
    usual, own = made(), made(recipe__name="self", optim__g=BOTH["g"], optim__d=BOTH["d"])
    assert {"recipe.shards", "recipe.lambda_pixel", "data.holdout", "watch.all_real_steps"} <= idle(usual)
    assert "recipe.d_steps" not in idle(usual) and "recipe.loss" not in idle(usual)
    assert "recipe.d_steps" in idle(own) and not {"recipe.shards", "watch.all_real_steps"} & idle(own)
    for case in (usual, own):
        assert idle(case) <= set(dotted(case.model_dump(mode="json")))


CONDITIONAL = {"model__num_classes": 10}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train__ranks": 4, "train__batch_size": 6}, "batch_size 6 does not split into train.ranks 4 equal parts"),
        ({"train__sync_batchnorm": True}, "train.sync_batchnorm is true, but train.ranks is 1"),
        ({"train__ranks": 2, "recipe__mine": {"weight": 1.0}}, "only the rule 'alternating', without recipe.mine"),
        ({"recipe__name": "self", "train__ranks": 2, **{f"optim__{k}": v for k, v in BOTH.items()}}, "train.ranks is 2, but only the rule"),
        ({"recipe__mine": {"weight": 1.0, "code": 101}}, "recipe.mine.code is 101, expected at most model.latent.dim, 100"),
        ({"recipe__mine": {"weight": 1.0}, "train__batch_size": 1}, "train.batch_size is 1, but recipe.mine pairs each fake"),
        ({**CONDITIONAL, "recipe__name": "self", **{f"optim__{k}": v for k, v in BOTH.items()}}, "the rule 'self' tells no classes"),
        ({**CONDITIONAL, "eval__probe": True}, "a network that is told classes has no features without one"),
        ({"recipe__name": "self", "recipe__ortho_g": 0.1, **{f"optim__{k}": v for k, v in BOTH.items()}}, "'ortho_g' is 0.1, but only"),
    ],
)
def test_what_does_not_go_together_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        made(**change)


def test_settings_of_what_is_off_are_not_shown():
    plain = made()
    assert {"recipe.mine.lr", "recipe.mine.hidden", "train.sync_batchnorm"} <= idle(plain)
    assert "recipe.mine.weight" not in idle(plain) and "train.ranks" not in idle(plain)
    used = made(recipe__mine={"weight": 0.5}, train__ranks=1)
    assert not {"recipe.mine.lr", "recipe.mine.hidden"} & idle(used)
    assert "train.sync_batchnorm" not in idle(made(train__ranks=2, train__batch_size=4))


PAIRS = {"data": {"name": "pairs", "holdout": 9}, "eval__num_select": 4}
DOMAINS = {"data": {"name": "domains", "holdout": 9, "domains": ["a", "b"]}, "eval__num_select": 4, "recipe__order": "g-first"}


def translating(base: dict, **changes) -> Case:
    """A case that translates, with dotted_paths (double underscore for the dot) set."""
    blocks = {f"data__{key}": value for key, value in base["data"].items()}
    return made(**(blocks | {path: value for path, value in base.items() if path != "data"} | changes))


def test_the_settings_of_a_translation_stand_where_there_is_one():
    both = {"data__enlarge": 1.12, "data__flip": True, "data__resize": 8}
    assert translating(PAIRS, **both, data__source="right", recipe__lambda_pixel=0.0, recipe__order="g-first").recipe.lambda_pixel == 0
    translating(PAIRS)  # d-first, the paper's order, is one of pairs, too
    cycle = {"recipe__lambda_cycle": 1.0, "recipe__lambda_identity": 0.0, "recipe__buffer": 1, "recipe__one_buffer": True}
    assert translating(DOMAINS, **both, **cycle).recipe.one_buffer
    alone = {"recipe__name": "self", "optim__g": BOTH["g"], "optim__d": BOTH["d"], "recipe__order": "d-first"}
    assert translating(DOMAINS, **alone).recipe.order == translating(PAIRS, **alone).recipe.order == "d-first"


ONE_SIDE = {"data": {"name": "d"}}


@pytest.mark.parametrize(
    ("base", "change", "message"),
    [
        (ONE_SIDE, {"data__holdout": 9}, "data.holdout is 9, but only data sets 'pairs' and 'domains' have it: expected its default, 0"),
        (ONE_SIDE, {"data__enlarge": 1.1}, "data.enlarge is 1.1, but only data sets 'pairs' and 'domains' have it"),
        (ONE_SIDE, {"data__flip": True}, "data.flip is True, but only data sets 'pairs' and 'domains' have it"),
        (ONE_SIDE, {"data__source": "right"}, "data.source is 'right', but only data set 'pairs' has it: expected its default, 'left'"),
        (ONE_SIDE, {"data__domains": ["a", "b"]}, "data.domains is ['a', 'b'], but only data set 'domains' has it"),
        (
            ONE_SIDE,
            {"recipe__lambda_pixel": 1.0},
            "recipe.lambda_pixel is 1.0, but only data set 'pairs' has it: expected its default, 100.0",
        ),
        (ONE_SIDE, {"recipe__buffer": 9}, "recipe.buffer is 9, but only data set 'domains' has it: expected its default, 50"),
        (PAIRS, {"data__domains": ["a", "b"]}, "data.domains is ['a', 'b'], but only data set 'domains' has it"),
        (PAIRS, {"recipe__lambda_cycle": 1.0}, "recipe.lambda_cycle is 1.0, but only data set 'domains' has it"),
        (PAIRS, {"recipe__lambda_identity": 1.0}, "recipe.lambda_identity is 1.0, but only data set 'domains' has it"),
        (PAIRS, {"recipe__one_buffer": True}, "recipe.one_buffer is True, but only data set 'domains' has it"),
        (DOMAINS, {"data__source": "right"}, "data.source is 'right', but only data set 'pairs' has it"),
        (DOMAINS, {"recipe__lambda_pixel": 1.0}, "recipe.lambda_pixel is 1.0, but only data set 'pairs' has it"),
        (DOMAINS, {"recipe__order": "d-first"}, "recipe.order is 'd-first', but unpaired translation updates G first: expected 'g-first'"),
        (PAIRS, {"recipe__d_steps": 2}, "recipe.d_steps is 2, but translation has one update of each network on a whole batch"),
        (PAIRS, {"recipe__d_every": 2}, "recipe.d_every is 2, but translation has one update"),
        (DOMAINS, {"recipe__fresh_z": True}, "recipe.fresh_z is True, but translation has one update"),
        (PAIRS, {"data__classes": ["a"]}, "data.classes is ['a'], but a data set of two sides has none"),
        (PAIRS, {"eval__truncations": [1.0]}, "eval.truncations is [1.0], but translation draws no z and has no labels"),
        (DOMAINS, {"eval__probe": True}, "eval.probe is True, but translation draws no z and has no labels"),
        (PAIRS, {"eval__num_select": 9}, "data.holdout is 9, of which eval.num_select 9 choose the best evaluation: expected more"),
        (DOMAINS, {"data__holdout": 0}, "data.holdout is 0, of which eval.num_select 4 choose"),
        (ONE_SIDE, {"train__lr_decay_from": 1}, "train.lr_decay_from is 1, expected an epoch before the last, 1"),
        (PAIRS, {"train__lr_decay_from": 7, "train__epochs": 5}, "train.lr_decay_from is 7, expected an epoch before the last"),
    ],
    ids=lambda value: value["data"]["name"] if isinstance(value, dict) and "data" in value else None,
)
def test_what_does_not_go_with_its_sides_is_refused(base, change, message):
    with pytest.raises(ValidationError) as caught:
        translating(base, **change)
    assert message in str(caught.value)


def test_self_translates_whole_batches():
    alone = {"recipe__name": "self", "optim__g": BOTH["g"], "optim__d": BOTH["d"], "recipe__shards": 2}
    with pytest.raises(ValidationError, match=r"recipe.shards is 2, but translation has one update of each network on a whole batch"):
        translating(PAIRS, **alone)


@pytest.mark.parametrize(
    "change",
    [
        {"data__enlarge": 0.9},
        {"data__holdout": -1},
        {"data__source": "top"},
        {"data__domains": ["a"]},
        {"data__domains": ["a", "b", "c"]},
        {"recipe__buffer": 0},
        {"recipe__lambda_cycle": -1.0},
        {"recipe__lambda_pixel": -1.0},
        {"train__lr_decay_from": 0},
    ],
    ids=str,
)
@pytest.mark.parametrize("base", [PAIRS, DOMAINS], ids=["pairs", "domains"])
def test_values_that_no_translation_could_use(base, change):
    with pytest.raises(ValidationError):
        translating(base, **({"train__epochs": 9} | change))
