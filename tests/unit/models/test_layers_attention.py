"""The non-local block in both forms, against a loop over places."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.utils.parametrize import is_parametrized
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.layers import CONVOLUTIONS, NonLocalBlock, initialise, normalise_spectrally

both_forms = pytest.mark.parametrize("pooled", [False, True], ids=["plain", "pooled"])


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def at_work(pooled: bool, channels: int = 16, *, bias: bool = False) -> NonLocalBlock:
    block = NonLocalBlock(channels, pooled=pooled, bias=bias).double()
    nn.init.constant_(block.gamma, 0.7)
    return block


def by_places(block: NonLocalBlock, x: Tensor) -> Tensor:
    """One image, one place, one channel at a time; maxima of 2×2 windows by hand."""

    def applied(layer: nn.Conv2d, y: Tensor) -> Tensor:
        return conv2d(y, layer.weight, layer.bias)

    def windows(y: Tensor) -> Tensor:
        n, c, h, w = y.shape
        out = y.new_empty(n, c, h // 2, w // 2)
        for row in range(h // 2):
            for column in range(w // 2):
                out[:, :, row, column] = y[:, :, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2].amax((2, 3))
        return out

    query, key, value = applied(block.query, x), applied(block.key, x), applied(block.value, x)
    if block.pooled:
        key, value = windows(key), windows(value)
    n, _, height, width = x.shape
    found = x.new_empty(n, value.shape[1], height, width)
    for image in range(n):
        for row in range(height):
            for column in range(width):
                alike = [
                    math.exp(query[image, :, row, column] @ key[image, :, i, j])
                    for i in range(key.shape[2])
                    for j in range(key.shape[3])
                ]  # fmt: skip
                seen = value[image].flatten(1)
                found[image, :, row, column] = sum(a * seen[:, i] for i, a in enumerate(alike)) / sum(alike)
    if block.pooled:
        found = applied(block.out, found)
    return x + block.gamma * found


@both_forms
@pytest.mark.parametrize("bias", [False, True])
def test_by_places(pooled, bias):
    block, x = at_work(pooled, bias=bias), torch.randn(2, 16, 4, 6, dtype=torch.float64)
    if bias:
        for layer in block.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.normal_(layer.bias)
    with torch.no_grad():
        torch.testing.assert_close(block(x), by_places(block, x), rtol=1e-9, atol=1e-9)


@both_forms
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["nchw", "nhwc"])
def test_gradients_are_those_of_products_and_a_softmax(pooled, layout):
    block, x = at_work(pooled), torch.randn(2, 16, 4, 4, dtype=torch.float64).to(memory_format=layout).requires_grad_()
    direction = torch.randn_like(x)
    (block(x) * direction).sum().backward()
    found = [x.grad, *(p.grad for p in block.parameters())]
    query, key, value = (conv2d(x, layer.weight) for layer in (block.query, block.key, block.value))
    if pooled:
        key, value = (y.unfold(2, 2, 2).unfold(3, 2, 2).amax((4, 5)) for y in (key, value))
    weights = torch.softmax(torch.einsum("nchw,ncij->nhwij", query, key).flatten(3), 3)
    o = torch.einsum("nhwp,ncp->nchw", weights, value.flatten(2))
    out = x + block.gamma * (conv2d(o, block.out.weight) if pooled else o)
    expected = torch.autograd.grad((out * direction).sum(), [x, *block.parameters()])
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


@both_forms
def test_at_first_it_is_the_identity(pooled):
    block, x = NonLocalBlock(16, pooled=pooled), torch.randn(2, 16, 4, 4)
    assert block.gamma.item() == 0
    assert torch.equal(block(x), x)
    block(x).square().sum().backward()
    assert block.gamma.grad.abs() > 0, "it can leave the identity"


@both_forms
def test_channels(pooled):
    block = NonLocalBlock(32, pooled=pooled)
    assert (block.query.out_channels, block.key.out_channels, block.value.out_channels) == (4, 4, 16 if pooled else 32)
    expected = 32 * (4 + 4 + 16) + 16 * 32 + 1 if pooled else 32 * (4 + 4 + 32) + 1
    assert sum(p.numel() for p in block.parameters()) == expected
    assert NonLocalBlock(4, pooled=pooled).query.out_channels == 1, "one at least"


def test_the_plain_form_begins_as_the_authors_code():
    """Glorot's law and biases of zero, whatever the network is drawn by; other laws redraw it as they do all layers."""
    block = NonLocalBlock(64, pooled=False, bias=True)
    initialise(block, "torch-default")
    for layer, fans in ((block.query, 72), (block.key, 72), (block.value, 128)):
        bound = math.sqrt(6 / fans)
        assert 0.95 * bound < layer.weight.abs().max().item() <= bound
        assert layer.bias.count_nonzero() == 0
    initialise(block, "orthogonal")
    torch.testing.assert_close(block.query.weight.flatten(1) @ block.query.weight.flatten(1).T, torch.eye(8), rtol=0, atol=1e-5)


@both_forms
@pytest.mark.parametrize("spectral", [True, False])
def test_spectral_norm_can_pass_it_over(pooled, spectral):
    net = nn.Sequential(nn.Conv2d(16, 16, 1), NonLocalBlock(16, pooled=pooled, spectral=spectral))
    normalise_spectrally(net, CONVOLUTIONS)
    assert is_parametrized(net[0])
    assert sum(is_parametrized(layer) for layer in net[1].modules()) == (3 + pooled if spectral else 0)


@both_forms
def test_its_products_are_counted(pooled):
    """A run's record tells the arithmetic: two products of all pairs of places, 2 operations a multiply-add."""
    block, x = NonLocalBlock(16, pooled=pooled), torch.randn(3, 16, 8, 8)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        block(x)
    places, seen, value = 64, 16 if pooled else 64, 8 if pooled else 16
    convolutions = places * 16 * (2 + 2 + value) + (places * value * 16 if pooled else 0)
    assert counter.get_total_flops() == 2 * 3 * (convolutions + places * seen * (2 + value))
