"""`selfgan-dense`, `selfgan-conv`: layers, eps, results and first weights, as in the author's notebooks (HighCWu/SelfGAN, 0b3fbd4)."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, softplus

from ganzoo import models
from ganzoo.bench.counts import parameters
from ganzoo.errors import UserError
from ganzoo.layers import NearestThenConv
from ganzoo.models.selfgan import ConvDiscriminator

DENSE, CONV = models.get("selfgan-dense"), models.get("selfgan-conv")
LATENT = 100
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
TINY = {"filters_g": [3, 2], "filters_d": [2, 3, 4, 5], "dropout_d": 0.0, "init": "torch-default"}


def build(model, image: tuple[int, int, int], latent: int = LATENT, **options) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return model.build(model.Options(**options), latent, image)


def kinds(layers: nn.Sequential) -> list[type]:
    return [type(layer) for layer in layers]


def epsilons(net: nn.Module) -> list[float]:
    return [layer.eps for layer in net.modules() if isinstance(layer, NORMS)]


def sizes(net: nn.Module) -> list[tuple[int, int]]:
    return [(layer.in_features, layer.out_features) for layer in net.modules() if isinstance(layer, nn.Linear)]


def channels(net: nn.Module) -> list[tuple[int, int]]:
    return [(layer.in_channels, layer.out_channels) for layer in net.modules() if isinstance(layer, nn.Conv2d)]


def test_layers_of_the_dense_pair():
    """No batch norm after the first dense layer, after the last, or in D."""
    g, d = build(DENSE, (1, 28, 28))
    assert kinds(g.layers) == [
        nn.Linear, nn.LeakyReLU,
        nn.Linear, nn.BatchNorm1d, nn.LeakyReLU,
        nn.Linear, nn.BatchNorm1d, nn.LeakyReLU,
        nn.Linear, nn.BatchNorm1d, nn.LeakyReLU,
        nn.Linear, nn.Tanh,
    ]  # fmt: skip
    assert kinds(d.layers) == [nn.Linear, nn.LeakyReLU, nn.Linear, nn.LeakyReLU, nn.Linear]
    assert sizes(g) == [(100, 128), (128, 256), (256, 512), (512, 1024), (1024, 784)]
    assert sizes(d) == [(784, 512), (512, 256), (256, 1)]


def test_layers_of_the_convolutional_pair():
    """In D, batch norm comes last in its block, after dropout, and the first block has none."""
    g, d = build(CONV, (3, 64, 64))
    assert kinds(g.layers) == [
        nn.BatchNorm2d,
        NearestThenConv, nn.BatchNorm2d, nn.LeakyReLU,
        NearestThenConv, nn.BatchNorm2d, nn.LeakyReLU,
        nn.Conv2d, nn.Tanh,
    ]  # fmt: skip
    block = [nn.Conv2d, nn.LeakyReLU, nn.Dropout2d]
    assert kinds(d.layers) == [*block, *[*block, nn.BatchNorm2d] * 3, nn.Flatten, nn.Linear]
    assert sizes(g) == [(100, 128 * 16 * 16)] and channels(g) == [(128, 128), (128, 64), (64, 3)]
    assert channels(d) == [(3, 16), (16, 32), (32, 64), (64, 128)] and sizes(d) == [(128 * 4 * 4, 1)]
    assert [layer.p for layer in d.layers if isinstance(layer, nn.Dropout2d)] == [0.25] * 4


@pytest.mark.parametrize(("model", "image"), [(DENSE, (1, 28, 28)), (CONV, (1, 32, 32))], ids=["dense", "conv"])
def test_slope_momentum_and_biases(model, image):
    """torch's momentum: the 0.8 meant for it is not there. Every layer has a bias, before batch norm, too."""
    layers = [layer for net in build(model, image) for layer in net.modules()]
    assert {layer.negative_slope for layer in layers if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert {layer.momentum for layer in layers if isinstance(layer, NORMS)} == {0.1}
    assert all(layer.bias is not None for layer in layers if isinstance(layer, (nn.Linear, nn.Conv2d)))


@pytest.mark.parametrize(("options", "eps"), [({}, 0.8), ({"batchnorm_eps": 1e-5}, 1e-5)], ids=["slip", "torch's"])
def test_eps_of_batch_norm(options, eps):
    """The author gives none to the conv G's first batch norm, so the slip is not there."""
    assert [epsilons(net) for net in build(DENSE, (1, 28, 28), **options)] == [[eps] * 3, []]
    assert [epsilons(net) for net in build(CONV, (1, 32, 32), **options)] == [[1e-5, eps, eps], [eps] * 3]


def test_other_widths_slope_and_no_dropout():
    g, d = build(DENSE, (3, 8, 12), hidden_g=[5], hidden_d=[6, 7], slope=0.1)
    assert sizes(g) == [(100, 5), (5, 288)] and sizes(d) == [(288, 6), (6, 7), (7, 1)] and epsilons(g) == []
    assert g.layers[1].negative_slope == d.layers[1].negative_slope == 0.1
    g, d = build(CONV, (1, 48, 48), **TINY)
    assert sizes(g) == [(100, 3 * 12 * 12)] and channels(g) == [(3, 3), (3, 2), (2, 1)]
    assert channels(d) == [(1, 2), (2, 3), (3, 4), (4, 5)] and sizes(d) == [(5 * 3 * 3, 1)]
    assert nn.Dropout2d not in kinds(d.layers)


@pytest.mark.parametrize(
    ("model", "image", "counts"),
    [(DENSE, (1, 28, 28), (1_510_032, 533_505)), (CONV, (1, 32, 32), (1_049_985, 98_113)), (CONV, (3, 64, 64), (3_533_315, 99_937))],
    ids=["dense", "conv 32", "conv 64"],
)
def test_declared_parameter_counts(model, image, counts):
    assert tuple(map(parameters, build(model, image))) == counts
    side, kind = image[1], {1: "grey", 3: "colour"}[image[0]]
    assert "{0}×{0} {1} images: G {2:,} and D {3:,} parameters".format(side, kind, *counts) in model.__doc__


# The notebooks' formulas, once more and without layers: weights come one after the other, as the notebooks list them.


def normalised(x: Tensor, weights: Iterator[Tensor], eps: float) -> Tensor:
    """Batch norm in training mode."""
    axes = [0, 2, 3][: x.dim() - 1]
    scale, shift = (next(weights).reshape(1, -1, *[1] * (x.dim() - 2)) for _ in range(2))
    var, mean = torch.var_mean(x, axes, correction=0, keepdim=True)
    return (x - mean) / (var + eps).sqrt() * scale + shift


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def dense(x: Tensor, weights: Iterator[Tensor]) -> Tensor:
    return x @ next(weights).T + next(weights)


def conv(x: Tensor, weights: Iterator[Tensor], stride: int = 1) -> Tensor:
    return conv2d(x, next(weights), next(weights), stride=stride, padding=1)


def twice(x: Tensor) -> Tensor:
    return interpolate(x, scale_factor=2, mode="nearest")


def dense_g(z: Tensor, w: Iterator[Tensor], image: tuple[int, int, int]) -> Tensor:
    x = leaky(dense(z, w))
    for _ in range(2):
        x = leaky(normalised(dense(x, w), w, 0.8))
    return dense(x, w).tanh().reshape(-1, *image)


def dense_d(x: Tensor, w: Iterator[Tensor]) -> Tensor:
    return dense(leaky(dense(leaky(dense(x.reshape(len(x), -1), w)), w)), w)[:, 0]


def conv_g(z: Tensor, w: Iterator[Tensor], image: tuple[int, int, int]) -> Tensor:
    x = normalised(dense(z, w).reshape(len(z), -1, image[1] // 4, image[2] // 4), w, 1e-5)
    x = leaky(normalised(conv(twice(x), w), w, 0.8))
    x = leaky(normalised(conv(twice(x), w), w, 0.8))
    return conv(x, w).tanh()


def conv_d(x: Tensor, w: Iterator[Tensor]) -> Tensor:
    x = leaky(conv(x, w, stride=2))
    for _ in range(3):
        x = normalised(leaky(conv(x, w, stride=2)), w, 0.8)
    return dense(x.reshape(len(x), -1), w)[:, 0]


@pytest.mark.parametrize(
    ("model", "image", "options", "g_of", "d_of"),
    [
        (DENSE, (2, 3, 4), {"hidden_g": [5, 6, 7], "hidden_d": [6, 5]}, dense_g, dense_d),
        (CONV, (2, 32, 32), TINY, conv_g, conv_d),
    ],
    ids=["dense", "conv"],
)
def test_networks_compute_the_notebooks_formulas(model, image, options, g_of, d_of):
    """Values and gradients, in float64, of both networks in a row; without the sigmoid, as D gives logits."""
    g, d = (net.double() for net in build(model, image, latent=4, **options))
    for net in (g, d):
        for value in net.parameters():
            value.data += 0.1 * torch.randn_like(value)  # batch norm's scales and shifts, too
    z = torch.randn(6, 4).double()
    fakes = g(z)
    plain = g_of(z, iter(g.parameters()), image)
    torch.testing.assert_close(fakes, plain)
    logits, plain_logits = d(fakes), d_of(plain, iter(d.parameters()))
    torch.testing.assert_close(logits, plain_logits)
    of = [*g.parameters(), *d.parameters()]
    ours, theirs = (torch.autograd.grad(softplus(-out).mean(), of, retain_graph=True) for out in (logits, plain_logits))
    torch.testing.assert_close(ours, theirs)


def test_dense_layers_start_as_torch_draws_them():
    """Also of the convolutional pair, and its convolutions' biases: U(-1/√fan_in, 1/√fan_in)."""
    nets = [*build(DENSE, (1, 28, 28)), *build(CONV, (1, 32, 32))]
    layers = [layer for net in nets for layer in net.modules() if isinstance(layer, nn.Linear)]
    assert len(layers) == 5 + 3 + 1 + 1
    for layer in layers:
        bound = 1 / math.sqrt(layer.in_features)
        assert 0.95 * bound < layer.weight.abs().max() <= bound
        assert 0 < layer.bias.abs().max() <= bound
    for layer in [layer for net in nets for layer in net.modules() if isinstance(layer, nn.Conv2d)]:
        bound = 1 / math.sqrt(9 * layer.in_channels)
        assert 0 < layer.bias.abs().max() <= bound and layer.bias.count_nonzero() == layer.out_channels


def test_convolutions_and_batch_norm_start_as_the_author_draws_them():
    """N(0, 0.02²), and N(1, 0.02²) and 0 for batch norm, within four standard errors."""
    for net in build(CONV, (3, 64, 64)):
        weights = [layer.weight.detach() for layer in net.modules() if isinstance(layer, nn.Conv2d)]
        norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
        for values, mean in [*((weight, 0.0) for weight in weights), (torch.cat([layer.weight.detach() for layer in norms]), 1.0)]:
            error = 0.02 / math.sqrt(values.numel())
            assert abs(values.mean().item() - mean) < 4 * error
            assert abs(values.std().item() - 0.02) < 4 * error / math.sqrt(2)
        assert all(layer.bias.count_nonzero() == 0 for layer in norms)


def test_the_dense_pairs_batch_norm_starts_at_one():
    g, _ = build(DENSE, (1, 28, 28))
    assert all(torch.equal(layer.weight, torch.ones_like(layer.weight)) for layer in g.modules() if isinstance(layer, nn.BatchNorm1d))


@pytest.mark.parametrize("init", ["torch-default", "glorot-uniform"])
def test_other_laws_are_those_of_the_other_models(init):
    for net in build(CONV, (1, 32, 32), init=init):
        norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
        assert all(torch.equal(layer.weight, torch.ones_like(layer.weight)) for layer in norms)
        for layer in (layer for layer in net.modules() if isinstance(layer, nn.Conv2d)):
            fans = (layer.in_channels + layer.out_channels) * 9
            bound = 1 / math.sqrt(9 * layer.in_channels) if init == "torch-default" else math.sqrt(6 / fans)
            assert 0.95 * bound < layer.weight.abs().max() <= bound
            assert (layer.bias.count_nonzero() == 0) == (init == "glorot-uniform")


@pytest.mark.parametrize("image", [(1, 28, 28), (1, 16, 16), (3, 40, 40), (3, 64, 32)], ids=str)
def test_other_sizes_are_refused_with_the_rule(image):
    with pytest.raises(UserError) as caught:
        build(CONV, image)
    message = str(caught.value)
    assert f"not {image[1]}x{image[2]}" in message and "a multiple of 16 from 32 up" in message and "data.resize: 32" in message


def test_why_side_16_is_refused():
    """Batch norm right before the logit, on maps of one pixel: whatever the batch, the mean logit is the same."""
    apart = {}
    for side in (16, 32):
        torch.manual_seed(0)
        d = ConvDiscriminator((1, side, side), CONV.Options())
        bright, dark = (d(level + 0.1 * torch.randn(64, 1, side, side)).mean() for level in (0.9, -0.9))
        apart[side] = abs(bright - dark).item()
    assert apart[16] < 1e-5 < 1e-4 < apart[32]


def test_the_damped_start_is_slow_but_learns():
    """Of the convolutional D at its defaults: hardly a difference after the first steps, then two batches are told apart."""
    _, d = build(CONV, (1, 32, 32))
    real, fake = (torch.rand(16, 1, 32, 32) * 2 - 1 for _ in range(2))
    optimiser = torch.optim.Adam(d.parameters(), lr=1e-3)
    losses = []
    for _ in range(80):
        optimiser.zero_grad()
        loss = softplus(-d(real)).mean() + softplus(d(fake)).mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[10] > 1.3
    d.eval()
    assert d(real).min() > 0 > d(fake).max()


@pytest.mark.parametrize(
    ("model", "option"),
    [
        (DENSE, {"batchnorm_eps": 0.0}), (DENSE, {"hidden_g": []}), (DENSE, {"hidden_d": [8, 0]}), (DENSE, {"slope": -0.1}),
        (CONV, {"batchnorm_eps": -1e-5}), (CONV, {"filters_g": [128]}), (CONV, {"filters_d": [16, 32, 64, 128, 256]}),
        (CONV, {"filters_d": [16, 32, 64, 0]}), (CONV, {"dropout_d": 1.0}), (CONV, {"init": "normal"}),
    ],
    ids=str,
)  # fmt: skip
def test_values_out_of_range_are_refused(model, option):
    with pytest.raises(ValueError, match=next(iter(option))):
        model.Options(**option)
