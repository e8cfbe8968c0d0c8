"""`ganzoo.convolutions` against torch's own convolutions: results, gradients, gradients of gradients, and which of the two is at work."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d

from ganzoo import convolutions
from ganzoo.convolutions import DoublingConv, FromPoint, HalvingConv, ToPoint

LAYERS = {  # class, torch's function and arguments, side in
    "halving": (HalvingConv, conv2d, {"stride": 2, "padding": 1}, 8),
    "doubling": (DoublingConv, conv_transpose2d, {"stride": 2, "padding": 1}, 4),
    "from a point": (FromPoint, conv_transpose2d, {}, 1),
    "to a point": (ToPoint, conv2d, {}, 4),
}
CHANNELS = [(3, 16), (16, 3), (16, 24), (1, 8), (8, 1)]
NEAR = {torch.float64: 1e-12, torch.float32: 1e-5, torch.bfloat16: 2e-2}  # of the greatest entry


def made(kind: str, channels: tuple[int, int], *, bias: bool = True) -> tuple[nn.Module, Tensor]:
    torch.manual_seed(0)
    cls, _, _, side = LAYERS[kind]
    layer = cls(*channels, bias=bias).to(memory_format=torch.channels_last)
    return layer, torch.randn(6, channels[0], side, side).to(memory_format=torch.channels_last)


def plain(kind: str, layer: nn.Module, x: Tensor) -> Tensor:
    _, function, arguments, _ = LAYERS[kind]
    return function(x, layer.weight, layer.bias, **arguments)


def results(call, x: Tensor, layer: nn.Module, autocast: bool) -> list[Tensor]:
    """The output and the gradients of x, weight and bias."""
    x = x.clone(memory_format=torch.preserve_format).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        y = call(x)
    grad = torch.randn(y.shape, generator=torch.Generator().manual_seed(1)).to(y.dtype)
    return [y, *torch.autograd.grad(y, [x, *layer.parameters()], grad)]


@pytest.mark.parametrize("dtype", NEAR, ids=str)
@pytest.mark.parametrize("channels", CHANNELS, ids=str)
@pytest.mark.parametrize("kind", LAYERS)
def test_as_torch_has_it(kind, channels, dtype):
    layer, x = made(kind, channels)
    autocast = dtype == torch.bfloat16
    if not autocast:
        layer, x = layer.to(dtype), x.to(dtype)
    found = results(layer, x, layer, autocast)
    expected = results(lambda x: plain(kind, layer, x), x, layer, autocast)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == other.shape and one.dtype == other.dtype
        assert (one - other).abs().max() <= NEAR[dtype] * other.abs().max()


@pytest.mark.parametrize("channels", [(3, 8), (8, 3), (8, 6)], ids=str)
@pytest.mark.parametrize("kind", ["halving", "doubling"])
def test_gradients_can_be_differentiated_again(kind, channels):
    layer, x = made(kind, channels, bias=False)
    layer, x = layer.double(), x[:2].double().requires_grad_()
    y = layer(x)
    assert "_Convolution" in type(y.grad_fn).__name__
    (slope,) = torch.autograd.grad(y.square().sum(), x, create_graph=True)
    found = torch.autograd.grad(slope.square().sum(), [x, layer.weight])
    (slope,) = torch.autograd.grad(plain(kind, layer, x).square().sum(), x, create_graph=True)
    for one, other in zip(found, torch.autograd.grad(slope.square().sum(), [x, layer.weight]), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", ["halving", "doubling"])
def test_frozen_weights_cost_no_gradient(kind, monkeypatch):
    asked = []
    original = convolutions._gradients
    monkeypatch.setattr(convolutions, "_gradients", lambda *arguments: asked.append(tuple(arguments[-1])) or original(*arguments))
    layer, x = made(kind, (8, 16))
    layer.requires_grad_(False)
    layer(x.requires_grad_()).sum().backward()
    assert asked == [(True, False)] and layer.weight.grad is None and x.grad is not None


@pytest.mark.parametrize("kind", ["halving", "doubling"])
def test_channels_first_is_torch_s_own(kind):
    layer, x = made(kind, (8, 16))
    assert type(layer(x).grad_fn).__name__ != "ConvolutionBackward0"
    layer, x = layer.to(memory_format=torch.contiguous_format), x.contiguous()
    assert type(layer(x).grad_fn).__name__ == "ConvolutionBackward0"


@pytest.mark.parametrize("channels", [(3, 8), (8, 16)], ids=str)
def test_odd_sides_are_torch_s_own(channels):
    """Their doubled half is another size, and so would the gradient be."""
    layer, _ = made("halving", channels)
    x = torch.randn(2, channels[0], 7, 9).to(memory_format=torch.channels_last).requires_grad_()
    y = layer(x)
    y.square().sum().backward()
    (expected,) = torch.autograd.grad(plain("halving", layer, x).square().sum(), x)
    assert type(y.grad_fn).__name__ == "ConvolutionBackward0"
    torch.testing.assert_close(x.grad, expected)


def test_results_stay_channels_last():
    for kind in LAYERS:
        layer, x = made(kind, (8, 16))
        assert layer(x).is_contiguous(memory_format=torch.channels_last), kind


def test_small_maps_in_bfloat16_take_the_product(monkeypatch):
    """Where the windows fit; beyond, torch's convolution."""
    seen = []
    original = convolutions._by_windows
    monkeypatch.setattr(convolutions, "_by_windows", lambda x, y: seen.append(x.shape) or original(x, y))
    layer, x = made("halving", (8, 16))
    with torch.autocast("cpu", torch.bfloat16):
        layer(x).sum().backward()
    assert len(seen) == 1
    monkeypatch.setattr(convolutions, "WINDOWS_BYTES", 100)
    with torch.autocast("cpu", torch.bfloat16):
        layer(x).sum().backward()
    assert len(seen) == 1
