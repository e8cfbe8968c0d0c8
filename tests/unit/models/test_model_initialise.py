"""The laws of the first weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from ganzoo.layers import initialise

# layer, fan_in + fan_out as Keras counts them: channels times the kernel's area
LAYERS = {
    "dense": (lambda: nn.Linear(300, 200), 500),
    "conv": (lambda: nn.Conv2d(24, 40, 3), (24 + 40) * 9),
    "transposed conv": (lambda: nn.ConvTranspose2d(40, 24, 4), (24 + 40) * 16),
}
every_layer = pytest.mark.parametrize("make", [make for make, _ in LAYERS.values()], ids=list(LAYERS))


@pytest.mark.parametrize(("make", "fans"), LAYERS.values(), ids=list(LAYERS))
def test_glorot_uniform(make, fans):
    torch.manual_seed(0)
    layer = make()
    initialise(layer, "glorot-uniform")
    bound = math.sqrt(6 / fans)
    weight = layer.weight.detach()
    assert weight.abs().max() <= bound
    assert weight.abs().max() > 0.99 * bound  # thousands of weights: some come close
    assert weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.03)
    assert abs(weight.mean().item()) < 0.03 * bound
    assert layer.bias.count_nonzero() == 0


@every_layer
def test_normal(make):
    torch.manual_seed(0)
    layer = make()
    initialise(layer, "normal-0.02")
    weight = layer.weight.detach()
    assert weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert abs(weight.mean().item()) < 0.001
    assert weight.abs().max() > 0.05  # normal, not uniform: √3·0.02 = 0.035 would bound it
    assert layer.bias.count_nonzero() == 0


@every_layer
def test_torch_default_touches_nothing(make):
    torch.manual_seed(0)
    layer = make()
    before = {key: value.clone() for key, value in layer.state_dict().items()}
    position = torch.get_rng_state()
    initialise(layer, "torch-default")
    assert all(torch.equal(value, before[key]) for key, value in layer.state_dict().items())
    assert torch.equal(torch.get_rng_state(), position)
    assert layer.bias.count_nonzero() > 0


@pytest.mark.parametrize("init", ["glorot-uniform", "normal-0.02"])
def test_it_reaches_nested_layers_and_leaves_batch_norm(init):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), nn.Linear(4, 1, bias=False))
    before = net[0][0].weight.clone(), net[1].weight.clone()
    initialise(net, init)
    assert not torch.equal(net[0][0].weight, before[0]) and not torch.equal(net[1].weight, before[1])
    assert torch.equal(net[0][1].weight, torch.ones(4)) and torch.equal(net[0][1].bias, torch.zeros(4))
