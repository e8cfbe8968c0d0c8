"""Looking models up: registered names, import paths, and what is said where there is no such model."""

from __future__ import annotations

import pytest
import torch

from ganzoo import models
from ganzoo.errors import SpecError

USERS_MODULE = """
import torch
from torch import nn
from ganzoo.models import Options


class Dot(nn.Module):
    def forward(self, x):
        return x.flatten(1).sum(1)


class Tiny:
    class Options(Options):
        gain: float = 1.0

    @staticmethod
    def build(options, latent, image):
        size = image[0] * image[1] * image[2]
        return nn.Sequential(nn.Linear(latent, size), nn.Tanh(), nn.Unflatten(1, image)), Dot()


class OnlyOptions:
    Options = Tiny.Options


def function():
    pass
"""


@pytest.fixture
def users_module(tmp_path, monkeypatch):
    """`users_nets.gans`, importable as a user's own package is."""
    package = tmp_path / "users_nets"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "gans.py").write_text(USERS_MODULE)
    (package / "broken.py").write_text("def Tiny(:\n")
    (package / "raising.py").write_text("raise RuntimeError('no licence found')\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_names_are_sorted_and_found():
    assert models.names() == sorted(models.names())
    assert {"mlp-gan", "conv-gen-gan"} <= set(models.names())
    assert all(hasattr(models.get(name), "build") for name in models.names())


def test_unknown_name_offers_the_nearest():
    with pytest.raises(SpecError) as caught:
        models.get("mlp-gna")
    message = str(caught.value)
    assert "unknown model 'mlp-gna'" in message and "Did you mean 'mlp-gan'?" in message
    assert "conv-gen-gan" in message and "package.module:Class" in message


def test_a_far_off_name_offers_the_list_alone():
    with pytest.raises(SpecError) as caught:
        models.get("zzz")
    assert "Did you mean" not in str(caught.value) and "mlp-gan" in str(caught.value)


def test_a_users_model_is_found_by_import_path(users_module):
    cls = models.get("users_nets.gans:Tiny")
    g, d = cls.build(cls.Options(gain=2.0), 3, (1, 4, 4))
    assert d(g(torch.zeros(2, 3))).shape == (2,)
    assert "users_nets.gans:Tiny" not in models.names(), "an import path is looked up, not registered"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_package.gans:Tiny", "No module named 'no_such_package'"),
        ("users_nets.no_such:Tiny", "No module named 'users_nets.no_such'"),
        ("users_nets.gans:Tyni", "no attribute 'Tyni'"),
        ("users_nets.gans:", "cannot be imported"),
        (":Tiny", "Empty module name"),
        (".gans:Tiny", "relative import"),
        ("users_nets.broken:Tiny", "SyntaxError"),
        ("users_nets.raising:Tiny", "RuntimeError: no licence found"),
    ],
)
def test_what_cannot_be_imported_is_named(users_module, name, told):
    with pytest.raises(SpecError) as caught:
        models.get(name)
    assert f"model '{name}' cannot be imported" in str(caught.value) and told in str(caught.value)
    assert "Expected 'package.module:Class'" in str(caught.value)


@pytest.mark.parametrize("attribute", ["OnlyOptions", "Dot", "function", "torch"])
def test_what_is_no_model_is_refused(users_module, attribute):
    with pytest.raises(SpecError, match="has no Options and build"):
        models.get(f"users_nets.gans:{attribute}")


def test_a_name_is_taken_once():
    before = models.get("mlp-gan")
    with pytest.raises(ValueError, match="'mlp-gan' is registered twice"):
        models.register("mlp-gan")(type("Other", (), {}))
    assert models.get("mlp-gan") is before


def test_options_are_frozen(users_module):
    options = models.get("users_nets.gans:Tiny").Options()
    with pytest.raises(ValueError, match="frozen"):
        options.gain = 3.0
