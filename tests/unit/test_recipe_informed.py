"""The alternating step with mutual information in G's loss, against a plain transcription of Belghazi et al. 2018, §5.1."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn

from ganzoo import models
from ganzoo.losses import LOSSES
from ganzoo.recipes import Alternating, Informed, StatisticsNetwork
from ganzoo.recipes.informed import add_clipped

LATENT, BATCH, IMAGE, STEPS = 8, 16, (1, 8, 8), 5
MINE = {"weight": 0.7, "rate": 0.1, "clip": True}


class Told(nn.Module):
    """A dense network that is told classes: an embedding added to its input."""

    def __init__(self, net: nn.Module, size: int):
        super().__init__()
        self.net, self.embed = net, nn.Embedding(10, size)

    def forward(self, x: Tensor, labels: Tensor) -> Tensor:
        return self.net(x + self.embed(labels).view_as(x))


def networks(code: int = LATENT, *, told: bool = False) -> tuple[nn.Module, nn.Module, StatisticsNetwork]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        cls = models.get("mlp-gan")
        g, d = cls.build(cls.Options(hidden_g=[24, 32], hidden_d=[32, 24]), LATENT, IMAGE)
        if told:
            g, d = Told(g, LATENT), Told(d, math.prod(IMAGE))
        return g.double(), d.double(), StatisticsNetwork(math.prod(IMAGE), code, [20, 12]).double()


def adam(net: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), foreach=False)


def rule_of(g: nn.Module, d: nn.Module, t: StatisticsNetwork, **changed) -> Informed:
    settings = {"loss": "non-saturating", "d_weight": 0.5, "fresh_z": False, "autocast": nullcontext, **MINE, **changed}
    return Informed(g, d, adam(g), adam(d), statistics=t, opt_t=adam(t), **settings)


def draws(count: int) -> list[list[Tensor]]:
    """Reals (values in [-1, 1]), latents and labels of `count` batches."""
    chance = torch.Generator().manual_seed(5)
    reals = [torch.rand(BATCH, *IMAGE, generator=chance, dtype=torch.double) * 2 - 1 for _ in range(count)]
    latents = [torch.randn(BATCH, LATENT, generator=chance, dtype=torch.double) for _ in range(count)]
    return [reals, latents, [torch.randint(0, 10, (BATCH,), generator=chance) for _ in range(count)]]


def length(gradients: Sequence[Tensor]) -> float:
    return math.sqrt(sum(float(gradient.square().sum()) for gradient in gradients))


def transcription(g: nn.Module, d: nn.Module, t: StatisticsNetwork, mine: dict, *, fresh_z: bool, g_first: bool, told: bool) -> list[tuple]:
    """As a reader would write it: G runs anew for each gradient, T sees one pair at a time, norms are numbers."""
    opt_g, opt_d, opt_t = adam(g), adam(d), adam(t)
    loss, mean, seen, code = LOSSES["non-saturating"], None, [], t.sizes[1]
    reals, latents, labels = draws(2 * STEPS)
    reals, latents, y = iter(reals), iter(latents), (labels[0],) if told else ()

    def update_d(fakes: Tensor) -> float:
        opt_d.zero_grad()
        d_loss = 0.5 * loss.d(d(next(reals), *y), d(fakes.detach(), *y))
        d_loss.backward()
        opt_d.step()
        return d_loss.item()

    def of_t(fakes: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """T on each fake with its own z, and with the z of the fake before it."""
        own = torch.stack([t(fakes[i : i + 1], z[i : i + 1, :code])[0] for i in range(BATCH)])
        return own, torch.stack([t(fakes[i : i + 1], z[i - 1, :code][None])[0] for i in range(BATCH)])

    for _ in range(STEPS):
        z = next(latents)
        if not g_first:
            d_loss = update_d(g(z, *y))
            z = next(latents) if fresh_z else z
        g_loss = loss.g(d(g(z, *y), *y))
        of_loss = torch.autograd.grad(g_loss, list(g.parameters()))
        fakes = g(z, *y)
        own, other = of_t(fakes, z)
        present = other.exp().mean().item()
        mean = present if mean is None else (1 - mine["rate"]) * mean + mine["rate"] * present
        of_information = torch.autograd.grad(mine["weight"] * (other.exp().mean() / mean - own.mean()), list(g.parameters()))
        if mine["clip"]:
            share = min(length(of_loss), length(of_information)) / length(of_information)
            of_information = [share * gradient for gradient in of_information]
        for p, one, another in zip(g.parameters(), of_loss, of_information, strict=True):
            p.grad = one + another
        opt_g.step()
        own, other = of_t(fakes.detach(), z)
        opt_t.zero_grad()
        (other.exp().mean() / mean - own.mean()).backward()
        opt_t.step()
        if g_first:
            d_loss = update_d(g(next(latents), *y) if fresh_z else fakes)
        seen.append((d_loss, g_loss.item(), own.mean().item() - math.log(present)))
    return seen


@pytest.mark.parametrize(
    "setting",
    [
        {},
        {"weight": 0.001},
        {"clip": False},
        {"weight": 20.0, "rate": 1.0},
        {"fresh_z": True, "code": 3},
        {"g_first": True},
        {"g_first": True, "fresh_z": True, "clip": False},
        {"told": True, "code": 5},
    ],
    ids=str,
)
def test_five_steps_equal_the_plain_ones(setting):
    mine = MINE | {key: value for key, value in setting.items() if key in MINE}
    order = {key: setting.get(key, False) for key in ("fresh_z", "g_first")}
    told = setting.get("told", False)
    nets = networks(setting.get("code", LATENT), told=told)
    plain, start = copy.deepcopy(nets), copy.deepcopy(nets)
    reals, latents, labels = draws(2 * STEPS)
    reals, latents = iter(reals), iter(latents)
    kept = torch.empty(BATCH, LATENT, dtype=torch.double)

    def noise():
        z = kept.copy_(next(latents))  # one buffer, refilled, as the loop has it
        return (z, labels[0]) if told else z

    rule = rule_of(*nets, **mine, **order)
    found = [rule.step(lambda: (next(reals), labels[0]) if told else next(reals), noise, 1) for _ in range(STEPS)]
    expected = transcription(*plain, mine, **order, told=told)
    for one, other in zip(found, expected, strict=True):
        assert tuple(map(float, one)) == pytest.approx(other, abs=1e-10)
    for net, other, before in zip(nets, plain, start, strict=True):
        for key, value in other.state_dict().items():
            torch.testing.assert_close(net.state_dict()[key], value, rtol=0, atol=1e-10, msg=lambda text, key=key: f"{key}: {text}")
        assert not torch.allclose(next(net.parameters()), next(before.parameters()), atol=1e-4)


def step(rule: Alternating, d_steps: int = 1) -> tuple:
    reals, latents, _ = draws(2)
    return rule.step(lambda: reals[0], lambda: latents[0], d_steps)


def test_at_weight_0_g_is_as_without_it_and_the_information_is_still_told():
    nets, others = networks(), networks()
    informed = rule_of(*nets, weight=0.0)
    usual = Alternating(
        others[0], others[1], adam(others[0]), adam(others[1]), loss="non-saturating", d_weight=0.5, fresh_z=False, autocast=nullcontext
    )
    for _ in range(3):
        d_loss, g_loss, mi = step(informed)
        assert (d_loss, g_loss) == step(usual) and mi.isfinite()
    for net, other in zip(nets[:2], others[:2], strict=True):
        assert all(torch.equal(one, two) for one, two in zip(net.parameters(), other.parameters(), strict=True))
    assert any(not torch.equal(one, two) for one, two in zip(nets[2].parameters(), others[2].parameters(), strict=True))


@pytest.mark.parametrize(
    ("own", "information", "share"),
    [([3.0, 4.0], [30.0, 40.0], 0.1), ([3.0, 4.0], [0.3, 0.4], 1.0), ([3.0, 4.0], [0.0, 0.0], 0.0), ([0.0, 0.0], [1.0, 2.0], 0.0)],
    ids=["longer", "shorter", "no information", "no loss"],
)
def test_the_clip_is_of_the_whole_gradient(own, information, share):
    """The norm runs over both parameters; a clip of each alone would give other shares."""
    params = [nn.Parameter(torch.zeros(1)) for _ in own]
    for p, value in zip(params, own, strict=True):
        p.grad = torch.tensor([value])
    add_clipped(params, [torch.tensor([value]) for value in information])
    assert [float(p.grad) for p in params] == pytest.approx([a + share * b for a, b in zip(own, information, strict=True)])


def test_a_weight_that_the_loss_does_not_reach_is_passed_over():
    reached, other = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    reached.grad = torch.ones(1)
    add_clipped([reached, other], [torch.full((1,), 0.5), None])
    assert float(reached.grad) == 1.5 and other.grad is None


def test_orthogonal_regularisation_comes_on_top():
    """Its gradient is neither clipped nor counted into the norm of G's own loss."""
    gradients = []
    for beta in (0.0, 1e-2):
        g, d, t = networks()
        rule = rule_of(g, d, t, ortho_g=beta, weight=50.0)
        rule.opt_g = torch.optim.SGD(g.parameters(), lr=0.0)
        step(rule)
        gradients.append([p.grad.clone() for p in g.parameters()])
    weights = [p for p in networks()[0].parameters() if p.dim() > 1]
    added = [b - a for a, b in zip(*gradients, strict=True)]
    assert all(not one.any() for one in added if one.dim() == 1)
    for w, one in zip(weights, (one for one in added if one.dim() > 1), strict=True):
        inner = w @ w.T
        torch.testing.assert_close(one, 4e-2 * (inner - inner.diag().diag()) @ w, rtol=1e-8, atol=1e-12)


