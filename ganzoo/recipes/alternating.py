"""The usual GAN: G and D updated in turn."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.losses import LOSSES
from ganzoo.recipes.rule import Autocast, frozen, mixes_samples, widened


class Alternating:
    """Goodfellow et al. 2014, Algorithm 1: `d_steps` updates of D, then one of G; with `g_first`, G's comes first.

    With `fresh_z` off, the second network's update reuses the fakes of the first one's, so G runs forward once a step. D's real and
    fake batch go through D as one where D treats samples independently; where it mixes them they go separately, as the statistics
    would mix. D's weights get no gradients in G's update.
    """

    columns: tuple[str, ...] = ()

    def __init__(
        self,
        g: nn.Module,
        d: nn.Module,
        opt_g: Optimizer,
        opt_d: Optimizer,
        *,
        loss: str,
        d_weight: float,
        fresh_z: bool,
        autocast: Autocast,
        g_first: bool = False,
    ):
        self.g, self.d, self.opt_g, self.opt_d = g, d, opt_g, opt_d
        self.loss, self.d_weight, self.fresh_z, self.autocast, self.g_first = LOSSES[loss], d_weight, fresh_z, autocast, g_first
        self.params_g, self.params_d = ([p for p in net.parameters() if p.requires_grad] for net in (g, d))
        self.d_mixes_samples = mixes_samples(d)
        self.carried: dict[str, Tensor] = {}
        self.streams: dict[str, torch.Generator] = {}

    def logits(self, x: Tensor) -> Tensor:
        return widened(self.d(x))

    def d_update(self, x: Tensor, fakes: Tensor) -> Tensor:
        """One D update on reals x and detached fakes, both (N, C, H, W); returns the scalar loss, on device."""
        with self.autocast():
            if self.d_mixes_samples:
                real, fake = self.logits(x), self.logits(fakes)
            else:
                real, fake = self.logits(torch.cat((x, fakes))).chunk(2)
            loss = self.loss.d(real, fake) * self.d_weight
        self.opt_d.zero_grad(set_to_none=True)
        loss.backward(inputs=self.params_d)
        self.opt_d.step()
        return loss.detach()

    def g_update(self, fakes: Tensor) -> Tensor:
        """One G update through the current D; `fakes` (N, C, H, W) carry G's graph."""
        with frozen(self.params_d), self.autocast():
            loss = self.loss.g(self.logits(fakes))
        self.opt_g.zero_grad(set_to_none=True)
        loss.backward(inputs=self.params_g)
        self.opt_g.step()
        return loss.detach()

    def fakes(self, z: Tensor) -> Tensor:
        with self.autocast():
            return widened(self.g(z))

    def step(self, reals: Callable[[], Tensor], noise: Callable[[], Tensor], d_steps: int) -> tuple[Tensor | None, Tensor]:
        if self.g_first or d_steps == 0:
            fakes = self.fakes(noise())
            g_loss, d_loss = self.g_update(fakes), None
            for done in range(d_steps):
                if done or self.fresh_z:
                    with torch.no_grad():
                        fakes = self.fakes(noise())
                d_loss = self.d_update(reals(), fakes.detach())
            return d_loss, g_loss
        for remaining in range(d_steps, 0, -1):
            reuse = remaining == 1 and not self.fresh_z
            with torch.set_grad_enabled(reuse):
                fakes = self.fakes(noise())
            d_loss = self.d_update(reals(), fakes.detach())
        if self.fresh_z:
            fakes = self.fakes(noise())
        return d_loss, self.g_update(fakes)
