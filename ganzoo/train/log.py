"""Losses of every step, kept on the device; the host reads them only when a record is written."""

from __future__ import annotations

import torch
from torch import Tensor


class LossLog:
    """(D loss, G loss) of each G step: one device row a step, allocated once; 8 bytes a step.

    every: steps of a window, whose means `read` gives; d_every: D is updated in the first of so many steps only, and its loss stands
    for the others.
    """

    def __init__(self, total_steps: int, every: int, device: torch.device, *, d_every: int = 1):
        self.every, self.d_every = every, d_every
        self.losses = torch.zeros(total_steps, 2, device=device)
        self.filled = 0  # steps

    def add(self, step: int, d_loss: Tensor | None, g_loss: Tensor) -> None:
        """Keep the losses of step number `step` (from 1); None where D was not updated."""
        d_row, g_row = self.losses[step - 1].unbind()
        if d_loss is not None:
            d_row.copy_(d_loss)
        g_row.copy_(g_loss)
        self.filled = step

    def steps(self) -> Tensor:
        """(steps, 2) float64 on the host: D's and G's loss of every step so far. Waits for the device."""
        losses = self.losses[: self.filled].cpu().double()
        if self.d_every > 1:
            updated = torch.arange(self.filled) // self.d_every * self.d_every
            losses[:, 0] = losses[updated, 0]
        return losses

    def read(self) -> dict[str, list]:
        """{"step": [...], "d": [...], "g": [...]}: means over whole windows, by their last step. Waits for the device."""
        windows = self.filled // self.every
        d, g = self.steps()[: windows * self.every].view(windows, self.every, 2).mean(1).T.tolist() if windows else ([], [])
        return {"step": [self.every * (i + 1) for i in range(windows)], "d": d, "g": g}

    def state(self) -> dict[str, Tensor]:
        return {"losses": self.losses[: self.filled].clone()}

    def restore(self, state: dict[str, Tensor], step: int) -> None:
        self.filled = step
        self.losses[:step].copy_(state["losses"][:step])
