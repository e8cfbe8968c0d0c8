"""Translation between two unpaired sides (CycleGAN), in the usual and in Self form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.optim import Optimizer

from ganzoo.losses import LOSSES, Loss
from ganzoo.recipes.fake_buffer import FakeBuffer
from ganzoo.recipes.rule import NOTHING, Autocast, frozen, mixes_samples, widened
from ganzoo.recipes.self_trained import SELF_COLUMNS, Balance

Sides = tuple[Tensor, Tensor]  # a and b, each (N, C, H, W)
SIDES = ("a", "b")


@dataclass
class Cycle:
    """What the four passes of the two generators give: fakes of both sides, and G's loss beside the adversarial one."""

    fake_a: Tensor
    fake_b: Tensor
    cycle: Tensor  # mean of E|a - BA(AB(a))| and E|b - AB(BA(b))|
    identity: Tensor  # mean of E|a - BA(a)| and E|b - AB(b)|


class _Networks:
    """G: {"ab", "ba"}; D: {"a", "b"}, image → patches (N, 1, h, w)."""

    def __init__(self, g: nn.ModuleDict, d: nn.ModuleDict, autocast: Autocast):
        self.g, self.d, self.autocast = g, d, autocast
        self.g_apart, self.d_apart = mixes_samples(g), mixes_samples(d)

    @staticmethod
    def _passed(net: nn.Module, batches: Sides, apart: bool) -> tuple[Tensor, ...]:
        if apart:
            return tuple(widened(net(batch)) for batch in batches)
        return widened(net(torch.cat(batches))).chunk(len(batches))

    def cycle(self, a: Tensor, b: Tensor) -> Cycle:
        """Two passes of each generator: of both sides, and back; one is a translation and one should change nothing.

        In the order of the author's code, which running batch statistics know: identity, translation, the way back.
        """
        with self.autocast():
            same_a, fake_a = self._passed(self.g["ba"], (a, b), self.g_apart)
            same_b, fake_b = self._passed(self.g["ab"], (b, a), self.g_apart)
            back_a, back_b = widened(self.g["ba"](fake_b)), widened(self.g["ab"](fake_a))
        cycle = (l1_loss(back_a, a) + l1_loss(back_b, b)) / 2
        return Cycle(fake_a, fake_b, cycle, (l1_loss(same_a, a) + l1_loss(same_b, b)) / 2)

    def judged(self, side: str, *batches: Tensor) -> tuple[Tensor, ...]:
        with self.autocast():
            return self._passed(self.d[side], batches, self.d_apart)


class _Histories:
    """The fakes that D judges: one history a side, or, as the author's code has it, both sides' fakes in one."""

    def __init__(self, size: int, one: bool, like: Tensor, stream: torch.Generator):
        first = FakeBuffer(size, like, stream)
        self.of = {"a": first, "b": first if one else FakeBuffer(size, like, stream)}
        kept = {"a": first} if one else self.of
        self.carried = {f"{name}_{side}": getattr(one, name) for side, one in kept.items() for name in ("images", "filled")}


