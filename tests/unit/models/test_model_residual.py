"""`residual-dcgan`: where blocks, biases and activations stand, what a block computes, sizes, and what it shares with `dcgan`."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from ganzoo import models
from ganzoo.bench.counts import parameters
from ganzoo.convolutions import DoublingConv, FromPoint, HalvingConv, ToPoint
from ganzoo.errors import SpecError
from ganzoo.models import residual
from ganzoo.models.residual import ResidualBlock, SqueezeExcitation
from ganzoo.tensor_digest import digest_tensors

MODEL = models.get("residual-dcgan")
FIRST_TRY = {"bias": False, "activation": "relu", "output": "linear"}
LATENT = 10


def build(side: int = 32, **options) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return MODEL.build(MODEL.Options(**{"width_g": 16, "width_d": 4, **options}), LATENT, (3, side, side))


@pytest.mark.parametrize("side", [32, 64])
def test_without_blocks_it_is_dcgan(side):
    """Names, weights, what is drawn next, and what they make of the same z."""
    seen = []
    for name, options in (("residual-dcgan", {"blocks": 0, "bias": False, "activation": "relu", "output": "tanh"}), ("dcgan", {})):
        cls = models.get(name)
        torch.manual_seed(3)
        g, d = cls.build(cls.Options(**options), 100, (3, side, side))
        fakes = g(torch.randn(4, 100))
        seen.append([digest_tensors(state) for state in (g.state_dict(), d.state_dict(), {"x": fakes, "logits": d(fakes)})])
    assert seen[0] == seen[1]


def test_blocks_stand_before_the_output_layer():
    g, _ = build(blocks=3)
    inner = [nn.BatchNorm2d, nn.LeakyReLU]
    assert [type(layer) for layer in g.layers] == [FromPoint, *inner] + [DoublingConv, *inner] * 2 + [ResidualBlock] * 3 + [
        DoublingConv,
        nn.Tanh,
    ]
    seen = []
    g.layers[9].register_forward_hook(lambda module, arguments, out: seen.extend((arguments[0].shape, out.shape)))
    g(torch.randn(2, LATENT))
    assert seen == [(2, 16, 16, 16)] * 2


@pytest.mark.parametrize("se", [False, True])
def test_a_block_is_that_of_srgan_with_squeeze_and_excitation(se):
    """Against the formula, written with numpy around the convolutions, in float64."""
    torch.manual_seed(0)
    block = ResidualBlock(8, "leaky-relu", 0.2, SqueezeExcitation(8, 2) if se else None).double().eval()
    with torch.no_grad():
        for tensor in block.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.1 if tensor.dim() == 1 else torch.randn_like(tensor))

    def norm(y: np.ndarray, layer: nn.BatchNorm2d) -> np.ndarray:
        scale, shift, mean, var = (
            t.detach().numpy()[:, None, None] for t in (layer.weight, layer.bias, layer.running_mean, layer.running_var)
        )
        return (y - mean) / np.sqrt(var + 1e-5) * scale + shift

    def convolve(y: np.ndarray, layer: nn.Conv2d) -> np.ndarray:
        padded = np.pad(y, ((0, 0), (0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
        return np.einsum("nchwij,bcij->nbhw", windows, layer.weight.detach().numpy())

    x = torch.randn(2, 8, 5, 5).double()
    y = norm(convolve(x.numpy(), block.branch[0]), block.branch[1])
    y = norm(convolve(np.where(y > 0, y, 0.2 * y), block.branch[3]), block.branch[4])
    if se:
        hidden = np.maximum(y.mean((2, 3)) @ block.se.squeeze.weight.detach().numpy().T, 0)
        weights = 1 / (1 + np.exp(-hidden @ block.se.excite.weight.detach().numpy().T))
        assert weights.shape == (2, 8) and hidden.shape == (2, 4) and weights.std() > 0.01
        y = y * weights[:, :, None, None]
    np.testing.assert_allclose(block(x).detach().numpy(), x.numpy() + y, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("se", [False, True])
def test_a_block_whose_last_batch_norm_is_zero_hands_on_its_input(se):
    g, _ = build(blocks=2, se=se)
    blocks = [layer for layer in g.layers if isinstance(layer, ResidualBlock)]
    x = torch.randn(4, 16, 16, 16)
    assert not torch.equal(blocks[0](x), x)
    for block in blocks:
        nn.init.zeros_(block.branch[4].weight)
    assert torch.equal(nn.Sequential(*blocks)(x), x)


@pytest.mark.parametrize("se", [False, True])
def test_a_block_changes_no_input_and_gradients_pass_it(se):
    torch.manual_seed(0)
    block = ResidualBlock(8, "relu", 0.2, SqueezeExcitation(8, 4) if se else None)
    x = torch.randn(4, 8, 5, 5, requires_grad=True)
    before = x.detach().clone()
    block(x).square().sum().backward()
    assert torch.equal(x.detach(), before) and x.grad.abs().sum() > 0
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in block.parameters())


@pytest.mark.parametrize("se", [False, True])
def test_bias_switches_those_of_the_down_and_upsampling_layers(se):
    for bias in (False, True):
        g, d = build(blocks=2, se=se, bias=bias)
        for net in (g, d):
            inside = {layer for block in net.modules() if isinstance(block, ResidualBlock) for layer in block.modules()}
            for layer in net.modules():
                if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
                    assert (layer.bias is not None) == (bias and layer not in inside), layer
        assert sum(isinstance(layer, nn.Linear) for layer in g.modules()) == (4 if se else 0)


def test_activation_and_output_are_those_of_g():
    g, d = build(blocks=1, **FIRST_TRY)
    assert not any(isinstance(layer, (nn.LeakyReLU, nn.Tanh)) for layer in g.modules())
    assert {type(layer) for layer in d.layers} == {HalvingConv, ToPoint, nn.BatchNorm2d, nn.LeakyReLU}
    assert g(torch.randn(4, LATENT) * 1e3).abs().max() > 0
    g, d = build(blocks=1, slope=0.3)
    assert not any(isinstance(layer, nn.ReLU) for layer in g.modules()) and isinstance(g.layers[-1], nn.Tanh)
    assert {m.negative_slope for net in (g, d) for m in net.modules() if isinstance(m, nn.LeakyReLU)} == {0.3}


def test_linear_output_is_what_tanh_would_bound():
    linear, bounded = (build(blocks=1, output=output)[0].eval() for output in ("linear", "tanh"))
    z = torch.randn(4, LATENT)
    assert torch.equal(linear(z).tanh(), bounded(z))


def test_declared_counts_by_blocks():
    """At 64x64, colour, 100 latents: the docstring's numbers."""
    declared = re.search(r"By `blocks`, there: (.*)\.", residual.__doc__).group(1)
    found = {int(blocks): int(count.replace(",", "")) for blocks, count in re.findall(r"(\d): G ([\d,]+)", declared)}
    assert sorted(found) == [0, 1, 2, 4]
    for blocks, count in found.items():
        with torch.device("meta"):
            g, _ = MODEL.build(MODEL.Options(blocks=blocks), 100, (3, 64, 64))
        assert parameters(g) == count


def test_a_block_costs_its_convolutions_batch_norms_and_dense_layers():
    one, two = (parameters(build(blocks=blocks, se_reduction=3)[0]) for blocks in (1, 2))
    assert two - one == 2 * 9 * 16 * 16 + 4 * 16 + 2 * 16 * 5  # 16 // 3 hidden units


def test_a_reduction_to_nothing_is_refused():
    with pytest.raises(SpecError) as caught:
        build(width_g=8)
    message = str(caught.value)
    assert "se_reduction is 16" in message and "8 channels" in message and "at most 8" in message and "model.se: false" in message
    build(width_g=8, se_reduction=8), build(width_g=8, se=False), build(width_g=8, blocks=0)


def test_other_sizes_are_refused_by_its_own_name():
    with pytest.raises(SpecError, match=r"'residual-dcgan'.*32, 64, 128, 256 and so on, not 28x28"):
        MODEL.build(MODEL.Options(), LATENT, (1, 28, 28))


@pytest.mark.parametrize(
    "option", [{"blocks": -1}, {"blocks": 1.0}, {"se_reduction": 0}, {"bias": 1}, {"activation": "prelu"}, {"output": "sigmoid"}], ids=str
)
def test_values_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        MODEL.Options(**option)
