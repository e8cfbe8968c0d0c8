"""The alternating step against a naive transcription of Goodfellow et al. 2014, Algorithm 1."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from ganzoo import models
from ganzoo.layers import dense_block
from ganzoo.losses import LOSSES
from ganzoo.recipes import Alternating

LATENT, BATCH, IMAGE = 8, 16, (1, 8, 8)


@dataclass(frozen=True)
class Setting:
    """What the step can be told, and what D is made of."""

    loss: str = "non-saturating"
    d_steps: int = 1
    d_weight: float = 0.5
    fresh_z: bool = False
    d_optimiser: str = "adam"
    d_batchnorm: bool = False


def networks(*, d_batchnorm: bool = False) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    cls = models.get("mlp-gan")
    g, d = cls.build(cls.Options(hidden_g=[24, 32], hidden_d=[32, 24]), LATENT, IMAGE)
    if d_batchnorm:
        d = nn.Sequential(nn.Flatten(), *dense_block(64, 32, 0.2, batchnorm=True), nn.Linear(32, 1), nn.Flatten(0))
    return g, d


def optimiser(net: nn.Module, name: str, *, plain: bool = False):
    """`plain`: torch's reference implementation, a loop over single tensors."""
    how = {"fused": False, "foreach": False} if plain else {"fused": True}
    if name == "sgd":
        return torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.5, **how)
    return torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), **how)


def draws(count: int) -> tuple[list[Tensor], list[Tensor]]:
    """Reals (values in [-1, 1]) and latents for `count` updates."""
    generator = torch.Generator().manual_seed(5)
    reals = [torch.rand(BATCH, *IMAGE, generator=generator) * 2 - 1 for _ in range(count)]
    return reals, [torch.randn(BATCH, LATENT, generator=generator) for _ in range(count)]


def alternating(g: nn.Module, d: nn.Module, setting: Setting, autocast: Callable = nullcontext) -> Alternating:
    return Alternating(
        g, d, optimiser(g, "adam"), optimiser(d, setting.d_optimiser),
        loss=setting.loss, d_weight=setting.d_weight, fresh_z=setting.fresh_z, autocast=autocast,
    )  # fmt: skip


def naive(g: nn.Module, d: nn.Module, setting: Setting, reals: Iterator[Tensor], latents: Iterator[Tensor], steps: int) -> list[tuple]:
    """The usual way of writing it: D sees reals and fakes apart, G runs again for its own update, gradients reach into D."""
    opt_g, opt_d = optimiser(g, "adam", plain=True), optimiser(d, setting.d_optimiser, plain=True)
    loss, losses = LOSSES[setting.loss], []
    for _ in range(steps):
        for _ in range(setting.d_steps):
            z = next(latents)
            fakes = g(z).detach()
            opt_d.zero_grad()
            d_loss = loss.d(d(next(reals)), d(fakes)) * setting.d_weight
            d_loss.backward()
            opt_d.step()
        if setting.fresh_z:
            z = next(latents)
        opt_g.zero_grad()
        g_loss = loss.g(d(g(z)))
        g_loss.backward()
        opt_g.step()
        losses.append((d_loss.item(), g_loss.item()))
    return losses


