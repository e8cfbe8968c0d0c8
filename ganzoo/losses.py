"""Adversarial losses on logits: one pair of functions for each formulation, means over the batch.

D(x) = sigmoid(d(x)) is the probability of "real"; -log D = softplus(-d) and -log(1 - D) = softplus(d) stay finite
for every logit. All take and return float tensors; `real`, `fake`: (N,) logits; results are scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu, softplus


@dataclass(frozen=True)
class Loss:
    """What D and G minimise."""

    d: Callable[[Tensor, Tensor], Tensor]
    g: Callable[[Tensor], Tensor]


def _bce_d(real: Tensor, fake: Tensor) -> Tensor:
    return softplus(-real).mean() + softplus(fake).mean()


# Goodfellow et al. 2014: eq. 1, and for G the remark below Algorithm 1 (maximise log D(G(z))).
NON_SATURATING = Loss(d=_bce_d, g=lambda fake: softplus(-fake).mean())

# Goodfellow et al. 2014, eq. 1 as it stands: G minimises log(1 - D(G(z))).
MINIMAX = Loss(d=_bce_d, g=lambda fake: -softplus(fake).mean())

# Lim & Ye 2017 (Geometric GAN); Miyato et al. 2018, eq. 16-17.
HINGE = Loss(d=lambda real, fake: relu(1 - real).mean() + relu(1 + fake).mean(), g=lambda fake: -fake.mean())

# Mao et al. 2017 (LSGAN), eq. 9 with a = 0, b = c = 1; logits are used as they are.
LEAST_SQUARES = Loss(
    d=lambda real, fake: 0.5 * (real - 1).square().mean() + 0.5 * fake.square().mean(),
    g=lambda fake: 0.5 * (fake - 1).square().mean(),
)

LOSSES = {"non-saturating": NON_SATURATING, "minimax": MINIMAX, "hinge": HINGE, "least-squares": LEAST_SQUARES}
