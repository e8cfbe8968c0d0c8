"""Mutual information from samples, in nats: the Donsker-Varadhan bound of a statistics network (Belghazi et al. 2018, arXiv 1801.04062).

I(X; Z) >= E_joint[T] - log E_marginal[e^T] for every function T (their eq. 5 and 10), with equality where T is the log of the density
ratio. T is a network that ascends the bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim import Adam

from ganzoo.recipes.statistics_network import StatisticsNetwork


def log_mean_exp(x: Tensor) -> Tensor:
    """log mean e^x over x (N,), for whatever size of x."""
    return x.logsumexp(0) - math.log(len(x))


def donsker_varadhan(joint: Tensor, marginal: Tensor) -> Tensor:
    """The bound, a scalar in nats, from T on samples of the joint law (N,) and of the marginals' product (M,)."""
    return joint.mean() - log_mean_exp(marginal)


class MovingBound:
    """The negative bound's gradient without most of its bias (their §3.2, eq. 12).

    A batch's own mean of e^T divides the gradient of that mean, and the mean of such a quotient is not the quotient of the means. The
    divisor is therefore an exponential moving average, `rate` the present batch's share, and no gradient passes through it. It begins
    with the first batch's mean; `rate` 1 is the bound's plain gradient. Its logarithm is kept, on the device: e^T may be larger than a
    float, the quotient is at most N / rate.
    """

    def __init__(self, rate: float, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32):
        self.kept, self.present = (math.log(1 - rate) if rate < 1 else -math.inf), math.log(rate)
        self.log_mean = torch.full((), -math.inf, device=device, dtype=dtype)

    def loss(self, joint: Tensor, marginal: Tensor) -> Tensor:
        """To be minimised, by T and by whatever x came from; its gradient is what counts, its value is no estimate."""
        self._follow(log_mean_exp(marginal.detach()))
        return (marginal - self.log_mean).exp().mean() - joint.mean()

    def _follow(self, log_mean: Tensor) -> None:
        moved = torch.logaddexp(self.log_mean + self.kept, log_mean + self.present)
        self.log_mean.copy_(torch.where(self.log_mean == -math.inf, log_mean, moved))


@torch.no_grad()
def held_out_bound(t: StatisticsNetwork, x: Tensor, z: Tensor, shifts: int = 1) -> float:
    """The bound on samples that T was not trained on, each x with `shifts` other samples' z for the marginals' product; nats.

    A lower bound up to sampling error, which the mean of e^T over the N·shifts pairs dominates where the information is large.
    """
    joint, _ = t.pairs(x, z)
    parts = [log_mean_exp(t.pairs(x, z, shift)[1]) for shift in range(1, shifts + 1)]
    return float(joint.mean() - log_mean_exp(torch.stack(parts)))


def estimate(
    x: Tensor,
    z: Tensor,
    fresh: tuple[Tensor, Tensor],
    *,
    hidden: Sequence[int] = (64, 64),
    steps: int = 1000,
    batch_size: int = 256,
    lr: float = 2e-3,
    rate: float = 0.01,
    shifts: int = 1,
    seed: int = 0,
) -> float:
    """A lower bound on I(x; z) in nats, from samples x (N, …) and z (N, k) of one law.

    A statistics network of its own ascends the bound in `steps` batches of (x, z), its learning rate falling linearly to 0, and is then
    read off on `fresh`, samples (x, z) that it has not seen. The seed decides its first weights and the order of the samples.
    """
    if len(x) < batch_size:
        raise ValueError(f"{len(x)} samples make no batch of {batch_size}: expected at least as many")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        t = StatisticsNetwork(x[0].numel(), z.shape[1], hidden).to(x.device, x.dtype)
    order = torch.Generator().manual_seed(seed)
    optimiser, bound = Adam(t.parameters(), lr=lr, fused=True), MovingBound(rate, x.device, x.dtype)
    batches: list[Tensor] = []
    for step in range(steps):
        if not batches:
            batches = [part for part in torch.randperm(len(x), generator=order).split(batch_size) if len(part) == batch_size]
        chosen = batches.pop().to(x.device)
        for group in optimiser.param_groups:
            group["lr"] = lr * (1 - step / steps)
        loss = bound.loss(*t.pairs(x[chosen], z[chosen]))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
    return held_out_bound(t, *fresh, shifts)
