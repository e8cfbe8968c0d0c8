"""The Self step against a plain transcription of its formulas (*selfgan*, §4, and the author's notebooks, 0b3fbd4)."""

from __future__ import annotations

import copy
import itertools
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, mse_loss

from ganzoo import models
from ganzoo.layers import dense_block
from ganzoo.losses import LOSSES
from ganzoo.recipes import Balance, SelfTrained

LATENT, BATCH, IMAGE, STEPS = 8, 16, (1, 8, 8), 5
ADAM = {"lr": 1e-3, "betas": (0.5, 0.999)}


def networks(*, d_batchnorm: bool = False) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    cls = models.get("mlp-gan")
    g, d = cls.build(cls.Options(hidden_g=[24, 32], hidden_d=[32, 24], batchnorm_g=True), LATENT, IMAGE)
    if d_batchnorm:
        d = nn.Sequential(nn.Flatten(), *dense_block(64, 32, 0.2, batchnorm=True), nn.Linear(32, 1), nn.Flatten(0))
    return g.double(), d.double()


def draws() -> tuple[list[Tensor], list[Tensor]]:
    generator = torch.Generator().manual_seed(5)
    reals = [torch.rand(BATCH, *IMAGE, generator=generator).double() * 2 - 1 for _ in range(STEPS)]
    return reals, [torch.randn(BATCH, LATENT, generator=generator).double() for _ in range(STEPS)]


def rule_of(g, d, *, loss="non-saturating", balance="losses", form="shares", shares=(0.1, 0.9), shards=1, fused=True) -> SelfTrained:
    optimiser = torch.optim.Adam([*g.parameters(), *d.parameters()], **ADAM, fused=fused)
    previous = torch.zeros(BATCH, *IMAGE, dtype=torch.float64)
    return SelfTrained(g, d, optimiser, balance=Balance(loss, balance, form, shares, shards), previous=previous, autocast=nullcontext)


def transcription(g, d, setting: dict, reals: list[Tensor], latents: list[Tensor]) -> list[tuple[float, ...]]:
    """Shard by shard, with sigmoid outputs and mean losses, one backward a shard, as the notebooks have it."""
    optimiser = torch.optim.Adam([*g.parameters(), *d.parameters()], **ADAM, foreach=False)
    last, seen, size = torch.zeros(BATCH, *IMAGE, dtype=torch.float64), [], BATCH // setting["shards"]
    squares = setting["loss"] == "mse"

    def judged(x: Tensor) -> Tensor:
        return d(x) if squares else d(x).sigmoid()

    def loss_of(outputs: Tensor, target: float) -> Tensor:
        return (mse_loss if squares else binary_cross_entropy)(outputs, torch.full_like(outputs, target))

    for x, z in zip(reals, latents, strict=True):
        optimiser.zero_grad()
        made, row = [], []
        for k in range(0, BATCH, size):
            images = g(z[k : k + size])
            of_gen, of_real, of_fake = judged(images), judged(x[k : k + size]), judged(last[k : k + size])
            gen, real, fake = loss_of(of_gen, 1.0), loss_of(of_real, 1.0), loss_of(of_fake, 0.0)
            if setting["balance"] == "losses":
                v_g, v_r, v_f = gen, real, fake
            else:
                v_g, v_r, v_f = (of_gen.mean() - 1).abs(), (of_real.mean() - 1).abs(), of_fake.mean().abs()
            if setting["form"] == "shares":
                total = (real + 0.1 * v_g * gen + 0.9 * v_f * fake) / 2
            else:
                total = real * v_r / (v_g + v_r + v_f) + gen * v_g / (v_g + v_r + v_f) + fake * v_f / (v_g + v_r + v_f)
            total.backward()
            made.append(images.detach())
            row.append([value.item() for value in ((real + fake) / 2, gen, v_g, v_r, v_f, of_real.mean(), of_fake.mean())])
        optimiser.step()
        last = torch.cat(made)
        seen.append(tuple(sum(column) / len(row) for column in zip(*row, strict=True)))
    return seen


SETTINGS = [
    {"loss": loss, "balance": balance, "form": form, "shards": shards}
    for loss, balance, form, shards in itertools.product(("non-saturating", "mse"), ("losses", "outputs"), ("shares", "normalised"), (1, 4))
]


@pytest.mark.parametrize("d_batchnorm", [False, True], ids=["batched", "separate"])
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: "-".join(str(value) for value in s.values()))
def test_equals_the_formulas_as_they_are_written(setting, d_batchnorm):
    g, d = networks(d_batchnorm=d_batchnorm)
    plain_g, plain_d = copy.deepcopy(g), copy.deepcopy(d)
    reals, latents = draws()
    rule = rule_of(g, d, **setting)
    found = [tuple(map(float, rule.step(lambda x=x: x, lambda z=z: z, 1))) for x, z in zip(reals, latents, strict=True)]
    expected = transcription(plain_g, plain_d, setting, reals, latents)
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-6)
    for net, plain in ((g, plain_g), (d, plain_d)):
        for one, other in zip(net.state_dict().values(), plain.state_dict().values(), strict=True):
            assert (one - other).abs().max() <= 1e-6


