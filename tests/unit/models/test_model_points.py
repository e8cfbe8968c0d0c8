"""`point-mlp`: its sizes, and that it ends linearly."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganzoo import models
from ganzoo.bench.counts import parameters

MODEL = models.get("point-mlp")


def build(shape=(2, 1, 1), latent: int = 2, **options) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return MODEL.build(MODEL.Options(**options), latent, shape)


def test_the_sizes_that_the_docstring_states():
    assert tuple(parameters(net) for net in build()) == (17_154, 17_025)


@pytest.mark.parametrize("shape", [(2, 1, 1), (3, 8, 8)])
def test_shapes(shape):
    g, d = build(shape, latent=5, hidden_g=[7], hidden_d=[6, 4], batchnorm_g=True)
    points = g(torch.randn(9, 5))
    assert points.shape == (9, *shape) and d(points).shape == (9,)


def test_outputs_have_no_bounds():
    """Twice the last hidden layer's output is twice the output: no tanh anywhere after it."""
    g, _ = build()
    far = g(torch.randn(64, 2) * 1e4).flatten(1)
    assert far.abs().max() > 100
    assert torch.allclose(g(torch.full((1, 2), 2e4)), 2 * g(torch.full((1, 2), 1e4)), rtol=1e-3), "ReLU without biases is homogeneous"


def test_hidden_layers_are_relu_unless_a_slope_is_given():
    """Below zero a slope lets something through."""
    layer = nn.Sequential(*[layer for layer in build()[0].layers if isinstance(layer, nn.LeakyReLU)][:1])
    leaky = nn.Sequential(*[layer for layer in build(slope=0.2)[0].layers if isinstance(layer, nn.LeakyReLU)][:1])
    x = torch.tensor([-2.0, 3.0])
    assert layer(x.clone()).tolist() == [0.0, 3.0] and leaky(x.clone()).tolist() == pytest.approx([-0.4, 3.0])
