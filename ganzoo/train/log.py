"""Losses, averaged on the device; the host reads them only when a record is written."""

from __future__ import annotations

import torch
from torch import Tensor


class LossLog:
    """Means of (D loss, G loss) over windows of `every` G steps; one device row a window, allocated once."""

    def __init__(self, total_steps: int, every: int, device: torch.device):
        self.every = every
        self.rows = torch.zeros(total_steps // every, 2, device=device)
        self.sums = torch.zeros(2, device=device)
        self.filled = 0

    def add(self, step: int, d_loss: Tensor, g_loss: Tensor) -> None:
        """Count step number `step` (from 1)."""
        self.sums[0].add_(d_loss)
        self.sums[1].add_(g_loss)
        if step % self.every == 0:
            torch.div(self.sums, self.every, out=self.rows[self.filled])
            self.sums.zero_()
            self.filled += 1

    def read(self) -> dict[str, list]:
        """{"step": [...], "d": [...], "g": [...]}: windows by their last step. Waits for the device."""
        d, g = self.rows[: self.filled].T.tolist() if self.filled else ([], [])
        return {"step": [self.every * (i + 1) for i in range(self.filled)], "d": d, "g": g}

    def state(self) -> dict[str, Tensor]:
        return {"rows": self.rows[: self.filled].clone(), "sums": self.sums.clone()}

    def restore(self, state: dict[str, Tensor], step: int) -> None:
        self.filled = step // self.every
        self.rows[: self.filled].copy_(state["rows"][: self.filled])
        self.sums.copy_(state["sums"])
