"""`dcgan`: layers, widths, sizes and first weights, as Radford et al. and iyengar's code have them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from ganzoo import models
from ganzoo.bench.counts import parameters
from ganzoo.convolutions import DoublingConv, FromPoint, HalvingConv, ToPoint
from ganzoo.errors import UserError

DCGAN = models.get("dcgan")
LATENT = 100
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)

# side → output channels of G's and D's convolutions at the authors' widths, for colour images (gan_mine 3693ba3, model/dcgan.py)
AUTHORS = {
    32: ([128, 64, 32, 3], [32, 64, 128, 1]),
    64: ([512, 256, 128, 64, 3], [64, 128, 256, 512, 1]),
    128: ([1024, 512, 256, 128, 64, 3], [128, 256, 512, 1024, 2048, 1]),
    256: ([4096, 2048, 1024, 512, 256, 128, 3], [256, 512, 1024, 2048, 4096, 8192, 1]),
}


def build(side: int, channels: int = 3, *, meta: bool = False, **options) -> tuple[nn.Module, nn.Module]:
    """`meta`: shapes alone, without the gigabyte of weights."""
    torch.manual_seed(0)
    with torch.device("meta" if meta else "cpu"):
        return DCGAN.build(DCGAN.Options(**options), LATENT, (channels, side, side))


def convolutions(net: nn.Module) -> list[nn.Module]:
    return [layer for layer in net.layers if isinstance(layer, CONVOLUTIONS)]


def count(widths: list[int], first: int, unnormalised: int) -> int:
    """Parameters by the formula: 16 a pair of channels, and 2 a channel for batch norm, of which `unnormalised` channels have none."""
    return sum(16 * a * b for a, b in zip([first, *widths[:-1]], widths, strict=True)) + 2 * (sum(widths) - unnormalised)


@pytest.mark.parametrize("side", AUTHORS)
def test_widths_and_counts_are_the_authors(side):
    widths_g, widths_d = AUTHORS[side]
    g, d = build(side, meta=True, spectral_norm="both")
    assert [layer.out_channels for layer in convolutions(g)] == widths_g
    assert [layer.out_channels for layer in convolutions(d)] == widths_d
    assert parameters(g) == count(widths_g, LATENT, 3)
    assert parameters(d) == count(widths_d, 3, widths_d[0] + 1)


def test_counts_at_64_are_those_of_a_known_dcgan():
    """The numbers that are printed for this layout wherever it is used."""
    g, d = build(64)
    assert (parameters(g), parameters(d)) == (3_576_704, 2_765_568)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [32, 64, 128])
def test_sides_and_channels(side, channels):
    g, d = build(side, channels, width_g=2, width_d=3)
    fakes = g(torch.randn(2, LATENT))
    assert fakes.shape == (2, channels, side, side) and d(fakes).shape == (2,)
    assert [layer.out_channels for layer in convolutions(g)] == [2 << i for i in range(len(AUTHORS[side][0]) - 1)][::-1] + [channels]
    assert [layer.out_channels for layer in convolutions(d)] == [3 << i for i in range(len(AUTHORS[side][1]) - 1)] + [1]


def test_side_256():
    g, d = build(256, width_g=1, width_d=1)
    fakes = g(torch.randn(2, LATENT))
    assert fakes.shape == (2, 3, 256, 256) and d(fakes).shape == (2,)


def test_batch_norm_and_activations_stand_as_in_radford():
    """§3: batch norm in all layers but G's output and D's input (and its output, a single number); ReLU, tanh; LeakyReLU 0.2."""
    g, d = build(64)
    block = [nn.BatchNorm2d, nn.ReLU, DoublingConv]
    assert [type(layer) for layer in g.layers] == [FromPoint] + block * 4 + [nn.Tanh]
    inner = [HalvingConv, nn.BatchNorm2d, nn.LeakyReLU]
    assert [type(layer) for layer in d.layers] == [HalvingConv, nn.LeakyReLU] + inner * 3 + [ToPoint]
    assert {layer.negative_slope for layer in d.layers if isinstance(layer, nn.LeakyReLU)} == {0.2}
    assert all(layer.bias is None and layer.kernel_size == (4, 4) for net in (g, d) for layer in convolutions(net))
    assert [layer.stride for layer in convolutions(g)] == [(1, 1)] + [(2, 2)] * 4
    assert [layer.stride for layer in convolutions(d)] == [(2, 2)] * 4 + [(1, 1)]


@pytest.mark.parametrize(("where", "kind"), [("inner", nn.Dropout), ("every", nn.Dropout2d)])
def test_dropout_stands_in_each_block_between_batch_norm_and_activation(where, kind):
    """All convolutions but the first and last, under both readings: what is dropped differs."""
    g, d = build(32, dropout_where=where, dropout_d=0.3)
    inner = [HalvingConv, nn.BatchNorm2d, kind, nn.LeakyReLU]
    assert [type(layer) for layer in d.layers] == [HalvingConv, nn.LeakyReLU] + inner * 2 + [ToPoint]
    assert [layer.p for layer in d.layers if isinstance(layer, kind)] == [0.3, 0.3]
    assert not any(isinstance(layer, (nn.Dropout, nn.Dropout2d)) for layer in g.modules())


def test_what_dropout_does_not_switch_on_its_rate_does_not_either():
    _, d = build(32, dropout_d=0.9)
    assert not any(isinstance(layer, (nn.Dropout, nn.Dropout2d)) for layer in d.modules())


@pytest.mark.parametrize("spectral_norm", ["none", "both"])
def test_first_weights(spectral_norm):
    """N(0, 0.02²), and N(1, 0.02²) and 0 for batch norm, within four standard errors; with spectral norm on: of W, not W/σ."""
    for net in build(64, spectral_norm=spectral_norm):
        weights = [value for key, value in net.named_parameters() if value.dim() == 4]
        assert len(weights) == 5
        for weight in weights:
            error = 0.02 / math.sqrt(weight.numel())
            assert abs(weight.mean().item()) < 4 * error
            assert abs(weight.std().item() - 0.02) < 4 * error / math.sqrt(2)
        norms = [layer for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)]
        scales = torch.cat([layer.weight for layer in norms]).detach()
        error = 0.02 / math.sqrt(len(scales))
        assert abs(scales.mean().item() - 1) < 4 * error and abs(scales.std().item() - 0.02) < 4 * error / math.sqrt(2)
        assert all(layer.bias.count_nonzero() == 0 for layer in norms)


def test_the_other_laws_leave_batch_norm_alone():
    for net in build(32, init="glorot-uniform"):
        assert all(torch.equal(m.weight, torch.ones_like(m.weight)) for m in net.modules() if isinstance(m, nn.BatchNorm2d))
        for layer in convolutions(net):
            bound = math.sqrt(6 / ((layer.in_channels + layer.out_channels) * 16))
            assert 0.95 * bound < layer.weight.abs().max() <= bound


@pytest.mark.parametrize("image", [(1, 28, 28), (3, 48, 48), (3, 16, 16), (3, 96, 96), (3, 64, 32)], ids=str)
def test_other_sizes_are_refused_with_the_valid_ones(image):
    with pytest.raises(UserError) as caught:
        DCGAN.build(DCGAN.Options(), LATENT, image)
    message = str(caught.value)
    assert f"{image[1]}x{image[2]}" in message and "32, 64, 128, 256 and so on" in message and "data.resize: 32" in message


@pytest.mark.parametrize(
    "option",
    [{"width_g": 0}, {"width_d": -1}, {"width_d": 8.0}, {"spectral_norm": "all"}, {"dropout_where": "outer"}, {"dropout_d": 1.0}],
    ids=str,
)
def test_values_out_of_range_are_refused(option):
    with pytest.raises(ValueError, match=next(iter(option))):
        DCGAN.Options(**option)
