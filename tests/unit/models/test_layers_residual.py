"""Residual blocks, against the plain computation written out: no merged kernels, nothing commuted."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, batch_norm, conv2d, interpolate

from ganzoo.layers import (
    ClassBatchNorm,
    ConditionalBatchNorm,
    ConvThenAverage,
    DownBlock,
    NearestThenConv,
    UpBlock,
    normalise_spectrally,
)

EXACT = {"rtol": 1e-9, "atol": 1e-9}
normalised = pytest.mark.parametrize("spectral", [False, True], ids=["plain", "spectral"])
layouts = pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["nchw", "nhwc"])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def held(block: nn.Module, spectral: bool) -> nn.Module:
    """In float64, under spectral norm if asked, with weights that reading does not move."""
    block = block.double()
    if spectral:
        normalise_spectrally(block)
        for layer in block.modules():
            if hasattr(layer, "parametrizations"):
                layer.parametrizations.eval()
    return block


def applied(layer: nn.Conv2d, x: Tensor) -> Tensor:
    return conv2d(x, layer.weight, layer.bias, padding=layer.weight.shape[2] // 2)


def relu(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, torch.zeros_like(x))


def up(block: UpBlock, x: Tensor, norms: list) -> Tensor:
    y = applied(block.conv0, interpolate(relu(norms[0](x)), scale_factor=2, mode="nearest"))
    y = applied(block.conv1, relu(norms[1](y)))
    return y + applied(block.shortcut, interpolate(x, scale_factor=2, mode="nearest"))


def down(block: DownBlock, x: Tensor, *, first: bool, halved: bool, relu_shortcut: bool, learned: bool) -> Tensor:
    def pooled(y: Tensor) -> Tensor:
        return avg_pool2d(y, 2) if halved else y

    x = relu(x) if relu_shortcut else x
    y = pooled(applied(block.conv1, relu(applied(block.conv0, x if first or relu_shortcut else relu(x)))))
    if not learned:
        return y + x
    return y + (applied(block.shortcut, pooled(x)) if first else pooled(applied(block.shortcut, x)))


def alike(block: nn.Module, found: Tensor, expected: Tensor, x: Tensor) -> None:
    """Values and all gradients."""
    torch.testing.assert_close(found, expected, **EXACT)
    direction, asked = torch.randn_like(found), [x, *block.parameters()]
    gradients = [torch.autograd.grad((out * direction).sum(), asked) for out in (found, expected)]
    assert all(g.abs().max() > 0 for g in gradients[0] if g.numel() > 6), "nothing is cut off"
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, **EXACT)


def plainly(x: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    """Batch norm in training mode; gain and shift (C,) or (N, C)."""
    normed = batch_norm(x, None, None, training=True)
    return normed * gain.reshape(-1, x.shape[1], 1, 1) + shift.reshape(-1, x.shape[1], 1, 1)


@normalised
@layouts
def test_up_with_batch_norm(spectral, layout):
    block = held(UpBlock(4, 6), spectral).to(memory_format=layout)
    for norm in (block.norm0, block.norm1):
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    x = torch.randn(3, 4, 5, 5, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    norms = [partial(plainly, gain=norm.weight, shift=norm.bias) for norm in (block.norm0, block.norm1)]
    found = block(x)
    assert found.shape == (3, 6, 10, 10)
    alike(block, found, up(block, x, norms), x)


def test_up_with_a_condition():
    block = held(UpBlock(4, 6, lambda channels: ConditionalBatchNorm(channels, 5)), False)
    x, c = torch.randn(3, 4, 5, 5, dtype=torch.float64, requires_grad=True), torch.randn(3, 5, dtype=torch.float64)
    norms = [partial(plainly, gain=1 + c @ n.gain.weight.T, shift=c @ n.shift.weight.T) for n in (block.norm0, block.norm1)]
    alike(block, block(x, c), up(block, x, norms), x)
    assert torch.equal(block(x, condition=c), block(x, c))


def test_up_with_labels():
    block = held(UpBlock(4, 6, partial(ClassBatchNorm, num_classes=2)), False)
    for norm in (block.norm0, block.norm1):
        nn.init.normal_(norm.gain.weight)
        nn.init.normal_(norm.shift.weight)
    x, labels = torch.randn(3, 4, 5, 5, dtype=torch.float64, requires_grad=True), torch.tensor([1, 0, 1])
    norms = [partial(plainly, gain=n.gain.weight[labels], shift=n.shift.weight[labels]) for n in (block.norm0, block.norm1)]
    alike(block, block(x, labels), up(block, x, norms), x)


def test_a_condition_is_for_conditional_norms_alone():
    block, x = UpBlock(4, 6), torch.randn(3, 4, 5, 5)
    assert torch.equal(block(x, torch.randn(3, 7)), block(x))


def test_up_without_norm_leaves_the_shortcut_alone():
    block, x = held(UpBlock(4, 6, lambda channels: nn.Identity()), False), torch.randn(3, 4, 5, 5, dtype=torch.float64)
    before = x.clone()
    x.requires_grad_()
    alike(block, block(x), up(block, x, [lambda y: y] * 2), x)
    assert torch.equal(x.detach(), before)


@normalised
@layouts
@pytest.mark.parametrize(
    ("a", "b", "options", "learned"),
    [
        (4, 6, {}, True),
        (5, 5, {}, True),
        (3, 6, {"first": True}, True),
        (5, 5, {"down": False}, False),
        (4, 6, {"down": False}, True),
        (4, 6, {"relu_shortcut": True}, True),
        (5, 5, {"relu_shortcut": True, "down": False}, False),
    ],
    ids=["down", "equal widths", "first", "level", "level, wider", "relu shortcut", "relu shortcut, level"],
)
def test_down(a, b, options, learned, spectral, layout):
    block = held(DownBlock(a, b, **options), spectral).to(memory_format=layout)
    given = torch.randn(3, a, 6, 6, dtype=torch.float64).to(memory_format=layout)
    x = given.clone().requires_grad_()
    halved = options.get("down", True)
    found = block(x)
    assert found.shape == (3, b, 3, 3) if halved else (3, b, 6, 6)
    first, relu_shortcut = options.get("first", False), options.get("relu_shortcut", False)
    alike(block, found, down(block, x, first=first, halved=halved, relu_shortcut=relu_shortcut, learned=learned), x)
    assert torch.equal(x.detach(), given), "what goes in is not changed, unlike in the authors' code"
    assert isinstance(block.shortcut, nn.Conv2d) == learned


def test_relu_shortcut_is_what_an_activation_in_place_does():
    """The order of iyengar's code in plain torch: the branch first, whose ReLU changes what the shortcut then sees."""
    block, x = held(DownBlock(4, 6, relu_shortcut=True), False), torch.randn(3, 4, 6, 6, dtype=torch.float64)
    shared = x.clone()
    branch = nn.Sequential(nn.ReLU(inplace=True), nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.AvgPool2d(2))
    bypass = nn.Sequential(nn.Conv2d(4, 6, 1), nn.AvgPool2d(2))
    for mine, theirs in ((block.conv0, branch[1]), (block.conv1, branch[3]), (block.shortcut, bypass[0])):
        theirs.double().load_state_dict(mine.state_dict())
    with torch.no_grad():
        expected = branch(shared) + bypass(shared)
        torch.testing.assert_close(block(x), expected, **EXACT)
        plain = held(DownBlock(4, 6), False)
        plain.load_state_dict(block.state_dict())
        assert not torch.allclose(plain(x), expected), "the slip makes a difference"
        assert torch.equal(plain(x.abs()), block(x.abs())), "but none where nothing is negative"


