"""The usual GAN: G and D updated in turn."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.losses import LOSSES
from ganzoo.recipes.orthogonal import add_gradient, matrices
from ganzoo.recipes.rule import NOTHING, Autocast, Batch, frozen, mixes_samples, parted, widened

Told = tuple[Tensor, ...]  # labels (N,) int64, or nothing


class Alternating:
    """Goodfellow et al. 2014, Algorithm 1: `d_steps` updates of D, then one of G; with `g_first`, G's comes first.

    With `fresh_z` off, the second network's update reuses the fakes of the first one's, so G runs forward once a step. D's real and
    fake batch go through D as one where D treats samples independently; where it mixes them they go separately, as the statistics
    would mix. D's weights get no gradients in G's update. Where batches come with labels, both networks are told them: G(z, y), D(x, y).
    `ortho_g`, `ortho_d`: weight of orthogonal regularisation (`orthogonal.py`), its gradient added to the loss's.
    """

    columns: tuple[str, ...] = ()
    networks = optimisers = NOTHING

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
        ortho_g: float = 0.0,
        ortho_d: float = 0.0,
    ):
        self.g, self.d, self.opt_g, self.opt_d = g, d, opt_g, opt_d
        self.loss, self.d_weight, self.fresh_z, self.autocast, self.g_first = LOSSES[loss], d_weight, fresh_z, autocast, g_first
        self.ortho_g, self.ortho_d = ((weight, matrices(net) if weight else []) for weight, net in ((ortho_g, g), (ortho_d, d)))
        self.params_g, self.params_d = ([p for p in net.parameters() if p.requires_grad] for net in (g, d))
        self.d_mixes_samples = mixes_samples(d)
        self.carried: dict[str, Tensor] = {}
        self.streams: dict[str, torch.Generator] = {}

    def logits(self, x: Tensor, told: Told = ()) -> Tensor:
        return widened(self.d(x, *told))

    def d_update(self, x: Tensor, fakes: Tensor, told_x: Told = (), told: Told = ()) -> Tensor:
        """One D update on reals x and detached fakes, both (N, C, H, W); returns the scalar loss, on device."""
        with self.autocast():
            if self.d_mixes_samples:
                real, fake = self.logits(x, told_x), self.logits(fakes, told)
            else:
                both = tuple(torch.cat(pair) for pair in zip(told_x, told, strict=True))
                real, fake = self.logits(torch.cat((x, fakes)), both).chunk(2)
            loss = self.loss.d(real, fake) * self.d_weight
        self.opt_d.zero_grad(set_to_none=True)
        loss.backward(inputs=self.params_d)
        beta, weights = self.ortho_d
        add_gradient(weights, beta)
        self.opt_d.step()
        return loss.detach()

    def g_update(self, fakes: Tensor, told: Told = ()) -> Tensor:
        """One G update through the current D; `fakes` (N, C, H, W) carry G's graph."""
        with frozen(self.params_d), self.autocast():
            loss = self.loss.g(self.logits(fakes, told))
        self.opt_g.zero_grad(set_to_none=True)
        self.g_backward(loss, fakes)
        beta, weights = self.ortho_g
        add_gradient(weights, beta)
        self.opt_g.step()
        return loss.detach()

    def g_backward(self, loss: Tensor, fakes: Tensor) -> None:
        """Leave in G's weights the gradients of what G minimises; `loss` is that of `fakes`."""
        loss.backward(inputs=self.params_g)

    def fakes(self, z: Tensor, told: Told = ()) -> Tensor:
        with self.autocast():
            return widened(self.g(z, *told))

    def step(self, reals: Callable[[], Batch], noise: Callable[[], Batch], d_steps: int) -> tuple[Tensor | None, Tensor]:
        def made() -> tuple[Tensor, Told]:
            z, told = parted(noise())
            return self.fakes(z, told), told

        def d_update(fakes: Tensor, told: Told) -> Tensor:
            x, told_x = parted(reals())
            return self.d_update(x, fakes.detach(), told_x, told)

        if self.g_first or d_steps == 0:
            fakes, told = made()
            g_loss, d_loss = self.g_update(fakes, told), None
            for done in range(d_steps):
                if done or self.fresh_z:
                    with torch.no_grad():
                        fakes, told = made()
                d_loss = d_update(fakes, told)
            return d_loss, g_loss
        for remaining in range(d_steps, 0, -1):
            reuse = remaining == 1 and not self.fresh_z
            with torch.set_grad_enabled(reuse):
                fakes, told = made()
            d_loss = d_update(fakes, told)
        if self.fresh_z:
            fakes, told = made()
        return d_loss, self.g_update(fakes, told)
