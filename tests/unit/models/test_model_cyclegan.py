"""`cyclegan`: layers, what they compute, sizes and first weights, as in *selfgan*'s author's code (HighCWu/SelfGAN, 0b3fbd4)."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, leaky_relu, pad

from ganzoo import models
from ganzoo.bench.counts import parameters
from ganzoo.convolutions import HalvingConv
from ganzoo.errors import SpecError
from ganzoo.models.cyclegan import ResidualBlock
from ganzoo.patch_layers import InstanceNorm

MODEL = models.get("cyclegan")
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def build(side: int | tuple[int, int] = 32, channels: int = 3, *, meta: bool = False, **options) -> tuple[nn.ModuleDict, nn.ModuleDict]:
    torch.manual_seed(0)
    height, width = (side, side) if isinstance(side, int) else side
    with torch.device("meta" if meta else "cpu"):
        return MODEL.build(MODEL.Options(**({} if meta else {"width": 4}) | options), 100, (channels, height, width))


def convolutions(net: nn.Module) -> list[nn.Module]:
    return [layer for layer in net.modules() if isinstance(layer, CONVOLUTIONS)]


def normed(x: Tensor) -> Tensor:
    return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()


def test_the_generators_at_128_are_the_authors():
    g, _ = build(128, meta=True)
    assert list(g) == ["ab", "ba"]
    after = [InstanceNorm, nn.ReLU]
    for net in g.values():
        assert [type(layer) for layer in net.layers] == (
            [nn.ReflectionPad2d, nn.Conv2d, *after] + [nn.Conv2d, *after] * 2 + [ResidualBlock] * 9
            + [nn.ConvTranspose2d, *after] * 2 + [nn.ReflectionPad2d, nn.Conv2d, nn.Tanh]
        )  # fmt: skip
        pad_and_convolve = [nn.ReflectionPad2d, nn.Conv2d, InstanceNorm]
        assert [type(layer) for layer in net.layers[10].branch] == [*pad_and_convolve, nn.ReLU, *pad_and_convolve]
        assert [(layer.in_channels, layer.out_channels, layer.kernel_size[0], layer.stride[0]) for layer in convolutions(net)] == [
            (3, 64, 7, 1), (64, 128, 3, 2), (128, 256, 3, 2), *[(256, 256, 3, 1)] * 18, (256, 128, 3, 2), (128, 64, 3, 2), (64, 3, 7, 1),
        ]  # fmt: skip
        assert all(layer.bias is not None for layer in convolutions(net))
        assert not any(layer.affine or layer.track_running_stats for layer in net.modules() if isinstance(layer, nn.InstanceNorm2d))
        assert not any(isinstance(layer, nn.Dropout) for layer in net.modules())


def test_the_discriminators_are_the_authors():
    """Biases everywhere, in the last convolution, too."""
    _, d = build(128, meta=True)
    assert list(d) == ["a", "b"]
    inner = [HalvingConv, InstanceNorm, nn.LeakyReLU]
    for net in d.values():
        assert [type(layer) for layer in net.layers] == [HalvingConv, nn.LeakyReLU] + inner * 3 + [nn.ZeroPad2d, nn.Conv2d]
        assert [(layer.in_channels, layer.out_channels) for layer in convolutions(net)] == [
            (3, 64), (64, 128), (128, 256), (256, 512), (512, 1),
        ]  # fmt: skip
        assert all(layer.bias is not None for layer in convolutions(net))
        assert {layer.negative_slope for layer in net.modules() if isinstance(layer, nn.LeakyReLU)} == {0.2}


def test_counts_are_those_printed_for_these_layouts():
    """11.378 M is what Zhu et al.'s code prints for its nine-block generator, 2.765 M for its discriminator."""
    g, d = build(128, meta=True)
    assert [parameters(net) for net in (*g.values(), *d.values())] == [11_378_179] * 2 + [2_764_737] * 2


@pytest.mark.parametrize("blocks", [0, 1, 6])
def test_a_block_costs_two_convolutions(blocks):
    g, _ = build(128, meta=True, blocks=blocks)
    assert parameters(g["ab"]) == 11_378_179 - (9 - blocks) * 2 * (9 * 256 * 256 + 256)


@pytest.mark.parametrize(("side", "patches"), [(32, (2, 2)), (36, (2, 2)), (60, (3, 3)), (64, (4, 4)), ((32, 44), (2, 2))])
def test_sides_and_patches(side, patches):
    g, d = build(side, channels=1, blocks=1)
    x = torch.rand(2, 1, *((side, side) if isinstance(side, int) else side))
    assert g["ab"](x).shape == g["ba"](x).shape == x.shape
    assert d["a"](x).shape == d["b"](x).shape == (2, 1, *patches)