@pytest.mark.parametrize(
    "setting",
    [
        Setting(),
        Setting(d_weight=1.0, d_optimiser="sgd"),
        Setting(loss="minimax", fresh_z=True),
        Setting(loss="least-squares", d_steps=2),
        # SGD for D in the rest. Its gradient of a bias is zero but for rounding (before batch norm; in the last layer while
        # the hinge is active everywhere), and Adam would make whole steps of the rounding.
        Setting(loss="hinge", d_optimiser="sgd"),
        Setting(loss="hinge", d_optimiser="sgd", d_steps=2, fresh_z=True),
        Setting(d_batchnorm=True, d_optimiser="sgd"),
        Setting(d_batchnorm=True, d_optimiser="sgd", d_steps=2),
    ],
    ids=lambda setting: ",".join(f"{key}={value}" for key, value in vars(setting).items() if value != getattr(Setting, key)) or "defaults",
)
def test_ten_steps_equal_the_naive_ones(setting):
    steps = 10
    reals, latents = draws(3 * steps)
    g, d = networks(d_batchnorm=setting.d_batchnorm)
    plain_g, plain_d = copy.deepcopy(g), copy.deepcopy(d)
    start = copy.deepcopy(g.state_dict())

    next_real, next_latent = iter(reals), iter(latents)
    rule = alternating(g, d, setting)
    losses = [rule.step(lambda: next(next_real), lambda: next(next_latent), setting.d_steps) for _ in range(steps)]
    expected = naive(plain_g, plain_d, setting, iter(reals), iter(latents), steps)

    assert [(a.item(), b.item()) for a, b in losses] == [pytest.approx(pair, abs=1e-5) for pair in expected]
    for net, plain in ((g, plain_g), (d, plain_d)):
        for key, value in plain.state_dict().items():
            torch.testing.assert_close(net.state_dict()[key], value, rtol=0, atol=1e-5, msg=lambda text, key=key: f"{key}: {text}")
    assert all((g.state_dict()[key] - value).abs().max() > 1e-3 for key, value in start.items()), "ten steps must have moved G"


def batches_seen(net: nn.Module, what: Callable[[], object]) -> list[int]:
    """Sizes of the batches that go through `net` while `what` runs."""
    sizes: list[int] = []
    handle = net.register_forward_pre_hook(lambda module, arguments: sizes.append(len(arguments[0])))
    what()
    handle.remove()
    return sizes


def one_step(rule: Alternating, d_steps: int = 1) -> tuple[Tensor, Tensor]:
    reals, latents = draws(d_steps + 1)
    next_real, next_latent = iter(reals), iter(latents)
    return rule.step(lambda: next(next_real), lambda: next(next_latent), d_steps)


@pytest.mark.parametrize(("d_steps", "fresh_z", "forwards"), [(1, False, 1), (3, False, 3), (1, True, 2), (3, True, 4)])
def test_g_runs_forward_once_an_update_that_needs_new_fakes(d_steps, fresh_z, forwards):
    g, d = networks()
    rule = alternating(g, d, Setting(fresh_z=fresh_z))
    assert batches_seen(g, lambda: one_step(rule, d_steps)) == [BATCH] * forwards


def test_reals_and_fakes_share_a_pass_through_d():
    g, d = networks()
    assert batches_seen(d, lambda: one_step(alternating(g, d, Setting()))) == [2 * BATCH, BATCH]


@pytest.mark.parametrize("norm", [nn.BatchNorm1d, nn.SyncBatchNorm])
def test_with_batch_norm_in_d_they_go_separately(norm):
    g, _ = networks()
    d = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), norm(8), nn.Linear(8, 1), nn.Flatten(0))
    rule = alternating(g, d, Setting())
    assert rule.d_mixes_samples
    if norm is nn.BatchNorm1d:  # the other runs on accelerators only
        assert batches_seen(d, lambda: one_step(rule)) == [BATCH, BATCH, BATCH]


def test_other_norms_do_not_separate_them():
    g, _ = networks()
    d = nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.LayerNorm(8), nn.Linear(8, 1), nn.Flatten(0))
    assert not alternating(g, d, Setting()).d_mixes_samples


def grads(net: nn.Module) -> list[Tensor | None]:
    return [None if p.grad is None else p.grad.clone() for p in net.parameters()]


def weights(net: nn.Module) -> list[Tensor]:
    return [p.detach().clone() for p in net.parameters()]


