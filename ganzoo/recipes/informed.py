"""The alternating rule with the mutual information of z and G(z) in G's loss (Belghazi et al. 2018, §5.1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer

from ganzoo.recipes.alternating import Alternating, Told
from ganzoo.recipes.mutual_information import MovingBound, donsker_varadhan
from ganzoo.recipes.rule import Batch
from ganzoo.recipes.statistics_network import StatisticsNetwork

INFORMATION_COLUMNS = ("mi",)


class Informed(Alternating):
    """G minimises its loss less `weight` times a lower bound on I(G(z); z), which a third network T learns to raise.

    I(G(z); z) = H(G(z)) - H(G(z) | z), and a G without noise of its own leaves nothing of the second: the term is the negative entropy of
    what G makes. With `code`, z is its first so many entries, and the rest of z is such noise. For continuous z the information has no
    upper limit; what T can tell apart and `clip` keep the term in bounds.

    In each of G's updates T sees its fakes, each with its own z and with another's. One pass through T serves both: T takes a step of its
    own optimiser up the bound, G has the same bound's gradient through the fakes, both corrected for bias (`MovingBound`), both from
    before either moved. `mi` is the bound on that batch in nats; the G loss that a step returns is the adversarial one alone.
    `clip`: over all of G's weights, the gradient of the information is scaled down to be no longer than that of G's own loss (adaptive
    clipping). Orthogonal regularisation is outside of both. Where networks are told labels T is not: its bound holds for whatever else
    G(z, y) depends on. T is computed in single precision whatever the networks are run in: e^T forgives no rounding.
    """

    columns: tuple[str, ...] = INFORMATION_COLUMNS

    def __init__(
        self,
        g: nn.Module,
        d: nn.Module,
        opt_g: Optimizer,
        opt_d: Optimizer,
        *,
        statistics: StatisticsNetwork,
        opt_t: Optimizer,
        weight: float,
        rate: float,
        clip: bool,
        **alternating,
    ):
        super().__init__(g, d, opt_g, opt_d, **alternating)
        self.t, self.opt_t, self.weight, self.clip = statistics, opt_t, weight, clip
        self.networks, self.optimisers = {"t": statistics}, {"t": opt_t}
        self.params_t = list(statistics.parameters())
        self.bound = MovingBound(rate, self.params_t[0].device, self.params_t[0].dtype)
        self.carried["mine/log_mean"] = self.bound.log_mean
        self.code = statistics.sizes[1]
        self.z: Tensor | None = None  # of the newest fakes; within a step
        self.mi: Tensor | None = None

    def fakes(self, z: Tensor, told: Told = ()) -> Tensor:
        self.z = z[:, : self.code]
        return super().fakes(z, told)

    def g_backward(self, loss: Tensor, fakes: Tensor) -> None:
        """Beside the loss's gradients, the information's; and T's step."""
        pull, of_t = self._ascent(fakes)
        if self.clip:
            loss.backward(inputs=self.params_g, retain_graph=True)
            add_clipped(self.params_g, torch.autograd.grad(fakes, self.params_g, pull, allow_unused=True))
        else:
            torch.autograd.backward((loss, fakes), (None, pull), inputs=self.params_g)
        for p, gradient in zip(self.params_t, of_t, strict=True):
            p.grad = gradient
        self.opt_t.step()

    def _ascent(self, fakes: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Gradients of the negative bound, for the fakes (times `weight`) and for each of T's parameters."""
        seen = fakes.detach().requires_grad_()
        joint, marginal = self.t.pairs(seen, self.z)
        self.mi = donsker_varadhan(joint.detach(), marginal.detach())
        of_fakes, *of_t = torch.autograd.grad(self.bound.loss(joint, marginal), (seen, *self.params_t))
        return of_fakes.mul_(self.weight), tuple(of_t)

    def step(
        self, reals: Callable[[], Batch], noise: Callable[[], Batch], d_steps: int
    ) -> tuple[Tensor | None, Tensor, *tuple[Tensor, ...]]:
        return *super().step(reals, noise, d_steps), self.mi


def add_clipped(params: Sequence[nn.Parameter], gradients: Sequence[Tensor | None]) -> None:
    """Add g_a = min(|g_u|, |g_m|) g_m / |g_m| to the gradients g_u that `params` have (Belghazi et al. 2018, §5.1).

    g_m are `gradients`, the norms run over all of them, and are never read back. Where g_m is 0 nothing is added.
    """
    found = [(p.grad, gradient) for p, gradient in zip(params, gradients, strict=True) if gradient is not None and p.grad is not None]
    of_loss, of_information = (get_total_norm(side) for side in zip(*found, strict=True))
    share = torch.minimum(of_loss, of_information) / of_information.clamp_min(torch.finfo(of_information.dtype).tiny)
    for own, gradient in found:
        own.addcmul_(gradient, share)
