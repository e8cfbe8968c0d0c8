"""Batches from one tensor, uint8 images or points: shuffled on the CPU's stream, gathered and scaled on the device into buffers."""

from __future__ import annotations

import torch
from torch import Tensor

from ganzoo.errors import DataError


class Batches:
    """An endless walk through `images` (M, C, H, W) uint8, a fresh permutation each epoch, the last partial batch dropped.

    `next()` returns the same buffer (N, C, H, W) float32 each time, refilled; pixel p becomes lo + p·(hi - lo)/255, float points stay
    what they are. With `labels` (M,) int64 it returns (images, labels (N,)), the second a buffer likewise.
    """

    def __init__(
        self, images: Tensor, batch_size: int, value_range: tuple[float, float], generator: torch.Generator, *,
        channels_last: bool = False, labels: Tensor | None = None,
    ):  # fmt: skip
        if len(images) < batch_size:
            raise DataError(f"{len(images)} images make no batch of {batch_size}. Lower train.batch_size or raise data.limit.")
        self.images, self.batch_size, self.generator = images, batch_size, generator
        lo, hi = value_range
        self.scale, self.shift = (hi - lo) / 255.0, lo
        self.as_they_are = images.is_floating_point()
        self.per_epoch = len(images) // batch_size
        self.shape = tuple(images.shape[1:])  # of one image
        shape = (batch_size, *images.shape[1:])
        self.raw = torch.empty(shape, dtype=images.dtype, device=images.device)
        layout = torch.channels_last if channels_last else torch.contiguous_format
        self.out = torch.empty(shape, device=images.device).to(memory_format=layout)
        self.labels = labels
        self.told = None if labels is None else torch.empty(batch_size, dtype=labels.dtype, device=images.device)
        self.position = 0
        self._shuffle()

    def _shuffle(self) -> None:
        self.epoch_start = self.generator.get_state()
        self.order = torch.randperm(len(self.images), generator=self.generator).to(self.images.device)
        self.position = 0

    def next(self) -> Tensor | tuple[Tensor, Tensor]:
        if self.position == self.per_epoch:
            self._shuffle()
        chosen = self.order[self.position * self.batch_size : (self.position + 1) * self.batch_size]
        self.position += 1
        torch.index_select(self.images, 0, chosen, out=self.raw)
        x = self.out.copy_(self.raw)
        if not self.as_they_are:
            x.mul_(self.scale).add_(self.shift)
        return x if self.labels is None else (x, torch.index_select(self.labels, 0, chosen, out=self.told))

    def state(self) -> dict[str, Tensor]:
        """Where the walk stands: the generator at the epoch's start and the batches taken since."""
        return {"epoch_start": self.epoch_start, "position": torch.tensor(self.position)}

    def restore(self, state: dict[str, Tensor]) -> None:
        self.generator.set_state(state["epoch_start"])
        self._shuffle()
        self.position = int(state["position"])