def test_t_runs_once_a_step():
    """For itself and for G, on fakes that G made anyway."""
    g, d, t = networks()
    rule, passes, pairs = rule_of(g, d, t), [], t.pairs
    g.register_forward_hook(lambda *_: passes.append("g"))
    d.register_forward_hook(lambda *_: passes.append("d"))
    t.pairs = lambda *arguments: passes.append("t") or pairs(*arguments)
    step(rule)
    assert passes == ["g", "d", "d", "t"]


@pytest.mark.parametrize("clip", [True, False])
def test_d_gets_no_gradient_from_g_s_update_and_t_none_from_d_s(clip):
    g, d, t = networks()
    rule = rule_of(g, d, t, clip=clip)
    rule.g_update(rule.fakes(draws(1)[1][0]))
    assert all(p.grad is None for p in d.parameters()) and all(p.grad is not None for p in t.parameters())
    assert all(p.requires_grad for p in (*d.parameters(), *t.parameters()))


def test_the_bound_rises_when_g_ascends_it():
    """A G that ignores z is taught by the term alone to tell of it: with D's loss constant, the information grows from nothing."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        g = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2), nn.Tanh())
        with torch.no_grad():
            g[0].weight.mul_(0.02)
        t = StatisticsNetwork(2, 2, [32, 32])
    d = nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))
    rule = Informed(
        g, d, torch.optim.Adam(g.parameters(), 2e-3), torch.optim.SGD(d.parameters(), 0.0), statistics=t,
        opt_t=torch.optim.Adam(t.parameters(), 5e-3), weight=1.0, rate=0.05, clip=False, loss="non-saturating", d_weight=0.5, fresh_z=False,
        autocast=nullcontext,
    )  # fmt: skip
    chance = torch.Generator().manual_seed(0)
    seen = [float(rule.step(lambda: torch.zeros(64, 2), lambda: torch.randn(64, 2, generator=chance), 0)[2]) for _ in range(300)]
    early, late = sum(seen[:20]) / 20, sum(seen[-20:]) / 20
    assert abs(early) < 0.05 and late > 1.0