def test_one_forward_of_g_one_pass_of_d_one_backward(monkeypatch):
    g, d = networks()
    reals, latents = draws()
    rule, passes, backwards = rule_of(g, d), [], []
    g.register_forward_hook(lambda *_: passes.append("g"))
    d.register_forward_hook(lambda *_: passes.append("d"))
    original = Tensor.backward
    monkeypatch.setattr(Tensor, "backward", lambda *arguments, **more: backwards.append(1) or original(*arguments, **more))
    rule.step(lambda: reals[0], lambda: latents[0], 1)
    assert passes == ["g", "d"] and len(backwards) == 1


def test_each_shard_has_its_own_batch_statistics():
    """With batch norm in D, 4 shards are 12 passes of 4 samples: generated, real and previous ones never meet."""
    g, d = networks(d_batchnorm=True)
    reals, latents = draws()
    sizes = []
    d.register_forward_pre_hook(lambda module, arguments: sizes.append(len(arguments[0])))
    rule_of(g, d, shards=4).step(lambda: reals[0], lambda: latents[0], 1)
    assert sizes == [BATCH // 4] * 12


def test_the_fakes_of_a_step_are_judged_in_the_next():
    g, d = networks()
    reals, latents = draws()
    rule, seen = rule_of(g, d), []
    d.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0].detach().clone().chunk(3)))
    kept = rule.carried["previous"]
    for x, z in zip(reals[:2], latents[:2], strict=True):
        rule.step(lambda x=x: x, lambda z=z: z, 1)
    (first, real, zeros), (_, _, previous) = seen
    assert not zeros.any() and torch.equal(real, reals[0]) and torch.equal(previous, first)
    assert rule.carried["previous"] is kept


def weighed(name: str, balance: str, place: int, logits: Tensor) -> tuple[float, float]:
    """(mean loss, weight) of one pass of D, as a step logs them; the others see the same outputs."""
    _, (d_loss, g_loss, *weights, _, _) = Balance(name, balance, "shares", (0.1, 0.9)).of(logits, logits, logits)
    loss = LOSSES[name]
    return float((loss.generator, loss.real, loss.fake)[place](logits).mean()), float(weights[place])


@pytest.mark.parametrize("balance", ["losses", "outputs"])
@pytest.mark.parametrize("name", ["non-saturating", "mse"])
@pytest.mark.parametrize("place", [0, 1, 2], ids=["generated", "reals", "earlier fakes"])
def test_a_larger_loss_has_a_larger_weight(place, name, balance):
    """W6: as all outputs of a batch move away from their target, loss and weight rise together."""
    spread = torch.rand(16, generator=torch.Generator().manual_seed(2)).double()
    towards = -1 if place < 2 else 1  # reals are to be called real, and so are G's fakes
    start = 1 - spread if place < 2 else spread
    found = [weighed(name, balance, place, start + towards * away) for away in torch.linspace(0.0, 4.0, 30).tolist()]
    losses, weights = (torch.tensor(column) for column in zip(*found, strict=True))
    assert (losses.diff() > 0).all() and (weights.diff() > 0).all() and (weights >= 0).all()


def test_of_the_code_s_weights_that_is_not_true_of_every_batch():
    """A finding about W6: the mean output can stay where the mean loss rises. With the printed weights it cannot happen."""
    even, torn = (torch.tensor(outputs).double().logit() for outputs in ([0.5, 0.5], [0.01, 0.98]))
    for balance, rises in (("losses", True), ("outputs", False)):
        (loss, weight), (larger, of_larger) = (weighed("non-saturating", balance, 2, logits) for logits in (even, torn))
        assert larger > 2 * loss and (of_larger > weight) == rises


def test_gradients_flow_through_the_weights():
    """d(v·l) = v·dl + l·dv: with constant weights G's gradient would be another one, by half in the losses' own form."""
    g, d = networks()
    reals, latents = draws()
    rule = rule_of(g, d, shares=(1.0, 0.0))
    with torch.no_grad():
        d_before = copy.deepcopy(d)
    rule.optimiser = torch.optim.SGD([*g.parameters(), *d.parameters()], lr=0.0)
    rule.step(lambda: reals[0], lambda: latents[0], 1)
    g_again = copy.deepcopy(g)
    gen = LOSSES["non-saturating"].generator(d_before(g_again(latents[0]))).mean()
    (gen.detach() * gen / 2).backward()
    for one, other in zip(g.parameters(), g_again.parameters(), strict=True):
        torch.testing.assert_close(one.grad, 2 * other.grad)
