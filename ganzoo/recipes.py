"""The update rules: what one training step does. A step is a function of tensors with static shapes; nothing in it reads a value back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from ganzoo.losses import LOSSES

Autocast = Callable[[], AbstractContextManager]


@contextmanager
def frozen(params: Iterable[nn.Parameter]) -> Iterator[None]:
    """What is computed in here has no gradients for `params`, and saves nothing for them."""
    params = list(params)
    for p in params:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in params:
            p.requires_grad_(True)


class Alternating:
    """Goodfellow et al. 2014, Algorithm 1: `d_steps` updates of D, then one of G.

    With `fresh_z` off, the G update reuses the fakes of the last D update, so G runs forward once a step. D's real and
    fake batch go through D as one where D treats samples independently; with batch norm in D they go separately, as
    the statistics would mix, and so they do where a layer of D says `mixes_samples = True` of itself. D's weights get
    no gradients in G's update.
    """

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
    ):
        self.g, self.d, self.opt_g, self.opt_d = g, d, opt_g, opt_d
        self.loss, self.d_weight, self.fresh_z, self.autocast = LOSSES[loss], d_weight, fresh_z, autocast
        self.params_g, self.params_d = ([p for p in net.parameters() if p.requires_grad] for net in (g, d))
        self.d_mixes_samples = any(isinstance(layer, _BatchNorm) or getattr(layer, "mixes_samples", False) for layer in d.modules())

    def logits(self, x: Tensor) -> Tensor:
        return self.d(x).float()

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
            return self.g(z).float()

    def step(self, reals: Callable[[], Tensor], noise: Callable[[], Tensor], d_steps: int) -> tuple[Tensor | None, Tensor]:
        """`d_steps` D updates and one G update; returns (D loss of the last, G loss), scalars on device. 0 D steps: no D loss."""
        if d_steps == 0:
            return None, self.g_update(self.fakes(noise()))
        for remaining in range(d_steps, 0, -1):
            reuse = remaining == 1 and not self.fresh_z
            with torch.set_grad_enabled(reuse):
                fakes = self.fakes(noise())
            d_loss = self.d_update(reals(), fakes.detach())
        if self.fresh_z:
            fakes = self.fakes(noise())
        return d_loss, self.g_update(fakes)
