"""Translation with pairs against a plain transcription of its formulas (Isola et al. 2017; *selfgan*'s author's notebook, 0b3fbd4)."""

from __future__ import annotations

import copy
import itertools
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, mse_loss

from ganzoo import models
from ganzoo.recipes import Balance, PairedAlternating, PairedSelf

BATCH, STEPS = 3, 5
ADAM = {"lr": 1e-3, "betas": (0.5, 0.999)}
TINY, SMALLEST = (2, 6, 6), (1, 32, 32)  # of one side: of the networks below, and of pix2pix


class TinyD(nn.Module):
    """(image, source) → patches (N, 1, 3, 3)."""

    def __init__(self, *, batchnorm: bool):
        super().__init__()
        norm = [nn.BatchNorm2d(4)] if batchnorm else []
        self.layers = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), *norm, nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4, 2, 1))

    def forward(self, image: Tensor, source: Tensor) -> Tensor:
        return self.layers(torch.cat((image, source), 1))


def tiny(*, d_batchnorm: bool = False) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    g = nn.Sequential(nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 2, 3, padding=1), nn.Tanh())
    return g.double(), TinyD(batchnorm=d_batchnorm).double()


def pix2pix() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    cls = models.get("pix2pix")
    g, d = cls.build(cls.Options(width=2, dropout=0.0), 1, SMALLEST)
    return g.double(), d.double()


NETWORKS = {"batched": (tiny, TINY), "separate": (lambda: tiny(d_batchnorm=True), TINY), "pix2pix": (pix2pix, SMALLEST)}
every_network = pytest.mark.parametrize("networks", list(NETWORKS))


def draws(image: tuple[int, int, int], steps: int = STEPS) -> list[tuple[Tensor, Tensor]]:
    """Sources and targets."""
    generator = torch.Generator().manual_seed(5)
    return [tuple(torch.rand(2, BATCH, *image, generator=generator).double() * 2 - 1) for _ in range(steps)]


def alternating(g, d, *, loss="mse", order="d-first", d_weight=0.5, lambda_pixel=100.0) -> PairedAlternating:
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), **ADAM, fused=True) for net in (g, d))
    return PairedAlternating(
        g, d, opt_g, opt_d, loss=loss, d_weight=d_weight, lambda_pixel=lambda_pixel, g_first=order == "g-first", autocast=nullcontext
    )


def self_trained(g, d, image, *, loss="mse", balance="outputs", form="shares", shares=(0.1, 0.9), lambda_pixel=100.0) -> PairedSelf:
    optimiser = torch.optim.Adam([*g.parameters(), *d.parameters()], **ADAM, fused=True)
    zeros = torch.zeros(2, BATCH, *image, dtype=torch.float64)
    return PairedSelf(
        g, d, optimiser, balance=Balance(loss, balance, form, shares), lambda_pixel=lambda_pixel, previous=zeros[0],
        previous_source=zeros[1], autocast=nullcontext,
    )  # fmt: skip


def run(rule, pairs: list[tuple[Tensor, Tensor]]) -> list[tuple[float, ...]]:
    """What each step returned. The pairs come in one buffer, refilled, as batches do."""
    buffer = torch.empty(2, *pairs[0][0].shape, dtype=torch.float64)

    def reals(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        for kept, now in zip(buffer, pair, strict=True):
            kept.copy_(now)
        return buffer[0], buffer[1]

    def noise() -> Tensor:
        raise AssertionError("translation draws no z")

    return [tuple(map(float, rule.step(lambda pair=pair: reals(pair), noise, 1))) for pair in pairs]


def adversarial(loss: str):
    """(D's outputs as its papers mean them, mean loss of such outputs against a target)."""
    squares = loss == "mse"
    criterion = mse_loss if squares else binary_cross_entropy
    return (lambda x: x) if squares else torch.sigmoid, lambda outputs, target: criterion(outputs, torch.full_like(outputs, target))


def usual(g, d, setting: dict, pairs) -> list[tuple[float, ...]]:
    """Separate passes, G's gradients thrown away where D learns and D's where G does; G run once, as the notebook has it."""
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), **ADAM, foreach=False) for net in (g, d))
    output, loss_of = adversarial(setting["loss"])
    seen = []
    for source, target in pairs:
        made = g(source)

        def of_d(source=source, target=target, made=made) -> float:
            opt_d.zero_grad()
            real = loss_of(output(d(target, source)), 1.0)
            fake = loss_of(output(d(made.detach(), source)), 0.0)
            loss = setting["d_weight"] * (real + fake)
            loss.backward()
            opt_d.step()
            return loss.item()

        def of_g(source=source, target=target, made=made) -> tuple[float, float]:
            opt_g.zero_grad()
            gan, pixel = loss_of(output(d(made, source)), 1.0), (made - target).abs().mean()
            (gan + setting["lambda_pixel"] * pixel).backward()
            opt_g.step()
            return gan.item(), pixel.item()

        if setting["order"] == "g-first":
            g_row = of_g()
            seen.append((of_d(), *g_row))
        else:
            d_loss = of_d()
            seen.append((d_loss, *of_g()))
    return seen