@pytest.mark.parametrize("make", [NearestThenConv, ConvThenAverage])
@normalised
def test_merged_kernels(make, spectral):
    """One convolution of stride 2 is the plain pair, of the very same weight under spectral norm."""
    layer = held(nn.Sequential(make(3, 5, 3, padding=1)), spectral)
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64, requires_grad=True)
    one = layer[0]
    plain = (
        applied(one, interpolate(x, scale_factor=2, mode="nearest")) if make is NearestThenConv else avg_pool2d(applied(one, x), 2)
    )  # fmt: skip
    alike(layer, layer(x), plain, x)


def test_one_use_of_each_weight_a_forward():
    """Under spectral norm every use is a power iteration."""
    for block, x in ((UpBlock(4, 6), torch.randn(2, 4, 4, 4)), (DownBlock(4, 6), torch.randn(2, 4, 4, 4))):
        normalise_spectrally(block)
        for layer in (block.conv0, block.conv1, block.shortcut):
            norm = layer.parametrizations.weight[0]
            matrix = layer.parametrizations.weight.original.detach().flatten(1)
            v = matrix.T @ norm.u
            u = matrix @ (v / v.norm())
            norm.expected = u / u.norm()
        block(x)
        for layer in (block.conv0, block.conv1, block.shortcut):
            norm = layer.parametrizations.weight[0]
            torch.testing.assert_close(norm.u, norm.expected)
