"""Losses of every step, kept on the device; the host reads them only when a record is written."""

from __future__ import annotations

import torch
from torch import Tensor


class LossLog:
    """(D loss, G loss, *columns) of each G step: one device row a step, allocated once; 4 bytes each.

    every: steps of a window, whose means `read` gives; d_every: D is updated in the first of so many steps only, and its loss stands
    for the others; columns: names of what a rule returns beside the losses.
    """

    def __init__(self, total_steps: int, every: int, device: torch.device, *, d_every: int = 1, columns: tuple[str, ...] = ()):
        self.every, self.d_every, self.columns = every, d_every, ("d", "g", *columns)
        self.losses = torch.zeros(total_steps, len(self.columns), device=device)
        self.filled = 0  # steps

    def add(self, step: int, *values: Tensor | None) -> None:
        """Keep the values of step number `step` (from 1), one a column; None where D was not updated."""
        for place, value in zip(self.losses[step - 1].unbind(), values, strict=True):
            if value is not None:
                place.copy_(value)
        self.filled = step

    def steps(self) -> Tensor:
        """(steps, columns) float64 on the host: D's and G's loss and the rest of every step so far. Waits for the device."""
        losses = self.losses[: self.filled].cpu().double()
        if self.d_every > 1:
            updated = torch.arange(self.filled) // self.d_every * self.d_every
            losses[:, 0] = losses[updated, 0]
        return losses

    def read(self) -> dict[str, list]:
        """{"step": [...], "d": [...], "g": [...], …}: means over whole windows, by their last step. Waits for the device."""
        windows = self.filled // self.every
        means = self.steps()[: windows * self.every].view(windows, self.every, len(self.columns)).mean(1) if windows else self.losses[:0]
        return {"step": [self.every * (i + 1) for i in range(windows)], **dict(zip(self.columns, means.T.tolist(), strict=True))}

    def state(self) -> dict[str, Tensor]:
        return {"losses": self.losses[: self.filled].clone()}

    def restore(self, state: dict[str, Tensor], step: int) -> None:
        self.filled = step
        self.losses[:step].copy_(state["losses"][:step])