class UnpairedAlternating:
    """Zhu et al. 2017, eq. 1-3 and §5.2 (identity): G's update through both D's, then each D's on reals and a history of fakes.

    G: mean of both adversarial losses + λ_cycle·cycle + λ_identity·identity.
    """

    columns = ("cycle", "identity")
    networks = optimisers = NOTHING

    def __init__(
        self, g: nn.ModuleDict, d: nn.ModuleDict, opt_g: Optimizer, opt_d: Optimizer, *, loss: str, d_weight: float, lambda_cycle: float,
        lambda_identity: float, buffer: int, one_buffer: bool, like: Tensor, stream: torch.Generator, autocast: Autocast,
    ):  # fmt: skip
        self.nets, self.opt_g, self.opt_d = _Networks(g, d, autocast), opt_g, opt_d
        self.loss: Loss = LOSSES[loss]
        self.d_weight, self.lambda_cycle, self.lambda_identity = d_weight, lambda_cycle, lambda_identity
        self.params_g, self.params_d = ([p for p in net.parameters() if p.requires_grad] for net in (g, d))
        self.histories = _Histories(buffer, one_buffer, like, stream)
        self.carried, self.streams = self.histories.carried, {"buffer": stream}

    def step(self, reals: Callable[[], Sides], noise: Callable[[], Tensor], d_steps: int) -> tuple[Tensor, ...]:
        """(D loss, G's adversarial loss, cycle, identity), means over both sides. One update each; no z is drawn."""
        a, b = reals()
        made = self.nets.cycle(a, b)
        fakes = {"a": made.fake_a, "b": made.fake_b}
        with frozen(self.params_d):
            adversarial = sum(self.loss.g(*self.nets.judged(side, fakes[side])) for side in SIDES) / 2
        self.opt_g.zero_grad(set_to_none=True)
        (adversarial + self.lambda_cycle * made.cycle + self.lambda_identity * made.identity).backward(inputs=self.params_g)
        self.opt_g.step()
        losses = []
        for side, real in zip(SIDES, (a, b), strict=True):
            old = self.histories.of[side].exchange(fakes[side].detach())
            losses.append(self.loss.d(*self.nets.judged(side, real, old)) * self.d_weight)
        self.opt_d.zero_grad(set_to_none=True)
        sum(losses).backward(inputs=self.params_d)  # the two D's share no weight: each gets the gradient of its own loss
        self.opt_d.step()
        d_loss = sum(losses).detach() / 2
        return d_loss, adversarial.detach(), made.cycle.detach(), made.identity.detach()


class UnpairedSelf:
    """The Self form (*selfgan*'s author's self_cyclegan, 0b3fbd4): one loss and one optimiser for all four networks.

    Mean of both sides' Self losses + λ_cycle·cycle + λ_identity·identity. D judges this step's fakes, the reals, and what the history gave
    back for the fakes of the step before (zeros at first, which are in the history, too).
    """

    columns = (*SELF_COLUMNS, "cycle", "identity")
    networks = optimisers = NOTHING

    def __init__(
        self, g: nn.ModuleDict, d: nn.ModuleDict, optimiser: Optimizer, *, balance: Balance, lambda_cycle: float, lambda_identity: float,
        buffer: int, one_buffer: bool, like: Tensor, stream: torch.Generator, autocast: Autocast,
    ):  # fmt: skip
        self.nets, self.optimiser, self.balance = _Networks(g, d, autocast), optimiser, balance
        self.lambda_cycle, self.lambda_identity = lambda_cycle, lambda_identity
        self.histories = _Histories(buffer, one_buffer, like, stream)
        self.judged_next = {side: torch.zeros_like(like) for side in SIDES}
        for history in {id(one): one for one in self.histories.of.values()}.values():
            history.exchange(torch.zeros_like(like))
        self.carried = self.histories.carried | {f"next_{side}": kept for side, kept in self.judged_next.items()}
        self.streams = {"buffer": stream}

    def step(self, reals: Callable[[], Sides], noise: Callable[[], Tensor], d_steps: int) -> tuple[Tensor, ...]:
        a, b = reals()
        made = self.nets.cycle(a, b)
        fakes = {"a": made.fake_a, "b": made.fake_b}
        found = [
            self.balance.of(*self.nets.judged(side, fakes[side], real, self.judged_next[side]))
            for side, real in zip(SIDES, (a, b), strict=True)
        ]
        loss = sum(one for one, _ in found) / 2
        self.optimiser.zero_grad(set_to_none=True)
        (loss + self.lambda_cycle * made.cycle + self.lambda_identity * made.identity).backward()
        self.optimiser.step()
        for side in SIDES:
            self.judged_next[side].copy_(self.histories.of[side].exchange(fakes[side].detach()))
        logged = [(of_a + of_b) / 2 for of_a, of_b in zip(*(values for _, values in found), strict=True)]
        return *logged, made.cycle.detach(), made.identity.detach()
