"""Spectral norm in `dcgan`, against singular values and a transcription of Miyato et al. 2018, Algorithm 1."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from ganzoo import models
from ganzoo.convolutions import DoublingConv, FromPoint, HalvingConv, ToPoint
from ganzoo.layers import SpectralNorm

DCGAN = models.get("dcgan")
CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)
IMAGE = (3, 32, 32)


def build(spectral_norm: str) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return DCGAN.build(DCGAN.Options(spectral_norm=spectral_norm, width_g=8, width_d=8), 16, IMAGE)


def convolutions(net: nn.Module) -> list[nn.Module]:
    return [layer for layer in net.modules() if isinstance(layer, CONVOLUTIONS)]


def largest(weight: Tensor) -> float:
    """The largest singular value of a kernel as the matrix (first axis, all others)."""
    return torch.linalg.svdvals(weight.detach().double().reshape(len(weight), -1))[0].item()


def vectors(net: nn.Module) -> list[Tensor]:
    return [value.clone() for key, value in net.state_dict().items() if key.endswith(".u")]


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=str)
def test_every_convolution_has_norm_one_after_many_forwards(layout):
    g, d = (net.to(memory_format=layout) for net in build("both"))
    with torch.no_grad():
        for _ in range(300):
            d(g(torch.randn(2, 16)))
    for net in (g, d):
        assert len(convolutions(net)) == 4
        for layer in convolutions(net.eval()):
            assert largest(layer.weight) == pytest.approx(1.0, abs=2e-3)
            assert largest(layer.parametrizations.weight.original) != pytest.approx(1.0, abs=0.1), "the weight itself must need it"


def test_one_forward_is_one_power_iteration():
    """In float64, by the letter of Algorithm 1, from the u that the module has."""
    weight = torch.randn(6, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    norm = SpectralNorm(weight)
    matrix, u = weight.double().numpy().reshape(6, -1), norm.u.double().numpy()
    assert np.linalg.norm(u) == pytest.approx(1, abs=1e-6)
    for _ in range(3):
        v = matrix.T @ u / np.linalg.norm(matrix.T @ u)
        u = matrix @ v / np.linalg.norm(matrix @ v)
        np.testing.assert_allclose(norm(weight).numpy().reshape(6, -1), matrix / (u @ matrix @ v), rtol=1e-5)
        np.testing.assert_allclose(norm.u.numpy(), u, atol=1e-6)


def test_the_gradient_goes_through_sigma():
    """∂(W/σ)/∂W with u and v held constant (eq. 12): against torch's own parametrisation at the fixed point of the iteration."""
    torch.manual_seed(3)
    plain = nn.Conv2d(4, 6, 3, bias=False)
    theirs = torch.nn.utils.parametrizations.spectral_norm(copy.deepcopy(plain))
    norm = SpectralNorm(plain.weight)
    for _ in range(300):
        theirs.weight, norm(plain.weight)
    direction = torch.randn_like(plain.weight)
    (norm(plain.weight) * direction).sum().backward()
    (theirs.weight * direction).sum().backward()
    expected = theirs.parametrizations.weight.original.grad
    assert expected.abs().max() > 0.1
    torch.testing.assert_close(plain.weight.grad, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("where", "on_g", "on_d"), [("none", False, False), ("d", False, True), ("g", True, False), ("both", True, True)])
def test_the_networks_are_switched_apart(where, on_g, on_d):
    for net, plain, on in zip(build(where), build("none"), (on_g, on_d), strict=True):
        assert all(is_parametrized(layer) == on for layer in convolutions(net))
        assert (list(net.state_dict()) == list(plain.state_dict())) == (not on)
        assert [type(layer) for layer in plain.modules() if isinstance(layer, nn.BatchNorm2d)] == [
            type(layer) for layer in net.modules() if isinstance(layer, nn.BatchNorm2d)
        ], "batch norm stays"


def test_off_it_is_the_plain_layer():
    g, d = build("none")
    assert {type(layer) for layer in convolutions(g)} == {FromPoint, DoublingConv}
    assert {type(layer) for layer in convolutions(d)} == {HalvingConv, ToPoint}
    assert all(key.endswith((".weight", ".bias", ".running_mean", ".running_var", ".num_batches_tracked")) for key in d.state_dict())


def test_first_weights_of_g_are_the_same_with_and_without():
    plain = [layer.weight for layer in convolutions(build("none")[0])]
    under = [layer.parametrizations.weight.original for layer in convolutions(build("both")[0])]
    assert all(torch.equal(a, b) for a, b in zip(plain, under, strict=True))


def test_evaluation_moves_nothing_and_uses_the_same_sigma():
    g, _ = build("g")
    z = torch.randn(4, 16)
    g(z)
    before = vectors(g)
    g.eval()
    assert torch.equal(g(z), g(z))
    evaluated = [layer.weight.detach().clone() for layer in convolutions(g)]
    assert all(torch.equal(a, b) for a, b in zip(before, vectors(g), strict=True))
    g.train()
    assert all(torch.equal(layer.weight, one) for layer, one in zip(convolutions(g), evaluated, strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(before, vectors(g), strict=True)), "in training mode every use is an iteration"


def test_sigma_stays_float32_under_autocast():
    _, d = build("d")
    other = copy.deepcopy(d)
    x = torch.randn(4, *IMAGE)
    d(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert other(x).dtype == torch.bfloat16
    assert all(torch.equal(a, b) for a, b in zip(vectors(d), vectors(other), strict=True))


def test_two_forwards_and_one_backward():
    """D sees reals and fakes before it learns; u has moved in between."""
    _, d = build("d")
    real, fake = d(torch.randn(4, *IMAGE)), d(torch.randn(4, *IMAGE))
    (real.mean() - fake.mean()).backward()
    assert all(p.grad.isfinite().all() and p.grad.abs().sum() > 0 for key, p in d.named_parameters() if "weight" in key)
