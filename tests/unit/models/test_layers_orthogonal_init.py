"""The orthogonal law of the first weights, and what no law redraws."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganzoo.layers import initialise

LAYERS = {
    "wide dense": lambda: nn.Linear(12, 5),
    "tall dense": lambda: nn.Linear(5, 12),
    "conv": lambda: nn.Conv2d(4, 8, 3),
    "tall conv": lambda: nn.Conv2d(2, 40, 3),
    "transposed conv": lambda: nn.ConvTranspose2d(6, 4, 4),
    "embedding": lambda: nn.Embedding(9, 4),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=list(LAYERS))
def test_orthogonal(make):
    torch.manual_seed(0)
    layer = make()
    initialise(layer, "orthogonal")
    w = layer.weight.detach().double().flatten(1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    torch.testing.assert_close(product, torch.eye(len(product), dtype=torch.float64), rtol=0, atol=1e-5)
    assert getattr(layer, "bias", None) is None or layer.bias.count_nonzero() == 0
    torch.manual_seed(1)
    other = make()
    initialise(other, "orthogonal")
    assert not torch.allclose(other.weight, layer.weight), "drawn, not fixed"


def test_signs_are_even():
    """Haar's law and not the factor of a decomposition alone, whose diagonal has one sign."""
    torch.manual_seed(0)
    corners = []
    for _ in range(200):
        layer = nn.Linear(4, 4)
        initialise(layer, "orthogonal")
        corners.append(layer.weight[0, 0].item() > 0)
    assert 70 < sum(corners) < 130


@pytest.mark.parametrize("init", ["orthogonal", "glorot-uniform", "normal-0.02"])
def test_what_keeps_its_own_weights(init):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4)))
    net[1].redrawn = False
    before = [layer.weight.clone() for layer in (net[0], net[1][0])]
    initialise(net, init)
    assert not torch.equal(net[0].weight, before[0])
    assert torch.equal(net[1][0].weight, before[1])
