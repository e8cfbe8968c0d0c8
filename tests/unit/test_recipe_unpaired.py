"""Translation without pairs against a plain transcription of its formulas (Zhu et al. 2017; *selfgan*'s author's notebook, 0b3fbd4)."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, l1_loss, mse_loss

from ganzoo import models
from ganzoo.recipes import Balance, UnpairedAlternating, UnpairedSelf

STEPS = 8
ADAM = {"lr": 1e-3, "betas": (0.5, 0.999)}
TINY, SMALLEST = (2, 6, 6), (1, 32, 32)  # of one side: of the networks below, and of cyclegan


def tiny(*, batchnorm: bool = False) -> tuple[nn.ModuleDict, nn.ModuleDict]:
    torch.manual_seed(0)

    def norms(channels: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(channels)] if batchnorm else []

    def generator() -> nn.Module:
        return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), *norms(4), nn.ReLU(), nn.Conv2d(4, 2, 3, padding=1), nn.Tanh())

    def discriminator() -> nn.Module:
        return nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), *norms(4), nn.LeakyReLU(0.2), nn.Conv2d(4, 1, 4, 2, 1))

    g, d = nn.ModuleDict({way: generator() for way in ("ab", "ba")}), nn.ModuleDict({side: discriminator() for side in "ab"})
    return g.double(), d.double()


def cyclegan() -> tuple[nn.ModuleDict, nn.ModuleDict]:
    torch.manual_seed(0)
    cls = models.get("cyclegan")
    g, d = cls.build(cls.Options(width=2, blocks=1), 1, SMALLEST)
    return g.double(), d.double()


NETWORKS = {"batched": (tiny, TINY), "separate": (lambda: tiny(batchnorm=True), TINY), "cyclegan": (cyclegan, SMALLEST)}
every_network = pytest.mark.parametrize("networks", list(NETWORKS))


def draws(image: tuple[int, int, int], batch: int, steps: int = STEPS) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(5)
    return [tuple(torch.rand(2, batch, *image, generator=generator).double() * 2 - 1) for _ in range(steps)]


def history(like: Tensor, buffer: int, one_buffer: bool) -> dict:
    return {"buffer": buffer, "one_buffer": one_buffer, "like": like, "stream": torch.Generator().manual_seed(11)}


def alternating(
    g, d, like, *, loss="mse", d_weight=0.5, lambda_cycle=10.0, lambda_identity=5.0, buffer=4, one_buffer=False
) -> UnpairedAlternating:
    opt_g, opt_d = (torch.optim.Adam(net.parameters(), **ADAM, fused=True) for net in (g, d))
    return UnpairedAlternating(
        g, d, opt_g, opt_d, loss=loss, d_weight=d_weight, lambda_cycle=lambda_cycle, lambda_identity=lambda_identity,
        **history(like, buffer, one_buffer), autocast=nullcontext,
    )  # fmt: skip


def self_trained(
    g, d, like, *, loss="mse", balance="outputs", form="shares", lambda_cycle=10.0, lambda_identity=5.0, buffer=4, one_buffer=True
) -> UnpairedSelf:
    optimiser = torch.optim.Adam([*g.parameters(), *d.parameters()], **ADAM, fused=True)
    return UnpairedSelf(
        g, d, optimiser, balance=Balance(loss, balance, form, (0.1, 0.9)), lambda_cycle=lambda_cycle, lambda_identity=lambda_identity,
        **history(like, buffer, one_buffer), autocast=nullcontext,
    )  # fmt: skip


def run(rule, sides: list[tuple[Tensor, Tensor]]) -> list[tuple[float, ...]]:
    """What each step returned. Both sides come in one buffer, refilled, as batches do."""
    buffer = torch.empty(2, *sides[0][0].shape, dtype=torch.float64)

    def reals(pair: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        for kept, now in zip(buffer, pair, strict=True):
            kept.copy_(now)
        return buffer[0], buffer[1]

    def noise() -> Tensor:
        raise AssertionError("translation draws no z")

    return [tuple(map(float, rule.step(lambda pair=pair: reals(pair), noise, 1))) for pair in sides]


class History:
    """A list of single images, and the draws of the rule's stream in the order in which the paper needs them."""

    def __init__(self, size: int, stream: torch.Generator):
        self.size, self.stream, self.kept, self.swaps = size, stream, [], 0

    def push(self, batch: Tensor) -> Tensor:
        out = []
        for image in batch.detach().clone().split(1):
            if len(self.kept) < self.size:
                self.kept.append(image)
            elif torch.rand((), generator=self.stream) > 0.5:
                place = torch.randint(self.size, (), generator=self.stream)
                self.kept[place], image = image, self.kept[place]
                self.swaps += 1
            out.append(image)
        return torch.cat(out)


