"""The training loop."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ganzoo.recipes import Alternating
from ganzoo.spec.schema import Case
from ganzoo.streams import fill_latent
from ganzoo.train.state import State


def train(case: Case, state: State, until_step: int, *, after_step: Callable[[State], bool] = lambda state: False) -> bool:
    """Advance `state` to `until_step` G steps. `after_step` is asked once a step and may end the loop by returning True.

    Returns whether `until_step` was reached. No value is read back from the device in here.
    """
    settings, device = case.train, state.device
    z = torch.empty(settings.batch_size, case.model.latent.dim, device=device)

    def noise() -> torch.Tensor:
        return fill_latent(z, case.model.latent.dist, state.latent)

    def autocast():
        return torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bf16")

    rule = Alternating(
        state.g, state.d, state.opt_g, state.opt_d,
        loss=case.recipe.loss, d_weight=case.recipe.d_weight, fresh_z=case.recipe.fresh_z, autocast=autocast,
    )  # fmt: skip
    while state.step < until_step:
        d_steps = case.recipe.d_steps if state.step % case.recipe.d_every == 0 else 0
        d_loss, g_loss = rule.step(state.batches.next, noise, d_steps)
        state.step += 1
        if state.ema:
            state.ema.update()
        state.log.add(state.step, d_loss, g_loss)
        if after_step(state):
            return False
    return True
