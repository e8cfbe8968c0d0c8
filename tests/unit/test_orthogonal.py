"""Orthogonal regularisation against autograd of its formula, and as a part of the alternating step."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from ganzoo.layers import normalise_spectrally
from ganzoo.losses import LOSSES
from ganzoo.recipes import Alternating
from ganzoo.recipes.orthogonal import add_gradient, matrices, penalty

BETA = 1e-2


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def written_out(weights: list[Tensor]) -> Tensor:
    """‖W Wᵀ ⊙ (1 - I)‖²_F, pair of rows by pair of rows."""
    total = torch.zeros((), dtype=torch.float64)
    for w in weights:
        rows = w.reshape(w.shape[0], -1)
        for i in range(len(rows)):
            for j in range(len(rows)):
                if i != j:
                    total = total + (rows[i] * rows[j]).sum() ** 2
    return total


def small(*, spectral: bool = False) -> nn.Module:
    net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.ConvTranspose2d(4, 3, 2), nn.Flatten(), nn.Linear(27, 5)).double()
    if spectral:
        normalise_spectrally(net, (nn.Conv2d, nn.Linear))
    return net


@pytest.mark.parametrize("spectral", [False, True])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last], ids=["nchw", "nhwc"])
def test_the_gradient_is_autograds(spectral, layout):
    net = small(spectral=spectral).to(memory_format=layout)
    weights = matrices(net)
    assert sorted(len(w) for w in weights) == [4, 4, 5]
    expected = torch.autograd.grad(BETA * written_out(weights), weights)
    torch.testing.assert_close(penalty(weights), written_out(weights).detach(), rtol=1e-12, atol=0)
    for w in weights:
        w.grad = torch.ones_like(w)
    add_gradient(weights, BETA)
    for w, other in zip(weights, expected, strict=True):
        assert other.abs().max() > 1e-4
        torch.testing.assert_close(w.grad - 1, other, rtol=1e-9, atol=1e-12)


def test_under_spectral_norm_the_weight_itself_counts():
    net = small(spectral=True)
    raw = {id(layer.parametrizations.weight.original) for layer in (net[0], net[4])}
    assert raw <= {id(w) for w in matrices(net)}


def test_what_is_left_out():
    net = nn.ModuleDict({"table": nn.Embedding(5, 4), "norm": nn.BatchNorm2d(4), "dense": nn.Linear(4, 3), "still": nn.Linear(4, 3)})
    net["still"].requires_grad_(False)
    assert [id(w) for w in matrices(net)] == [id(net["dense"].weight)]
    normalise_spectrally(net, (nn.Embedding,))
    assert [id(w) for w in matrices(net)] == [id(net["dense"].weight)], "a table stays one under spectral norm"


def test_orthogonal_rows_of_any_length_cost_nothing():
    layer = nn.Linear(4, 3).double()
    with torch.no_grad():
        layer.weight.copy_(torch.diag(torch.tensor([2.0, 0.5, 7.0], dtype=torch.float64)) @ torch.eye(3, 4, dtype=torch.float64))
    layer.weight.grad = torch.zeros_like(layer.weight)
    add_gradient([layer.weight], BETA)
    assert penalty([layer.weight]) == 0
    assert layer.weight.grad.count_nonzero() == 0
    assert penalty([]) == 0


def test_a_weight_no_loss_has_reached_is_passed_over():
    layer = nn.Linear(4, 3)
    add_gradient([layer.weight], BETA)
    assert layer.weight.grad is None


def test_descending_it_alone_parts_the_filters():
    layer = nn.Linear(16, 6).double()
    before = penalty([layer.weight])
    for _ in range(200):
        layer.weight.grad = torch.zeros_like(layer.weight)
        add_gradient([layer.weight], 1.0)
        with torch.no_grad():
            layer.weight -= 0.1 * layer.weight.grad
    assert penalty([layer.weight]) < 1e-3 * before
    assert (layer.weight.norm(dim=1) > 0.3).all(), "and does not shrink them"


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    g = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6))
    d = nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(0.2), nn.Linear(8, 1), nn.Flatten(0))
    return g, d


def trained(steps: int, **options: float) -> list[Tensor]:
    g, d = networks()
    opt_g, opt_d = (torch.optim.SGD(net.parameters(), lr=0.1) for net in (g, d))
    rule = Alternating(g, d, opt_g, opt_d, loss="non-saturating", d_weight=0.5, fresh_z=False, autocast=nullcontext, **options)
    generator = torch.Generator().manual_seed(1)
    for _ in range(steps):
        rule.step(lambda: torch.randn(5, 6, generator=generator), lambda: torch.randn(5, 4, generator=generator), 1)
    return [p.detach().clone() for net in (g, d) for p in net.parameters()]


def test_off_it_is_the_training_without():
    assert all(torch.equal(a, b) for a, b in zip(trained(5), trained(5, ortho_g=0.0, ortho_d=0.0), strict=True))


@pytest.mark.parametrize("options", [{"ortho_g": 0.05}, {"ortho_d": 0.05}, {"ortho_g": 0.05, "ortho_d": 0.02}], ids=["g", "d", "both"])
def test_a_step_is_the_one_on_loss_plus_penalty(options):
    """Written out with autograd of the whole, in the order of the step: z, then reals; D, then G."""
    g, d = networks()
    loss, generator = LOSSES["non-saturating"], torch.Generator().manual_seed(1)
    for _ in range(2):
        z = torch.randn(5, 4, generator=generator)
        x = torch.randn(5, 6, generator=generator)
        for net, key in ((d, "ortho_d"), (g, "ortho_g")):
            value = loss.d(d(x), d(g(z).detach())) * 0.5 if net is d else loss.g(d(g(z)))
            whole = value + options.get(key, 0.0) * written_out([p for p in net.parameters() if p.dim() == 2])
            gradients = torch.autograd.grad(whole, list(net.parameters()))
            with torch.no_grad():
                for p, gradient in zip(net.parameters(), gradients, strict=True):
                    p -= 0.1 * gradient
    expected = [p.detach() for net in (g, d) for p in net.parameters()]
    found, plain = trained(2, **options), trained(2)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
    assert not all(torch.allclose(a, b, atol=1e-5) for a, b in zip(found, plain, strict=True)), "it makes a difference"