def test_odd_maps_learn_the_same_in_channels_last():
    """At side 36, D's third convolution meets nine pixels; few channels there, the case that HalvingConv does otherwise."""
    _, d = build(36, width=1)
    seen = []
    for net, layout in ((d["a"].double(), torch.contiguous_format), (copy.deepcopy(d["a"]).double(), torch.channels_last)):
        net.to(memory_format=layout)
        x = torch.rand(2, 3, 36, 36, generator=torch.Generator().manual_seed(1)).double().to(memory_format=layout).requires_grad_()
        net(x).square().sum().backward()
        seen.append(x.grad)
    torch.testing.assert_close(*seen, rtol=1e-6, atol=1e-8)


def test_forward_is_that_of_a_plain_transcription():
    """In float64, at side 32 with two blocks; the other network of each pair has other weights."""
    g, d = (net.double() for net in build(32, blocks=2))
    x = torch.rand(2, 3, 32, 32).double() * 2 - 1
    outputs = []
    for net in g.values():
        w = [(layer.weight.detach(), layer.bias.detach()) for layer in convolutions(net)]
        y = normed(conv2d(pad(x, (3,) * 4, "reflect"), *w[0])).relu()
        for i in (1, 2):
            y = normed(conv2d(y, *w[i], stride=2, padding=1)).relu()
        for i in (3, 5):
            z = normed(conv2d(pad(y, (1,) * 4, "reflect"), *w[i])).relu()
            y = y + normed(conv2d(pad(z, (1,) * 4, "reflect"), *w[i + 1]))
        for i in (7, 8):
            y = normed(conv_transpose2d(y, *w[i], stride=2, padding=1, output_padding=1)).relu()
        outputs.append(conv2d(pad(y, (3,) * 4, "reflect"), *w[9]).tanh())
        torch.testing.assert_close(net(x), outputs[-1], rtol=1e-9, atol=1e-9)
    for net in d.values():
        w = [(layer.weight.detach(), layer.bias.detach()) for layer in convolutions(net)]
        y = leaky_relu(conv2d(x, *w[0], stride=2, padding=1), 0.2)
        for i in (1, 2, 3):
            y = leaky_relu(normed(conv2d(y, *w[i], stride=2, padding=1)), 0.2)
        outputs.append(conv2d(pad(y, (1, 0, 1, 0)), *w[4], padding=1))
        torch.testing.assert_close(net(x), outputs[-1], rtol=1e-9, atol=1e-9)
    assert not torch.equal(*outputs[:2]) and not torch.equal(*outputs[2:])


def test_first_weights():
    """N(0, 0.02²) within four standard errors; biases as torch draws them, not zero."""
    for net in build(32, width=16, blocks=2):
        for layer in convolutions(net):
            error = 0.02 / math.sqrt(layer.weight.numel())
            assert abs(layer.weight.mean().item()) < 4 * error
            assert abs(layer.weight.std().item() - 0.02) < 4 * error / math.sqrt(2)
            assert 0 < layer.bias.abs().max() <= 1 / math.sqrt(layer.weight[0].numel())


def test_other_options():
    g, d = build(32, width_d=6, slope=0.3, blocks=0, patch=70)
    assert [layer.out_channels for layer in convolutions(d["b"])] == [6, 12, 24, 48, 1]
    assert [layer.stride[0] for layer in convolutions(d["b"])] == [2, 2, 2, 1, 1]
    assert {layer.negative_slope for layer in d.modules() if isinstance(layer, nn.LeakyReLU)} == {0.3}
    assert convolutions(g["ab"])[0].out_channels == 4 and not any(isinstance(layer, ResidualBlock) for layer in g.modules())


@pytest.mark.parametrize(("side", "remedy"), [(28, 32), (30, 32), (50, 48), ((64, 70), 64), (129, 128)])
def test_other_sides_are_refused(side, remedy):
    height, width = (side, side) if isinstance(side, int) else side
    with pytest.raises(
        SpecError, match=rf"'cyclegan'.*multiples of 4 from 32 up, not {height}x{width}\. Set data\.resize.* say {remedy}\."
    ):
        build(side)
    build(remedy, blocks=0)


@pytest.mark.parametrize("option", [{"width": 0}, {"blocks": -1}, {"blocks": 1.0}, {"patch": 80}, {"slope": -0.1}], ids=str)
def test_values_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        MODEL.Options(**option)
