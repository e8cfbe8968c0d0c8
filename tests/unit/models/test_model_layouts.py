"""Where the layers of liu's two families stand, as the document says."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ganzoo import models

GREY = (1, 28, 28)
MLP, CONV = models.get("mlp-gan"), models.get("conv-gen-gan")


def kinds(layers: nn.Sequential) -> list[type]:
    return [type(layer) for layer in layers]


def rates(layers: nn.Sequential) -> list[float]:
    return [layer.p for layer in layers if isinstance(layer, nn.Dropout)]


def sizes(layers: nn.Sequential) -> list[tuple[int, int]]:
    return [(layer.in_features, layer.out_features) for layer in layers if isinstance(layer, nn.Linear)]


def test_dense_widths_are_the_documents():
    """§1.1 (1): 128-256-512-1024 and 784 out of G; the reverse, and one logit, in D."""
    g, d = MLP.build(MLP.Options(), 100, GREY)
    assert sizes(g.layers) == [(100, 128), (128, 256), (256, 512), (512, 1024), (1024, 784)]
    assert sizes(d.layers) == [(784, 1024), (1024, 512), (512, 256), (256, 128), (128, 1)]
    assert kinds(g.layers) == [nn.Linear, nn.LeakyReLU] * 4 + [nn.Linear]
    assert kinds(d.layers) == [nn.Linear, nn.LeakyReLU] * 4 + [nn.Linear]


def test_dropout_follows_each_leaky_relu_of_g():
    """§1.1, third; only hidden layers have a LeakyReLU, so none follows the output."""
    g, d = MLP.build(MLP.Options(dropout_g=0.4), 100, GREY)
    assert kinds(g.layers) == [nn.Linear, nn.LeakyReLU, nn.Dropout] * 4 + [nn.Linear]
    assert rates(g.layers) == [0.4] * 4 and rates(d.layers) == []


def test_dropout_follows_each_leaky_relu_of_d():
    """§1.1, fourth."""
    g, d = MLP.build(MLP.Options(dropout_d=0.3), 100, GREY)
    assert kinds(d.layers) == [nn.Linear, nn.LeakyReLU, nn.Dropout] * 4 + [nn.Linear]
    assert rates(d.layers) == [0.3] * 4 and rates(g.layers) == []


def test_batch_norm_stands_between_dense_and_activation():
    g, d = MLP.build(MLP.Options(batchnorm_g=True, dropout_g=0.4), 100, GREY)
    assert kinds(g.layers) == [nn.Linear, nn.BatchNorm1d, nn.LeakyReLU, nn.Dropout] * 4 + [nn.Linear]
    assert [layer.num_features for layer in g.layers if isinstance(layer, nn.BatchNorm1d)] == [128, 256, 512, 1024]
    assert all(layer.eps == 1e-5 and layer.momentum == 0.1 for layer in g.layers if isinstance(layer, nn.BatchNorm1d))
    assert not any(isinstance(layer, nn.BatchNorm1d) for layer in d.layers)


def test_slope_is_that_of_every_leaky_relu():
    for cls in (MLP, CONV):
        slopes = [
            m.negative_slope for net in cls.build(cls.Options(slope=0.3), 8, GREY) for m in net.modules() if isinstance(m, nn.LeakyReLU)
        ]
        assert len(slopes) == 8 and set(slopes) == {0.3}


def test_sigmoid_output_stays_in_unit_range():
    torch.manual_seed(0)
    g, _ = MLP.build(MLP.Options(output="sigmoid", hidden_g=[8], hidden_d=[8]), 4, (1, 8, 8))
    samples = g(torch.randn(16, 4) * 100)
    assert samples.min() >= 0 and samples.max() <= 1 and samples.max() - samples.min() > 0.5


def test_conv_generator_is_the_documents():
    """§1.2 (1): dense 784, reshape to 28x28x1, 3x3 "same" convolutions with 8, 16 and 32 filters; D dense with 30 % dropout."""
    g, d = CONV.build(CONV.Options(), 100, GREY)
    assert (g.dense.in_features, g.dense.out_features) == (100, 784)
    assert kinds(g.layers) == [nn.LeakyReLU] + [nn.Conv2d, nn.LeakyReLU] * 3 + [nn.Conv2d, nn.Tanh]
    convolutions = [layer for layer in g.layers if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels) for c in convolutions] == [(1, 8), (8, 16), (16, 32), (32, 1)]
    assert all(c.kernel_size == (3, 3) and c.stride == (1, 1) and c.padding == "same" for c in convolutions)
    assert kinds(d.layers) == [nn.Linear, nn.LeakyReLU, nn.Dropout] * 4 + [nn.Linear] and rates(d.layers) == [0.3] * 4


def test_options_change_the_conv_generator():
    g, d = CONV.build(CONV.Options(filters=[4, 2], kernel=5, hidden_d=[6], dropout_d=0.0), 10, (3, 16, 12))
    convolutions = [layer for layer in g.layers if isinstance(layer, nn.Conv2d)]
    assert [(c.in_channels, c.out_channels, c.kernel_size[0]) for c in convolutions] == [(1, 4, 5), (4, 2, 5), (2, 3, 5)]
    assert g(torch.zeros(2, 10)).shape == (2, 3, 16, 12)
    assert kinds(d.layers) == [nn.Linear, nn.LeakyReLU, nn.Linear]


@pytest.mark.parametrize("cls", [MLP, CONV])
@pytest.mark.parametrize("init", ["glorot-uniform", "normal-0.02", "torch-default"])
def test_init_reaches_both_networks(cls, init):
    """By the biases: zero under the first two laws, torch's own under the third."""
    for net in cls.build(cls.Options(init=init), 8, (1, 8, 8)):
        biases = [m.bias for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
        assert biases and all((bias.count_nonzero() == 0) == (init != "torch-default") for bias in biases)


@pytest.mark.parametrize(
    "option",
    [
        {"hidden_g": []},
        {"hidden_g": [8, 0]},
        {"hidden_d": [8, -1]},
        {"hidden_d": [8.5]},
        {"hidden_g": [True]},
        {"dropout_g": 1.0},
        {"dropout_d": -0.1},
        {"dropout_d": "0.3"},
        {"slope": -0.2},
        {"slope": float("nan")},
        {"slope": float("inf")},
        {"batchnorm_g": 1},
        {"init": "glorot"},
        {"output": "relu"},
    ],
    ids=str,
)
def test_values_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        MLP.Options(**option)
