"""Batches from one uint8 tensor: shuffled on the CPU's stream, gathered and scaled on the device into buffers made once."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import DataError


class Batches:
    """An endless walk through `images` (M, C, H, W) uint8, a fresh permutation each epoch, the last partial batch dropped.

    `next()` returns the same buffer (N, C, H, W) float32 each time, refilled; pixel p becomes lo + p·(hi - lo)/255.
    """

    def __init__(
        self, images: Tensor, batch_size: int, value_range: tuple[float, float], generator: torch.Generator, *, channels_last: bool = False
    ):
        if len(images) < batch_size:
            raise DataError(f"{len(images)} images make no batch of {batch_size}. Lower train.batch_size or raise data.limit.")
        self.images, self.batch_size, self.generator = images, batch_size, generator
        lo, hi = value_range
        self.scale, self.shift = (hi - lo) / 255.0, lo
        self.per_epoch = len(images) // batch_size
        self.shape = tuple(images.shape[1:])  # of one image
        shape = (batch_size, *images.shape[1:])
        self.raw = torch.empty(shape, dtype=torch.uint8, device=images.device)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.out = torch.empty(shape, device=images.device).to(memory_format=layout)
        self.position = 0
        self._shuffle()

    def _shuffle(self) -> None:
        self.epoch_start = self.generator.get_state()
        self.order = torch.randperm(len(self.images), generator=self.generator).to(self.images.device)
        self.position = 0

    def next(self) -> Tensor:
        if self.position == self.per_epoch:
            self._shuffle()
        chosen = self.order[self.position * self.batch_size : (self.position + 1) * self.batch_size]
        self.position += 1
        torch.index_select(self.images, 0, chosen, out=self.raw)
        return self.out.copy_(self.raw).mul_(self.scale).add_(self.shift)

    def state(self) -> dict[str, Tensor]:
        """Where the walk stands: the generator at the epoch's start and the batches taken since."""
        return {"epoch_start": self.epoch_start, "position": torch.tensor(self.position)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.generator.set_state(state["epoch_start"])
        self._shuffle()
        self.position = int(state["position"])
