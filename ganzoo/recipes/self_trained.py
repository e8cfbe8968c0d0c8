"""SelfGAN: G and D trained together by one loss with dynamic weights (*selfgan*, §4; github.com/HighCWu/SelfGAN, 0b3fbd4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.losses import LOSSES
from ganzoo.recipes.rule import NOTHING, Autocast, mixes_samples, widened

SELF_COLUMNS = ("v_g", "v_r", "v_f", "d_real", "d_fake")


@dataclass(frozen=True)
class Balance:
    """How the losses of D's three passes (G's fakes, reals, fakes of the step before) become one.

    balance: what the dynamic weights (v_g, v_r, v_f) are. losses, the document's: each pass's mean loss. outputs, the author's code's: how
    far D's mean output lies from what would make that loss vanish. A larger loss has a larger weight: always for losses; for outputs where
    all outputs of a batch move together, since a mean output can stay where a mean loss rises.
    form: shares, for the GPU: (real + a·v_g·gen + b·v_f·fake) / 2; normalised, for the TPU: all three weighted, divided by v_r + v_g + v_f.
    Gradients flow through the weights.
    """

    loss: str
    balance: str
    form: str
    shares: tuple[float, float]
    shards: int = 1

    def terms(self, gen: Tensor, real: Tensor, fake: Tensor) -> tuple[Tensor, ...]:
        """The mean losses (shards,) of D's outputs for the three passes."""
        loss = LOSSES[self.loss]
        return tuple(map(self._means, (loss.generator(gen), loss.real(real), loss.fake(fake))))

    def outputs(self, gen: Tensor, real: Tensor, fake: Tensor) -> tuple[Tensor, ...]:
        """D's mean outputs (shards,)."""
        loss = LOSSES[self.loss]
        return tuple(self._means(loss.output(logits)) for logits in (gen, real, fake))

    def weights(self, terms: tuple[Tensor, ...], outputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """(v_g, v_r, v_f)."""
        if self.balance == "losses":
            return terms
        loss = LOSSES[self.loss]
        return tuple(loss.short_of(mean, target) for mean, target in zip(outputs, (1.0, 1.0, 0.0), strict=True))

    def of(self, gen: Tensor, real: Tensor, fake: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """(the loss, summed over shards; what a step returns: D's mean loss without weights, G's, SELF_COLUMNS), from D's raw outputs."""
        terms, outputs = self.terms(gen, real, fake), self.outputs(gen, real, fake)
        weights = self.weights(terms, outputs)
        (of_gen, of_real, of_fake), (v_g, v_r, v_f) = terms, weights
        if self.form == "shares":
            loss = (of_real + self.shares[0] * v_g * of_gen + self.shares[1] * v_f * of_fake) / 2
        else:
            loss = (v_r * of_real + v_g * of_gen + v_f * of_fake) / (v_r + v_g + v_f)
        (g_mean, r_mean, f_mean), (_, d_real, d_fake) = ([one.detach().mean() for one in of] for of in (terms, outputs))
        return loss.sum(), ((r_mean + f_mean) / 2, g_mean, *(weight.detach().mean() for weight in weights), d_real, d_fake)

    def _means(self, values: Tensor) -> Tensor:
        return values.reshape(self.shards, -1).mean(1)


class SelfTrained:
    """One forward of G, one backward and one optimiser for both networks; D judges G's fakes, the reals and the fakes of the step before.

    Every gradient of the one loss reaches both networks. `balance.shards`: the batch in so many parts, each with its own weights and batch
    statistics; their losses are added, as the TPU form's gradients are. D's passes are one where it treats samples independently.
    """

    columns = SELF_COLUMNS
    networks = optimisers = NOTHING

    def __init__(self, g: nn.Module, d: nn.Module, optimiser: Optimizer, *, balance: Balance, previous: Tensor, autocast: Autocast):
        """previous: (N, C, H, W), the fakes of the step before the first: zeros."""
        self.g, self.d, self.optimiser, self.balance, self.autocast = g, d, optimiser, balance, autocast
        self.g_mixes, self.d_mixes = (balance.shards > 1 and mixes_samples(g)), mixes_samples(d)
        self.carried = {"previous": previous}
        self.streams: dict[str, torch.Generator] = {}

    def _fakes(self, z: Tensor) -> Tensor:
        if not self.g_mixes:
            return widened(self.g(z))
        return widened(torch.cat([self.g(part) for part in z.chunk(self.balance.shards)]))

    def _logits(self, *batches: Tensor) -> tuple[Tensor, ...]:
        """D's outputs for batches of one size, shard by shard where a shard has its own statistics."""
        if not self.d_mixes:
            return widened(self.d(torch.cat(batches))).chunk(len(batches))
        parts = zip(*(batch.chunk(self.balance.shards) for batch in batches), strict=True)
        judged = [[widened(self.d(part)) for part in shard] for shard in parts]
        return tuple(torch.cat(shards) for shards in zip(*judged, strict=True))

    def step(self, reals: Callable[[], Tensor], noise: Callable[[], Tensor], d_steps: int) -> tuple[Tensor, ...]:
        """`d_steps` is 1: neither network has steps of its own."""
        previous = self.carried["previous"]
        with self.autocast():
            fakes = self._fakes(noise())
            judged = self._logits(fakes, reals(), previous)
        loss, logged = self.balance.of(*judged)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        previous.copy_(fakes.detach())
        return logged
