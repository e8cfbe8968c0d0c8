"""The schema of a case: what every default stands for, and values that no run could use."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from ganzoo.spec import Case, dotted
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
