"""`pix2pix`: layers, what they compute, sizes and first weights, as in *selfgan*'s author's code (HighCWu/SelfGAN, 0b3fbd4)."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, interpolate, leaky_relu, pad

from ganzoo import models
from ganzoo.bench.counts import parameters
from ganzoo.convolutions import DoublingConv, HalvingConv
from ganzoo.errors import SpecError
from ganzoo.models.pix2pix import NearestThenPaddedConv
from ganzoo.patch_layers import InstanceNorm

MODEL = models.get("pix2pix")
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def build(side: int | tuple[int, int] = 32, channels: int = 3, *, meta: bool = False, **options) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    height, width = (side, side) if isinstance(side, int) else side
    with torch.device("meta" if meta else "cpu"):
        return MODEL.build(MODEL.Options(**({} if meta else {"width": 4}) | options), 100, (channels, height, width))


def convolutions(net: nn.Module) -> list[nn.Module]:
    return [layer for layer in net.modules() if isinstance(layer, CONVOLUTIONS)]


def kinds(blocks: nn.ModuleList) -> list[list[type]]:
    return [[type(layer) for layer in block] for block in blocks]


def normed(x: Tensor) -> Tensor:
    return (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()


def test_the_unet_at_256_is_the_authors():
    g, _ = build(256, meta=True)
    first = [HalvingConv, nn.LeakyReLU]
    inner, last = [HalvingConv, InstanceNorm, nn.LeakyReLU], [HalvingConv, nn.LeakyReLU, nn.Dropout]
    assert kinds(g.down) == [first] + [inner] * 2 + [[*inner, nn.Dropout]] * 4 + [last]
    block = [DoublingConv, InstanceNorm, nn.ReLU]
    assert kinds(g.up) == [[*block, nn.Dropout]] * 4 + [block] * 3
    assert kinds([g.last]) == [[NearestThenPaddedConv, nn.Tanh]]
    assert [(block[0].in_channels, block[0].out_channels) for block in g.down] == [
        (3, 64), (64, 128), (128, 256), (256, 512), (512, 512), (512, 512), (512, 512), (512, 512),
    ]  # fmt: skip
    assert [(block[0].in_channels, block[0].out_channels) for block in g.up] == [
        (512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64),
    ]  # fmt: skip
    assert all(layer.bias is None for blocks in (g.down, g.up) for layer in convolutions(blocks)) and g.last[0].bias is not None
    assert {layer.p for layer in g.modules() if isinstance(layer, nn.Dropout)} == {0.5}
    assert {layer.negative_slope for layer in g.modules() if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert not any(layer.affine or layer.track_running_stats for layer in g.modules() if isinstance(layer, nn.InstanceNorm2d))


def test_the_discriminator_is_the_authors():
    """Biases in front of instance norm, but none in the last convolution."""
    _, d = build(256, meta=True)
    inner = [HalvingConv, InstanceNorm, nn.LeakyReLU]
    assert [type(layer) for layer in d.layers] == [HalvingConv, nn.LeakyReLU] + inner * 3 + [nn.ZeroPad2d, nn.Conv2d]
    assert [(layer.in_channels, layer.out_channels, layer.stride, layer.bias is not None) for layer in convolutions(d)] == [
        (6, 64, (2, 2), True), (64, 128, (2, 2), True), (128, 256, (2, 2), True), (256, 512, (2, 2), True), (512, 1, (1, 1), False),
    ]  # fmt: skip
    assert d.layers[-2].padding == (1, 0, 1, 0) and d.layers[-1].padding == (1, 1)


def test_counts_at_256_by_the_formula():
    g, d = build(256, meta=True)
    pairs = [(3, 1), (1, 2), (2, 4), (4, 8), *[(8, 8)] * 4, (8, 8), *[(16, 8)] * 3, (16, 4), (8, 2), (4, 1)]
    assert parameters(g) == 16 * (sum(a * b * 64 * 64 for a, b in pairs[1:]) + 3 * 64 + 128 * 3) + 3
    assert parameters(d) == 16 * (6 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512) + 64 + 128 + 256 + 512


@pytest.mark.parametrize(("side", "patches"), [(32, (2, 2)), (64, (4, 4)), (128, (8, 8)), ((32, 64), (2, 4))])
def test_sides_and_patches(side, patches):
    g, d = build(side, channels=1)
    source = torch.rand(2, 1, *((side, side) if isinstance(side, int) else side))
    made = g(source)
    assert made.shape == source.shape and d(made, source).shape == (2, 1, *patches)
    sides = []
    g.down[-1].register_forward_hook(lambda module, arguments, out: sides.append(out.shape[2:]))
    g(source)
    assert min(sides[0]) == 1


def test_the_patches_of_the_paper():
    """The 70×70 discriminator gives 30×30 outputs at 256 (Isola et al. 2017's code); with the same weights in number."""
    (_, d), (_, other) = (build(256, patch=patch) for patch in (70, 94))
    x = torch.rand(1, 3, 256, 256)
    assert d(x, x).shape == (1, 1, 30, 30) and other(x, x).shape == (1, 1, 16, 16)
    assert parameters(d) == parameters(other)


@pytest.mark.parametrize("patch", [94, 70])
def test_an_output_sees_a_patch_of_that_side(patch):
    """The gradient of one output inside, without instance norm, which sees the whole map."""
    _, d = build(256, channels=1, width=1, patch=patch)
    for index, layer in enumerate(d.layers):
        if isinstance(layer, InstanceNorm):
            d.layers[index] = nn.Identity()
    x = torch.rand(1, 1, 256, 256, requires_grad=True)
    out = d(x, torch.rand(1, 1, 256, 256))
    out[0, 0, out.shape[2] // 2, out.shape[3] // 2].backward()
    rows, columns = x.grad[0, 0].nonzero().unbind(1)
    assert (rows.max() - rows.min() + 1, columns.max() - columns.min() + 1) == (patch, patch)


def test_forward_is_that_of_a_plain_transcription():
    """In eval mode, in float64, at side 32: five halvings, four doublings with what stands beside, nearest upsampling and padding."""
    g, d = (net.double().eval() for net in build(32))
    w = {
        key: value.detach()
        for net, label in ((g, "g"), (d, "d"))
        for key, value in ((f"{label}.{k}", v) for k, v in net.named_parameters())
    }
    x, other = torch.rand(2, 2, 3, 32, 32).double().mul(2).sub(1)

    y, kept = x, []
    for i in range(5):
        y = conv2d(y, w[f"g.down.{i}.0.weight"], stride=2, padding=1)
        y = leaky_relu(normed(y) if 0 < i < 4 else y, 0.2)
        kept.append(y)
    assert y.shape == (2, 32, 1, 1)
    for i in range(4):
        y = normed(conv_transpose2d(y, w[f"g.up.{i}.0.weight"], stride=2, padding=1)).relu()
        y = torch.cat((y, kept[3 - i]), 1)
    y = pad(interpolate(y, scale_factor=2, mode="nearest"), (1, 0, 1, 0))
    y = conv2d(y, w["g.last.0.weight"], w["g.last.0.bias"], padding=1).tanh()
    torch.testing.assert_close(g(x), y, rtol=1e-9, atol=1e-9)

    v = torch.cat((other, x), 1)
    for i, layer in enumerate((0, 2, 5, 8)):
        v = conv2d(v, w[f"d.layers.{layer}.weight"], w[f"d.layers.{layer}.bias"], stride=2, padding=1)
        v = leaky_relu(normed(v) if i else v, 0.2)
    v = conv2d(pad(v, (1, 0, 1, 0)), w["d.layers.12.weight"], padding=1)
    torch.testing.assert_close(d(other, x), v, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_upsampling_padding_and_convolving_at_once(layout):
    torch.manual_seed(0)
    layer = NearestThenPaddedConv(5, 2).double()
    x = torch.randn(3, 5, 4, 6).double().to(memory_format=layout).requires_grad_()
    seen = []
    for out in (layer(x), conv2d(pad(interpolate(x, scale_factor=2), (1, 0, 1, 0)), layer.weight, layer.bias, padding=1)):
        seen.append((out, *torch.autograd.grad(out.square().sum(), (x, layer.weight, layer.bias))))
    for found, expected in zip(*seen, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("count", [1, 3])
def test_instance_norm_is_torchs(layout, count):
    torch.manual_seed(0)
    x = (torch.randn(count, 6, 5, 7) * 3 + 1).double().to(memory_format=layout).requires_grad_()
    ours, theirs = InstanceNorm(6), nn.InstanceNorm2d(6)
    found, expected = ours(x), theirs(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    assert found.is_contiguous(memory_format=layout)
    grads = [torch.autograd.grad(out.pow(3).sum(), x)[0] for out in (found, expected)]
    torch.testing.assert_close(*grads, rtol=1e-8, atol=1e-8)
    assert torch.equal(ours.eval()(x), found), "there are no running statistics"


def test_first_weights():
    """N(0, 0.02²) within four standard errors; biases as torch draws them, U(-1/√fan_in, 1/√fan_in), not zero."""
    for net in build(32, width=16):
        for layer in convolutions(net):
            error = 0.02 / math.sqrt(layer.weight.numel())
            assert abs(layer.weight.mean().item()) < 4 * error
            assert abs(layer.weight.std().item() - 0.02) < 4 * error / math.sqrt(2)
            if layer.bias is not None:
                bound = 1 / math.sqrt(layer.weight[0].numel())
                assert 0 < layer.bias.abs().max() <= bound and layer.bias.abs().mean() > bound / 4


def test_other_laws_of_first_weights_are_the_usual_ones():
    g, _ = build(init="glorot-uniform")
    assert g.last[0].bias.count_nonzero() == 0 and g.down[0][0].weight.std() > 0.05


def test_where_dropout_stands():
    """By channels: where there are 8·width. The paper: decoder only, three layers at side 256."""

    def dropping(net: nn.Module) -> tuple[list[int], list[int]]:
        blocks = ([any(isinstance(layer, nn.Dropout) for layer in block) for block in blocks] for blocks in (net.down, net.up))
        return tuple([i for i, drops in enumerate(found) if drops] for found in blocks)

    assert dropping(build(256)[0]) == ([3, 4, 5, 6, 7], [0, 1, 2, 3])
    assert dropping(build(256, dropout_where="decoder")[0]) == ([], [0, 1, 2])
    assert dropping(build(256, dropout=0.0)[0]) == ([], [])
    assert dropping(build(32)[0]) == ([3, 4], [0])
    assert not any(isinstance(layer, nn.Dropout) for layer in build(32)[1].modules())


def test_other_options():
    g, d = build(32, slope=0.3, width_d=6, last="transposed")
    assert [layer.out_channels for layer in convolutions(d)] == [6, 12, 24, 48, 1] and g.down[0][0].out_channels == 4
    assert {layer.negative_slope for net in (g, d) for layer in net.modules() if isinstance(layer, nn.LeakyReLU)} == {0.3}
    assert isinstance(g.last[0], DoublingConv) and g.last[0].bias is not None and g.last[0].in_channels == 8


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_shallow_unet(depth):
    """Its last halving leaves more than one pixel, and is without instance norm all the same."""
    g, _ = build(32, depth=depth)
    seen = []
    g.down[-1].register_forward_hook(lambda module, arguments, out: seen.append(out.shape[2:]))
    assert g(torch.rand(1, 3, 32, 32)).shape == (1, 3, 32, 32)
    assert len(g.down) == depth and seen == [(32 >> depth,) * 2]
    assert not any(isinstance(layer, InstanceNorm) for layer in g.down[-1])


@pytest.mark.parametrize("side", [16, 28, 96, (64, 100)])
def test_other_sides_are_refused(side):
    height, width = (side, side) if isinstance(side, int) else side
    with pytest.raises(SpecError, match=rf"'pix2pix'.*powers of two from 32 up.*not {height}x{width}\. Set data\.resize"):
        build(side)


def test_a_depth_beyond_one_pixel_is_refused():
    with pytest.raises(SpecError) as caught:
        build(64, depth=7)
    message = str(caught.value)
    assert "model.depth is 7" in message and "64x64" in message and "expected 2 to 6" in message and "data.resize to 128" in message


@pytest.mark.parametrize(
    "option", [{"width": 0}, {"depth": 1}, {"dropout": 1.0}, {"patch": 80}, {"slope": -0.1}, {"dropout_where": "encoder"}], ids=str
)
def test_values_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        MODEL.Options(**option)
