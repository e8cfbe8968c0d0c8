"""Translation with pairs (pix2pix): an adversarial loss and the distance to the target picture, in the usual and in Self form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.optim import Optimizer

from ganzoo.losses import LOSSES, Loss
from ganzoo.recipes.rule import NOTHING, Autocast, frozen, mixes_samples, widened
from ganzoo.recipes.self_trained import SELF_COLUMNS, Balance

Pair = tuple[Tensor, Tensor]  # source and target, each (N, C, H, W)


@dataclass
class _Networks:
    """G (source → target) and D (image, source → patches (N, 1, h, w)), and how they are run."""

    g: nn.Module
    d: nn.Module
    autocast: Autocast

    def __post_init__(self):
        self.apart = mixes_samples(self.d)

    def translated(self, source: Tensor) -> Tensor:
        with self.autocast():
            return widened(self.g(source))

    def judged(self, *pairs: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        """D's patches for each (image, source) of equally many; in one pass where D treats samples independently."""
        with self.autocast():
            if self.apart:
                return tuple(widened(self.d(image, source)) for image, source in pairs)
            images, sources = (torch.cat(side) for side in zip(*pairs, strict=True))
            return widened(self.d(images, sources)).chunk(len(pairs))


class PairedAlternating:
    """Isola et al. 2017, eq. 1-4: min_G max_D of the adversarial loss, plus λ·E|target - G(source)| for G; D sees the source, too.

    No z: what is random in G is its dropout. `g_first`: G's update comes first, as in *selfgan*'s author's code.
    """

    columns = ("pixel",)
    networks = optimisers = NOTHING

    def __init__(
        self, g: nn.Module, d: nn.Module, opt_g: Optimizer, opt_d: Optimizer, *, loss: str, d_weight: float, lambda_pixel: float,
        g_first: bool, autocast: Autocast,
    ):  # fmt: skip
        self.nets, self.opt_g, self.opt_d = _Networks(g, d, autocast), opt_g, opt_d
        self.loss: Loss = LOSSES[loss]
        self.d_weight, self.lambda_pixel, self.g_first = d_weight, lambda_pixel, g_first
        self.params_g, self.params_d = ([p for p in net.parameters() if p.requires_grad] for net in (g, d))
        self.carried: dict[str, Tensor] = {}
        self.streams: dict[str, torch.Generator] = {}

    def _d_update(self, source: Tensor, target: Tensor, made: Tensor) -> Tensor:
        real, fake = self.nets.judged((target, source), (made.detach(), source))
        loss = self.loss.d(real, fake) * self.d_weight
        self.opt_d.zero_grad(set_to_none=True)
        loss.backward(inputs=self.params_d)
        self.opt_d.step()
        return loss.detach()

    def _g_update(self, source: Tensor, target: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
        with frozen(self.params_d):
            (judged,) = self.nets.judged((made, source))
        adversarial, pixel = self.loss.g(judged), l1_loss(made, target)
        self.opt_g.zero_grad(set_to_none=True)
        (adversarial + self.lambda_pixel * pixel).backward(inputs=self.params_g)
        self.opt_g.step()
        return adversarial.detach(), pixel.detach()

    def step(self, reals: Callable[[], Pair], noise: Callable[[], Tensor], d_steps: int) -> tuple[Tensor, Tensor, Tensor]:
        """(D loss, G's adversarial loss, distance of pixels). One update each; no z is drawn."""
        source, target = reals()
        made = self.nets.translated(source)
        if self.g_first:
            of_g = self._g_update(source, target, made)
            return self._d_update(source, target, made), *of_g
        d_loss = self._d_update(source, target, made)
        return d_loss, *self._g_update(source, target, made)


class PairedSelf:
    """The Self form (*selfgan*, §4; its author's self_pix2pix, 0b3fbd4): one loss, one optimiser, plus λ·E|target - G(source)|.

    D judges this step's translations, the targets, and the translations of the step before with their sources (both zeros at first).
    """

    columns = (*SELF_COLUMNS, "pixel")
    networks = optimisers = NOTHING

    def __init__(
        self, g: nn.Module, d: nn.Module, optimiser: Optimizer, *, balance: Balance, lambda_pixel: float, previous: Tensor,
        previous_source: Tensor, autocast: Autocast,
    ):  # fmt: skip
        self.nets, self.optimiser, self.balance, self.lambda_pixel = _Networks(g, d, autocast), optimiser, balance, lambda_pixel
        self.carried = {"previous": previous, "previous_source": previous_source}
        self.streams: dict[str, torch.Generator] = {}

    def step(self, reals: Callable[[], Pair], noise: Callable[[], Tensor], d_steps: int) -> tuple[Tensor, ...]:
        source, target = reals()
        made = self.nets.translated(source)
        before = self.carried["previous"], self.carried["previous_source"]
        loss, logged = self.balance.of(*self.nets.judged((made, source), (target, source), before))
        pixel = l1_loss(made, target)
        self.optimiser.zero_grad(set_to_none=True)
        (loss + self.lambda_pixel * pixel).backward()
        self.optimiser.step()
        for kept, now in zip(before, (made, source), strict=True):
            kept.copy_(now.detach())
        return *logged, pixel.detach()
