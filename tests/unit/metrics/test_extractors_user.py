"""A user's network by import path."""

from __future__ import annotations

import sys

import pytest
import torch

from ganzoo.errors import WeightsError
from ganzoo.metrics import extractors

MODULE = """
import torch
from torch import nn

class Good(nn.Module):
    dim, channels, size = 5, 3, (8, 8)

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(192, 5)
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(self.layer(x.flatten(1)))

class Both(Good):
    chunk = 3

    def forward(self, x):
        features = self.layer(x.flatten(1))
        return features, features[:, :2]

class AnySize(nn.Module):
    dim, channels, size = 1, 1, None

    def forward(self, x):
        return x.mean((2, 3))

class NoDim(nn.Module):
    channels, size = 3, (8, 8)

class Arguments(Good):
    def __init__(self, path):
        super().__init__()

class WrongDim(Good):
    dim = 6

class WrongSize(Good):
    size = 8

class NoChannels(Good):
    channels = 0

class Fails(Good):
    size = (9, 9)

def function():
    pass
"""


@pytest.fixture(autouse=True)
def module(tmp_path, monkeypatch):
    (tmp_path / "own_nets.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("own_nets", None)
    extractors.load.cache_clear()


def pixels(count: int, channels: int = 3, side: int = 8) -> torch.Tensor:
    return torch.randint(0, 256, (count, channels, side, side), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def test_features_alone():
    network = extractors.load("own_nets:Good")
    x = pixels(70)
    features, logits = network(x)
    assert features.shape == (70, 5) and logits.shape == (70, 0) and network.classes == 0
    layer = sys.modules["own_nets"].Good  # eval mode: no dropout, so twice the same
    assert torch.equal(network(x)[0], features)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert torch.allclose(features, layer().eval()(x / 255), atol=1e-6)


def test_features_and_logits():
    network = extractors.load("own_nets:Both")
    features, logits = network(pixels(4))
    assert network.classes == 2 and network.chunk == 3 and torch.equal(logits, features[:, :2])


def test_any_size_and_embed():
    network = extractors.load("own_nets:AnySize")
    x = torch.full((2, 1, 3, 5), -7.5)
    assert network.embed(x)[0].tolist() == [[-7.5], [-7.5]]


def test_digest_is_of_the_state_and_the_same_each_time():
    before = torch.get_rng_state()
    first = extractors.load("own_nets:Good").weights
    assert torch.equal(torch.get_rng_state(), before)
    extractors.load.cache_clear()
    torch.rand(3)
    assert extractors.load("own_nets:Good").weights == first == extractors.card("own_nets:Good")["sha256"]
    net = sys.modules["own_nets"].Good()
    assert extractors.user.digest(net) != first
    assert len(first) == 64


def test_card():
    card = extractors.card("own_nets:Both")
    assert (card["dim"], card["classes"], card["channels"], card["size"]) == (5, 2, 3, (8, 8))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_module:Net", "cannot be imported"),
        ("own_nets:Missing", "cannot be imported"),
        ("own_nets:function", "expected a class derived from torch.nn.Module"),
        ("own_nets:NoDim", "has no `dim`"),
        ("own_nets:Arguments", "cannot be built without arguments"),
        ("own_nets:WrongDim", r"expected features \(2, 6\)"),
        ("own_nets:WrongSize", "size is 8, expected"),
        ("own_nets:NoChannels", "channels is 0, expected"),
        ("own_nets:Fails", r"fails on images of shape \(2, 3, 9, 9\)"),
    ],
)
def test_errors(name, told):
    with pytest.raises(WeightsError, match=told) as caught:
        extractors.load(name)
    assert name in str(caught.value)