def together(g, d, setting: dict, pairs) -> list[tuple[float, ...]]:
    optimiser = torch.optim.Adam([*g.parameters(), *d.parameters()], **ADAM, foreach=False)
    output, loss_of = adversarial(setting["loss"])
    last, last_source, seen = torch.zeros_like(pairs[0][0]), torch.zeros_like(pairs[0][0]), []
    a, b = setting["shares"]
    for source, target in pairs:
        optimiser.zero_grad()
        made = g(source)
        of_gen, of_real, of_fake = output(d(made, source)), output(d(target, source)), output(d(last, last_source))
        gen, real, fake = loss_of(of_gen, 1.0), loss_of(of_real, 1.0), loss_of(of_fake, 0.0)
        if setting["balance"] == "losses":
            v_g, v_r, v_f = gen, real, fake
        else:
            v_g, v_r, v_f = (of_gen.mean() - 1).abs(), (of_real.mean() - 1).abs(), of_fake.mean().abs()
        if setting["form"] == "shares":
            total = (real + a * v_g * gen + b * v_f * fake) / 2
        else:
            total = (real * v_r + gen * v_g + fake * v_f) / (v_g + v_r + v_f)
        pixel = (made - target).abs().mean()
        (total + setting["lambda_pixel"] * pixel).backward()
        optimiser.step()
        last, last_source = made.detach(), source.clone()
        row = (real + fake) / 2, gen, v_g, v_r, v_f, of_real.mean(), of_fake.mean(), pixel
        seen.append(tuple(value.item() for value in row))
    return seen


def assert_same(found, expected, nets, plain) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-6)
    for net, by_hand in zip(nets, plain, strict=True):
        for (name, one), other in zip(net.state_dict().items(), by_hand.state_dict().values(), strict=True):
            assert (one - other).abs().max() <= 1e-6, name


USUAL = [
    {"loss": loss, "order": order, "d_weight": d_weight, "lambda_pixel": lambda_pixel}
    for loss, order, d_weight, lambda_pixel in itertools.product(("non-saturating", "mse"), ("d-first", "g-first"), (0.5,), (100.0,))
] + [{"loss": "mse", "order": "g-first", "d_weight": 1.0, "lambda_pixel": 0.0}]  # fmt: skip
SELF = [
    {"loss": loss, "balance": balance, "form": form, "shares": (0.1, 0.9), "lambda_pixel": 100.0}
    for loss, balance, form in itertools.product(("non-saturating", "mse"), ("losses", "outputs"), ("shares", "normalised"))
] + [{"loss": "mse", "balance": "outputs", "form": "shares", "shares": (0.3, 0.5), "lambda_pixel": 1.0}]


def in_words(setting: dict) -> str:
    return "-".join(str(value) for value in setting.values())


@every_network
@pytest.mark.parametrize("setting", USUAL, ids=in_words)
def test_in_turn_equals_the_formulas_as_they_are_written(setting, networks):
    build, image = NETWORKS[networks]
    nets, pairs = build(), draws(image)
    plain = copy.deepcopy(nets)
    assert_same(run(alternating(*nets, **setting), pairs), usual(*plain, setting, pairs), nets, plain)


@every_network
@pytest.mark.parametrize("setting", SELF, ids=in_words)
def test_self_equals_the_formulas_as_they_are_written(setting, networks):
    build, image = NETWORKS[networks]
    nets, pairs = build(), draws(image)
    plain = copy.deepcopy(nets)
    assert_same(run(self_trained(*nets, image, **setting), pairs), together(*plain, setting, pairs), nets, plain)


