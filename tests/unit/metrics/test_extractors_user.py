"""A user's network by import path."""

from __future__ import annotations

import importlib
import sys
import types

import pytest
import torch
from torch import nn

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


def test_digest_counts_the_state_and_is_the_same_each_time():
    before = torch.get_rng_state()
    first = extractors.load("own_nets:Good").weights
    assert torch.equal(torch.get_rng_state(), before)
    extractors.load.cache_clear()
    torch.rand(3)
    assert extractors.load("own_nets:Good").weights == first == extractors.card("own_nets:Good")["sha256"]
    net = sys.modules["own_nets"].Good()
    assert extractors.user.digest("own_nets:Good", net) != first
    assert len(first) == 64


class Buffered(nn.Module):
    def __init__(self, scale: float, persistent: bool):
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale), persistent=persistent)


@pytest.mark.parametrize("persistent", [True, False])
def test_every_buffer_counts(persistent):
    one, same, other = (extractors.user.digest_of_state(Buffered(scale, persistent)) for scale in (1.0, 1.0, 2.0))
    assert one == same != other


@pytest.fixture
def digest_with(tmp_path):
    """digest_with({file: text}) → the digest of own_nets:Good, in an interpreter that has seen none of them."""

    def digest(files: dict[str, str]) -> str:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        for name in ("own_nets", "own_help"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        extractors.load.cache_clear()
        assert extractors.load("own_nets:Good").weights == extractors.card("own_nets:Good")["sha256"]
        return extractors.load("own_nets:Good").weights

    sys.dont_write_bytecode, before = True, sys.dont_write_bytecode
    yield digest
    sys.dont_write_bytecode = before
    sys.modules.pop("own_help", None)


def test_an_edited_forward_is_another_network(digest_with):
    """The state is the same to the bit: only what is done with it has changed."""
    scaled = MODULE.replace("self.drop(", "SCALE * self.drop(")
    before = digest_with({"own_nets.py": "SCALE = 2.0\n" + scaled})
    assert digest_with({"own_nets.py": "# why\nSCALE = 2.0\n" + scaled}) == before
    assert digest_with({"own_nets.py": "SCALE = 3.0\n" + scaled}) != before


def test_a_helper_beside_it_counts(digest_with):
    files = {"own_nets.py": "import own_help\n" + MODULE, "own_help.py": "SCALE = 2.0\n", "unused.py": "X = 1\n"}
    before = digest_with(files)
    assert digest_with({"unused.py": "X = 2\n"}) == before
    assert digest_with({"own_help.py": "SCALE = 3.0\n"}) != before


def test_a_class_that_another_module_hands_on(digest_with):
    files = {"own_nets.py": "from own_help import Good\n", "own_help.py": MODULE}
    before = digest_with(files)
    assert digest_with({"own_nets.py": "from own_help import Good\nGood.forward = Good.forward\n"}) != before
    assert digest_with(files) == before
    assert digest_with({"own_help.py": MODULE.replace("0.5", "0.4")}) != before


def test_a_class_without_sources():
    made = types.ModuleType("own_made")
    exec(MODULE, made.__dict__)
    sys.modules["own_made"] = made
    try:
        with pytest.raises(WeightsError, match="'own_made:Good' cannot be known by its sources"):
            extractors.load("own_made:Good")
    finally:
        del sys.modules["own_made"]


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
