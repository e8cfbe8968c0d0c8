"""Adversarial losses on D's raw outputs ("logits"): one formulation each, of terms per sample.

D(x) = sigmoid(d(x)) is the probability of "real"; -log D = softplus(-d) and -log(1 - D) = softplus(d) stay finite
for every logit. `real`, `fake` and `generator` take logits of any shape and return as many terms; `d` and `g` are what the
two networks minimise, means over the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import relu, softplus

Terms = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Loss:
    """real, fake: D's terms for reals and fakes; generator: G's for its fakes; probability: whether D's output is sigmoid(logit)."""

    real: Terms
    fake: Terms
    generator: Terms
    probability: bool = False

    def d(self, real: Tensor, fake: Tensor) -> Tensor:
        return self.real(real).mean() + self.fake(fake).mean()

    def g(self, fake: Tensor) -> Tensor:
        return self.generator(fake).mean()

    def output(self, logits: Tensor) -> Tensor:
        """D's output as its papers mean it: a probability, or the logit itself."""
        return logits.sigmoid() if self.probability else logits

    def short_of(self, mean: Tensor, target: float) -> Tensor:
        """|mean - target| of mean outputs; a probability lies on one side of its target."""
        if not self.probability:
            return (mean - target).abs()
        return target - mean if target else mean


# Goodfellow et al. 2014: eq. 1, and for G the remark below Algorithm 1 (maximise log D(G(z))).
NON_SATURATING = Loss(real=lambda d: softplus(-d), fake=softplus, generator=lambda d: softplus(-d), probability=True)

# Goodfellow et al. 2014, eq. 1 as it stands: G minimises log(1 - D(G(z))).
MINIMAX = Loss(real=lambda d: softplus(-d), fake=softplus, generator=lambda d: -softplus(d), probability=True)

# Lim & Ye 2017 (Geometric GAN); Miyato et al. 2018, eq. 16-17.
HINGE = Loss(real=lambda d: relu(1 - d), fake=lambda d: relu(1 + d), generator=lambda d: -d)

# Mao et al. 2017 (LSGAN), eq. 9 with a = 0, b = c = 1; logits are used as they are.
LEAST_SQUARES = Loss(
    real=lambda d: 0.5 * (d - 1).square(), fake=lambda d: 0.5 * d.square(), generator=lambda d: 0.5 * (d - 1).square()
)  # fmt: skip

# The same without the halves, as implementations have it (torch's MSELoss); beside another loss its size counts.
MSE = Loss(real=lambda d: (d - 1).square(), fake=lambda d: d.square(), generator=lambda d: (d - 1).square())

LOSSES = {"non-saturating": NON_SATURATING, "minimax": MINIMAX, "hinge": HINGE, "least-squares": LEAST_SQUARES, "mse": MSE}
