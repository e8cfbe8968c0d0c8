"""The training loop."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ganzoo.recipes import Batch
from ganzoo.spec.schema import Case
from ganzoo.streams import fill_latent
from ganzoo.train.rules import lr_share
from ganzoo.train.state import State


def train(case: Case, state: State, until_step: int, *, after_step: Callable[[State], bool] = lambda state: False) -> bool:
    """Advance `state` to `until_step` G steps. `after_step` is asked once a step and may end the loop by returning True.

    Returns whether `until_step` was reached. No value is read back from the device in here.
    """
    size, classes = case.train.batch_size // case.train.ranks, case.model.num_classes
    z = torch.empty(size, case.model.latent.dim, device=state.device)
    labels = torch.empty(size, dtype=torch.long, device=state.device)

    def noise() -> Batch:
        fill_latent(z, case.model.latent.dist, state.latent)
        return (z, labels.random_(0, classes, generator=state.labels)) if classes else z

    step = state.ranks.in_step(state.rule.step)
    while state.step < until_step:
        state.set_learning_rates(lr_share(case, state.step, state.batches.per_epoch))
        d_steps = case.recipe.d_steps if state.step % case.recipe.d_every == 0 else 0
        values = step(state.batches.next, noise, d_steps)
        state.step += 1
        if state.ema:
            state.ema.update()
        state.log.add(state.step, *values)
        if after_step(state):
            return False
    return True