def histories(setting: dict) -> dict[str, History]:
    stream = torch.Generator().manual_seed(11)
    a, b = (History(setting["buffer"], stream) for _ in "ab")
    return {"a": a, "b": a if setting["one_buffer"] else b}


def adversarial(loss: str):
    squares = loss == "mse"
    criterion = mse_loss if squares else binary_cross_entropy
    return (lambda x: x) if squares else torch.sigmoid, lambda outputs, target: criterion(outputs, torch.full_like(outputs, target))


def made_of(g, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """(fake_a, fake_b, cycle, identity), every pass by itself."""
    to_a, to_b = g["ba"], g["ab"]
    identity = (l1_loss(to_a(a), a) + l1_loss(to_b(b), b)) / 2
    fake_a, fake_b = to_a(b), to_b(a)
    return fake_a, fake_b, (l1_loss(to_a(fake_b), a) + l1_loss(to_b(fake_a), b)) / 2, identity


def usual(g, d, setting: dict, sides) -> tuple[list[tuple[float, ...]], dict[str, History]]:
    """Three optimisers, G's first; each discriminator on its own loss, one after the other, as the notebook has it."""
    opt_g = torch.optim.Adam(g.parameters(), **ADAM, foreach=False)
    opt_d = {side: torch.optim.Adam(net.parameters(), **ADAM, foreach=False) for side, net in d.items()}
    output, loss_of = adversarial(setting["loss"])
    past, seen = histories(setting), []
    for a, b in sides:
        opt_g.zero_grad()
        fake_a, fake_b, cycle, identity = made_of(g, a, b)
        gan = (loss_of(output(d["b"](fake_b)), 1.0) + loss_of(output(d["a"](fake_a)), 1.0)) / 2
        (gan + setting["lambda_cycle"] * cycle + setting["lambda_identity"] * identity).backward()
        opt_g.step()
        of_d = []
        for side, real, fake in (("a", a, fake_a), ("b", b, fake_b)):
            opt_d[side].zero_grad()
            loss = loss_of(output(d[side](real)), 1.0) + loss_of(output(d[side](past[side].push(fake))), 0.0)
            (setting["d_weight"] * loss).backward()
            opt_d[side].step()
            of_d.append(setting["d_weight"] * loss.item())
        seen.append((sum(of_d) / 2, gan.item(), cycle.item(), identity.item()))
    return seen, past


def together(g, d, setting: dict, sides) -> tuple[list[tuple[float, ...]], dict[str, History]]:
    optimiser = torch.optim.Adam([*g.parameters(), *d.parameters()], **ADAM, foreach=False)
    output, loss_of = adversarial(setting["loss"])
    past, seen, zeros = histories(setting), [], torch.zeros_like(sides[0][0])
    before = {"a": past["a"].push(zeros), "b": zeros if setting["one_buffer"] else past["b"].push(zeros)}
    for a, b in sides:
        optimiser.zero_grad()
        fake_a, fake_b, cycle, identity = made_of(g, a, b)
        total, rows = 0.0, []
        for side, real_image, fake_image in (("a", a, fake_a), ("b", b, fake_b)):
            of_gen, of_real, of_fake = (output(d[side](image)) for image in (fake_image, real_image, before[side]))
            gen, real, fake = loss_of(of_gen, 1.0), loss_of(of_real, 1.0), loss_of(of_fake, 0.0)
            if setting["balance"] == "losses":
                v_g, v_r, v_f = gen, real, fake
            else:
                v_g, v_r, v_f = (of_gen.mean() - 1).abs(), (of_real.mean() - 1).abs(), of_fake.mean().abs()
            if setting["form"] == "shares":
                total = total + (real + 0.1 * v_g * gen + 0.9 * v_f * fake) / 4
            else:
                total = total + (real * v_r + gen * v_g + fake * v_f) / (v_g + v_r + v_f) / 2
            rows.append([value.item() for value in ((real + fake) / 2, gen, v_g, v_r, v_f, of_real.mean(), of_fake.mean())])
        (total + setting["lambda_cycle"] * cycle + setting["lambda_identity"] * identity).backward()
        optimiser.step()
        before = {"a": past["a"].push(fake_a), "b": past["b"].push(fake_b)}
        seen.append((*(sum(pair) / 2 for pair in zip(*rows, strict=True)), cycle.item(), identity.item()))
    return seen, past


def assert_same(found, expected, nets, plain) -> None:
    for one, other in zip(found, expected, strict=True):
        assert one == pytest.approx(other, rel=1e-6, abs=1e-6)
    for net, by_hand in zip(nets, plain, strict=True):
        for (name, one), other in zip(net.state_dict().items(), by_hand.state_dict().values(), strict=True):
            assert (one - other).abs().max() <= 1e-6, name


def assert_same_history(rule, past: dict[str, History]) -> None:
    for side, expected in past.items():
        kept = rule.histories.of[side]
        assert int(kept.filled) == len(expected.kept) == len(kept.images), "the history must be full for the test to mean anything"
        torch.testing.assert_close(kept.images, torch.cat(expected.kept), rtol=0, atol=1e-6)
        assert expected.swaps


WEIGHTS = {"lambda_cycle": 10.0, "lambda_identity": 5.0}
USUAL = [
    {"loss": loss, "d_weight": 0.5, "buffer": 3, "one_buffer": one, **WEIGHTS}
    for loss, one in itertools.product(("non-saturating", "mse"), (False, True))
] + [{"loss": "mse", "d_weight": 1.0, "buffer": 3, "one_buffer": False, "lambda_cycle": 3.0, "lambda_identity": 0.0}]
SELF = [
    {"loss": loss, "balance": balance, "form": form, "buffer": 4, "one_buffer": one, **WEIGHTS}
    for loss, balance, form, one in itertools.product(
        ("non-saturating", "mse"), ("losses", "outputs"), ("shares", "normalised"), (False, True)
    )
] + [{"loss": "mse", "balance": "outputs", "form": "shares", "buffer": 4, "one_buffer": False, "lambda_cycle": 0.0, "lambda_identity": 2.0}]


def in_words(setting: dict) -> str:
    return "-".join(str(value) for value in setting.values())


def cases(settings: list[dict]) -> list:
    """Every setting with the small networks, one setting of each number of histories with cyclegan, which is slower."""
    chosen = [setting for setting in settings if setting["loss"] == "mse" and setting["lambda_identity"] == 5.0][-2:]
    return [
        pytest.param(setting, networks, id=f"{networks}-{in_words(setting)}")
        for networks in NETWORKS
        for setting in (settings if networks != "cyclegan" else chosen)
    ]


every_batch = pytest.mark.parametrize("batch", [1, 3])


@every_batch
@pytest.mark.parametrize(("setting", "networks"), cases(USUAL))
def test_in_turn_equals_the_formulas_as_they_are_written(setting, networks, batch):
    build, image = NETWORKS[networks]
    nets, sides = build(), draws(image, batch)
    plain = copy.deepcopy(nets)
    rule = alternating(*nets, torch.zeros(batch, *image, dtype=torch.float64), **setting)
    found = run(rule, sides)
    expected, past = usual(*plain, setting, sides)
    assert_same(found, expected, nets, plain)
    assert_same_history(rule, past)


@every_batch
@pytest.mark.parametrize(("setting", "networks"), cases(SELF))
def test_self_equals_the_formulas_as_they_are_written(setting, networks, batch):
    build, image = NETWORKS[networks]
    nets, sides = build(), draws(image, batch)
    plain = copy.deepcopy(nets)
    rule = self_trained(*nets, torch.zeros(batch, *image, dtype=torch.float64), **setting)
    found = run(rule, sides)
    expected, past = together(*plain, setting, sides)
    assert_same(found, expected, nets, plain)
    assert_same_history(rule, past)


BUILD = {"alternating": alternating, "self": self_trained}
every_rule = pytest.mark.parametrize("name", BUILD)


def like(batch: int = 3) -> Tensor:
    return torch.zeros(batch, *TINY, dtype=torch.float64)


@every_rule
def test_four_generator_passes_a_step(name):
    """Identity and translation in one: each generator once for both sides, once for the way back."""
    g, d = tiny()
    rule, passes = BUILD[name](g, d, like()), []
    for kind, nets in (("g", g), ("d", d)):
        for which, net in nets.items():
            net.register_forward_pre_hook(lambda module, inputs, which=which, kind=kind: passes.append((kind, which, len(inputs[0]))))
    run(rule, draws(TINY, 3, 1))
    assert Counter(entry for entry in passes if entry[0] == "g") == {("g", way, count): 1 for way in ("ab", "ba") for count in (6, 3)}
    of_d = {"alternating": (3, 6), "self": (9,)}[name]  # G's fakes, then reals with the history; all three at once
    assert Counter(entry for entry in passes if entry[0] == "d") == {("d", side, count): 1 for side in "ab" for count in of_d}


@every_rule
def test_networks_that_mix_samples_see_each_batch_by_itself(name):
    g, d = tiny(batchnorm=True)
    sizes = []
    for net in (*g.values(), *d.values()):
        net.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    run(BUILD[name](g, d, like()), draws(TINY, 3, 1))
    assert sizes == [3] * 12, "six passes of the generators, six of the discriminators"


@every_rule
@pytest.mark.parametrize("weight", ["lambda_cycle", "lambda_identity"])
def test_the_weights_of_cycle_and_identity_are_in_gs_gradient(name, weight):
    """Linear in each weight: two gradients tell by how much, and autograd what it should be."""
    gradients, term = [], None
    for value in (0.0, 1.0):
        g, d = tiny()
        rule = BUILD[name](g, d, like(), **{weight: value})
        still = torch.optim.SGD([*g.parameters(), *d.parameters()], lr=0.0)
        rule.opt_g = rule.opt_d = rule.optimiser = still
        sides = draws(TINY, 3, 1)
        # The D update would clear G's gradients, which this one optimiser knows, too: they are kept as they come.
        kept = [p.register_hook(lambda grad, p=p: setattr(p, "seen", grad.clone())) for p in g.parameters()]
        run(rule, sides)
        for hook in kept:
            hook.remove()
        gradients.append([p.seen for p in g.parameters()])
        _, _, cycle, identity = made_of(g, *sides[0])
        term = torch.autograd.grad(cycle if weight == "lambda_cycle" else identity, list(g.parameters()))
    for without, with_it, expected in zip(*gradients, term, strict=True):
        torch.testing.assert_close(with_it - without, expected)


def test_usual_d_judges_the_history_and_g_the_newest_fakes():
    g, d = tiny()
    sides, seen = draws(TINY, 1, 12), {"a": [], "b": []}
    for side, net in d.items():
        net.register_forward_pre_hook(lambda module, inputs, side=side: seen[side].append(inputs[0].detach().clone()))
    rule = alternating(g, d, like(1), buffer=2)
    run(rule, sides)
    for side, shown in seen.items():
        newest, judged = shown[::2], [both.chunk(2) for both in shown[1::2]]  # of each step: G's update, then D's
        for place, ((real, _), pair) in enumerate(zip(judged, sides, strict=True)):
            assert torch.equal(real, pair["ab".index(side)]), place
        ages = []
        for step, (_, fake) in enumerate(judged):
            (made_in,) = [place for place in range(step + 1) if torch.equal(fake, newest[place])]
            ages.append(step - made_in)
        assert ages[:2] == [0, 0] and max(ages) > 0 and ages[2:].count(0) > 0


def test_self_d_judges_in_a_step_what_the_history_gave_back_after_the_one_before():
    g, d = tiny()
    sides, seen = draws(TINY, 1, 12), {"a": [], "b": []}
    for side, net in d.items():
        net.register_forward_pre_hook(lambda module, inputs, side=side: seen[side].append(inputs[0].detach().clone().chunk(3)))
    rule = self_trained(g, d, like(1), buffer=3, one_buffer=True)
    run(rule, sides)
    crossed = 0
    for side, other in ("ab", "ba"):
        assert not seen[side][0][2].any(), "zeros at first"
        for step, (_, real, fake) in enumerate(seen[side]):
            assert torch.equal(real, sides[step]["ab".index(side)])
            if step:
                own = any(torch.equal(fake, seen[side][before][0]) for before in range(step))
                others = any(torch.equal(fake, seen[other][before][0]) for before in range(step))
                assert own or others or not fake.any(), "made by a generator before this step, or the zeros that the history began with"
                crossed += others
    assert crossed, "with one history the fakes of one side are shown to the other's discriminator, as in the author's code"


@pytest.mark.parametrize(("one_buffer", "zeros"), [(True, 1), (False, 2)])
def test_the_zeros_before_the_first_step_are_in_every_history(one_buffer, zeros):
    rule = self_trained(*tiny(), like(3), buffer=4, one_buffer=one_buffer)
    names = [name for name in rule.carried if name.startswith("filled")]
    assert len(names) == zeros and all(int(rule.carried[name]) == 3 for name in names)
    usual = alternating(*tiny(), like(3), buffer=4, one_buffer=one_buffer)
    assert all(int(usual.carried[name]) == 0 for name in names)


@every_rule
@pytest.mark.parametrize("one_buffer", [True, False])
def test_what_is_carried_stays_the_same_tensors(name, one_buffer):
    rule = BUILD[name](*tiny(), like(), one_buffer=one_buffer)
    sides = ["a"] if one_buffer else ["a", "b"]
    kept = [f"{what}_{side}" for side in sides for what in ("images", "filled")]
    assert sorted(rule.carried) == sorted(kept + (["next_a", "next_b"] if name == "self" else []))
    before = {key: value.data_ptr() for key, value in rule.carried.items()}
    (row, *_) = run(rule, draws(TINY, 3, 3))
    assert {key: value.data_ptr() for key, value in rule.carried.items()} == before
    assert len(row) == 2 + len(rule.columns) and rule.columns[-2:] == ("cycle", "identity") and list(rule.streams) == ["buffer"]


def test_no_d_gradient_comes_from_gs_update():
    g, d = tiny()
    rule = alternating(g, d, like())
    rule.opt_d = torch.optim.SGD(d.parameters(), lr=0.0)
    ((a, b),) = sides = draws(TINY, 3, 1)
    with torch.no_grad():
        fakes = {"a": g["ba"](b), "b": g["ab"](a)}
    expected = {}
    for side, real in (("a", a), ("b", b)):
        net = copy.deepcopy(d[side])
        (mse_loss(net(real), torch.ones(3, 1, 3, 3).double()) / 2 + net(fakes[side]).square().mean() / 2).backward()
        expected[side] = [p.grad for p in net.parameters()]
    run(rule, sides)
    for side, gradients in expected.items():
        for p, gradient in zip(d[side].parameters(), gradients, strict=True):
            torch.testing.assert_close(p.grad, gradient)
            assert p.requires_grad