def test_the_two_orders_are_two_trainings():
    nets = [tiny(), tiny()]
    first, second = (run(alternating(*net, order=order), draws(TINY, 2)) for net, order in zip(nets, ("d-first", "g-first"), strict=True))
    assert first[0][0] == pytest.approx(second[0][0]) and first[0][1] != pytest.approx(second[0][1], rel=1e-9)


PASSES = {  # rule → (D's passes, where it treats samples independently; where it does not)
    "alternating": (alternating, 2, 3),
    "self": (lambda g, d: self_trained(g, d, TINY), 1, 3),
}


@pytest.mark.parametrize("d_batchnorm", [False, True], ids=["batched", "separate"])
@pytest.mark.parametrize("name", PASSES)
def test_one_forward_of_g_a_step(name, d_batchnorm):
    make, batched, separate = PASSES[name]
    nets, passes = tiny(d_batchnorm=d_batchnorm), []
    for net, called in zip(nets, "gd", strict=True):
        net.register_forward_hook(lambda *_, called=called: passes.append(called))
    run(make(*nets), draws(TINY, 1))
    assert passes == ["g", *"d" * (separate if d_batchnorm else batched)]


@pytest.mark.parametrize("name", PASSES)
def test_one_backward_a_loss(name, monkeypatch):
    backwards, original = [], Tensor.backward
    monkeypatch.setattr(Tensor, "backward", lambda *arguments, **more: backwards.append(1) or original(*arguments, **more))
    run(PASSES[name][0](*tiny()), draws(TINY, 1))
    assert len(backwards) == {"alternating": 2, "self": 1}[name]


@pytest.mark.parametrize("order", ["d-first", "g-first"])
def test_neither_update_touches_the_others_gradients(order):
    """With D at rest (rate 0), its loss leaves nothing in G, and G's nothing in D."""
    g, d = tiny()
    rule = alternating(g, d, order=order)
    rule.opt_d = torch.optim.SGD(d.parameters(), lr=0.0)
    rule.opt_g = torch.optim.SGD(g.parameters(), lr=0.0)
    ((source, target),) = pairs = draws(TINY, 1)
    run(rule, pairs)
    found = [[p.grad.clone() for p in net.parameters()] for net in (g, d)]
    made = g(source)
    of_g = mse_loss(d(made, source), torch.ones(BATCH, 1, 3, 3).double()) + 100 * (made - target).abs().mean()
    of_d = (d(target, source) - 1).square().mean() / 2 + d(made.detach(), source).square().mean() / 2
    for grads, net, loss in ((found[0], g, of_g), (found[1], d, of_d)):
        for one, other in zip(grads, torch.autograd.grad(loss, list(net.parameters()), retain_graph=True), strict=True):
            torch.testing.assert_close(one, other)
    assert all(p.requires_grad for p in d.parameters())


def test_the_translations_of_a_step_are_judged_in_the_next_beside_their_own_sources():
    g, d = tiny()
    pairs, seen = draws(TINY, 3), []
    d.register_forward_pre_hook(lambda module, inputs: seen.append([one.detach().clone().chunk(3) for one in inputs]))
    rule = self_trained(g, d, TINY)
    kept = dict(rule.carried)
    run(rule, pairs)
    for (images, sources), (source, target) in zip(seen, pairs, strict=True):
        assert torch.equal(images[1], target) and torch.equal(sources[0], source) and torch.equal(sources[1], source)
    assert not seen[0][0][2].any() and not seen[0][1][2].any(), "zeros at first, both"
    for (images_before, sources_before), (images, sources) in itertools.pairwise(seen):
        assert torch.equal(images[2], images_before[0]) and torch.equal(sources[2], sources_before[0])
    assert {name: value.data_ptr() for name, value in rule.carried.items()} == {name: value.data_ptr() for name, value in kept.items()}
    assert sorted(kept) == ["previous", "previous_source"] and torch.equal(rule.carried["previous_source"], pairs[-1][0])


def test_the_columns_name_what_a_step_returns():
    for make in (alternating, lambda g, d: self_trained(g, d, TINY)):
        rule = make(*tiny())
        (row,) = run(rule, draws(TINY, 1))
        assert len(row) == 2 + len(rule.columns) and rule.columns[-1] == "pixel" and rule.streams == {}