def same(ours: list[Tensor | None], theirs: list[Tensor | None]) -> bool:
    return all(a is b if a is None or b is None else torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_an_update_touches_its_own_network_alone():
    """Neither weights nor gradients of the other move: not added to, not zeroed, not made."""
    g, d = networks()
    rule = alternating(g, d, Setting())
    (x,), (z,) = draws(1)

    fakes = rule.fakes(z)
    before = grads(g), weights(g)
    rule.d_update(x, fakes.detach())
    assert same(grads(g), before[0]) and same(weights(g), before[1])
    assert all(gradient is not None for gradient in grads(d))

    before = grads(d), weights(d), weights(g)
    rule.g_update(fakes)
    assert same(grads(d), before[0]) and same(weights(d), before[1])
    assert all(gradient is not None for gradient in grads(g)) and not same(weights(g), before[2])


def test_d_weight_scales_ds_gradient_and_loss_alone():
    seen = {}
    for weight in (0.5, 1.0):
        g, d = networks()
        d_loss, g_loss = one_step(alternating(g, d, Setting(d_weight=weight)))
        seen[weight] = d_loss, grads(d)
    torch.testing.assert_close(2 * seen[0.5][0], seen[1.0][0])
    for half, whole in zip(seen[0.5][1], seen[1.0][1], strict=True):
        torch.testing.assert_close(2 * half, whole)


def test_losses_come_back_detached():
    """A log that keeps them must not keep the graph."""
    g, d = networks()
    for loss in one_step(alternating(g, d, Setting())):
        assert loss.shape == () and not loss.requires_grad and loss.grad_fn is None


def test_bf16_reaches_the_networks_and_neither_weights_nor_losses():
    g, d = networks()
    seen: list[torch.dtype] = []
    for net in (g, d):
        net.layers[0].register_forward_hook(lambda module, arguments, output: seen.append(output.dtype))
    d_loss, g_loss = one_step(alternating(g, d, Setting(), autocast=lambda: torch.autocast("cpu", torch.bfloat16)))
    assert seen == [torch.bfloat16] * 3
    assert d_loss.dtype == g_loss.dtype == torch.float32
    assert all(p.dtype == p.grad.dtype == torch.float32 for net in (g, d) for p in net.parameters())


def test_d_is_frozen_in_gs_update_only(monkeypatch):
    g, d = networks()
    rule, wanted = alternating(g, d, Setting()), []
    reals, latents = draws(1)
    d.register_forward_pre_hook(lambda module, arguments: wanted.append(all(p.requires_grad for p in module.parameters())))
    rule.step(lambda: reals[0], lambda: latents[0], 1)
    assert wanted == [True, False]
    assert all(p.requires_grad for p in d.parameters())
    monkeypatch.setattr(d, "forward", lambda x: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        rule.g_update(g(latents[0]))
    assert all(p.requires_grad for p in d.parameters())


@pytest.mark.parametrize(("d_steps", "fresh_z"), [(1, False), (1, True), (3, False)])
def test_g_first_equals_the_naive_steps(d_steps, fresh_z):
    """The usual GAN of *selfgan*'s author: G's update, then D's on the same fakes, which G made before it."""
    g, d = networks()
    plain_g, plain_d = copy.deepcopy(g), copy.deepcopy(d)
    rule = Alternating(
        g, d, optimiser(g, "adam"), optimiser(d, "adam"), loss="non-saturating", d_weight=0.5, fresh_z=fresh_z, autocast=nullcontext,
        g_first=True,
    )  # fmt: skip
    opt_g, opt_d, loss = optimiser(plain_g, "adam", plain=True), optimiser(plain_d, "adam", plain=True), LOSSES["non-saturating"]
    reals, latents = draws(12)
    ours, theirs = (iter(reals), iter(latents)), (iter(reals), iter(latents))
    for _ in range(3):
        d_loss, g_loss = rule.step(lambda: next(ours[0]), lambda: next(ours[1]), d_steps)
        fakes = plain_g(next(theirs[1]))
        expected_g = loss.g(plain_d(fakes))
        opt_g.zero_grad()
        expected_g.backward()
        opt_g.step()
        for done in range(d_steps):
            if done or fresh_z:
                fakes = plain_g(next(theirs[1]))
            expected_d = loss.d(plain_d(next(theirs[0])), plain_d(fakes.detach())) * 0.5
            opt_d.zero_grad()
            expected_d.backward()
            opt_d.step()
        torch.testing.assert_close(torch.stack([d_loss, g_loss]), torch.stack([expected_d, expected_g]).detach(), rtol=1e-5, atol=1e-6)
